"""The same as ``segdepth evaluate``."""

import sys

from segdepth.cli import main

if __name__ == "__main__":
    sys.exit(main(["evaluate", *sys.argv[1:]]))
