"""The same as ``segdepth saliency``."""

import sys

from segdepth.cli import main

if __name__ == "__main__":
    sys.exit(main(["saliency", *sys.argv[1:]]))
