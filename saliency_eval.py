"""The same as ``segdepth study eval``."""

import sys

from segdepth.cli import main

if __name__ == "__main__":
    sys.exit(main(["study", "eval", *sys.argv[1:]]))
