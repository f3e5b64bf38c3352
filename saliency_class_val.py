"""The same as ``segdepth study class``."""

import sys

from segdepth.cli import main

if __name__ == "__main__":
    sys.exit(main(["study", "class", *sys.argv[1:]]))
