"""The same as ``segdepth predict --task seg``."""

import sys

from segdepth.cli import main

if __name__ == "__main__":
    sys.exit(main(["predict", "--task", "seg", *sys.argv[1:]]))
