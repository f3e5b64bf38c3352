"""The same as ``segdepth predict --task seg --label-ids``."""

import sys

from segdepth.cli import main

if __name__ == "__main__":
    sys.exit(main(["predict", "--task", "seg", "--label-ids", *sys.argv[1:]]))
