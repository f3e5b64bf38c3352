"""The same as ``segdepth train``."""

import sys

from segdepth.cli import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
