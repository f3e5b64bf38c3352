"""The same as ``segdepth evaluate --task depth --test``."""

import sys

from segdepth.cli import main

if __name__ == "__main__":
    sys.exit(main(["evaluate", "--task", "depth", "--test", *sys.argv[1:]]))
