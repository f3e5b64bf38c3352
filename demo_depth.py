"""The same as ``segdepth predict --task depth``."""

import sys

from segdepth.cli import main

if __name__ == "__main__":
    sys.exit(main(["predict", "--task", "depth", *sys.argv[1:]]))
