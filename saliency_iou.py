"""The same as ``segdepth study iou``."""

import sys

from segdepth.cli import main

if __name__ == "__main__":
    sys.exit(main(["study", "iou", *sys.argv[1:]]))
