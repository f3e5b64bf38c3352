"""The same as ``segdepth evaluate --task depth --dataset kitti_eigen``."""

import sys

from segdepth.cli import main

if __name__ == "__main__":
    sys.exit(main(["evaluate", "--task", "depth", "--dataset", "kitti_eigen", *sys.argv[1:]]))
