"""The same as ``segdepth prepare kitti``."""

import sys

from segdepth.cli import main

if __name__ == "__main__":
    sys.exit(main(["prepare", "kitti", *sys.argv[1:]]))
