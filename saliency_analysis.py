"""The same as ``segdepth analyse``."""

import sys

from segdepth.cli import main

if __name__ == "__main__":
    sys.exit(main(["analyse", *sys.argv[1:]]))
