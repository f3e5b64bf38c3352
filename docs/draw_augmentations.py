"""Draw docs/images/augmentation_*.png: each augmentation on a synthetic street, with its labels and its depth."""

from pathlib import Path

import numpy as np

from segdepth.data import Sample
from segdepth.data.labels import CITYSCAPES
from segdepth.data.synthetic import Synthetic
from segdepth.data.transforms import augment
from segdepth.drawing import colour_distance, colour_labels, write_png

IMAGES = Path(__file__).parent / "images"
ROWS, COLUMNS = 96, 320
GAP = 6
SEED = 3

#: Strong parameters, so that something is to be seen.
PARAMETERS: dict[str, object] = {
    "none": None,
    "gamma": 1.5,
    "hue": 0.3,
    "brightness": 0.6,
    "saturation": 0.9,
    "contrast": 0.8,
    "rcrop": (48, 160),
    "translate": (30, 100),
    "rotate": 20.0,
    "scale": (72, 160),
    "rscale": (0.5, 0.7),
    "ccrop": (60, 200),
    "hflip": 1.0,
    "vflip": 1.0,
}


def draw(sample: Sample) -> np.ndarray:
    """Picture, labels and depth side by side on one height."""
    labels, depth = sample.truth("labels"), sample.truth("depth")
    panels = [sample.image, colour_labels(labels, CITYSCAPES.colours), colour_distance(depth)]
    canvas = np.full((ROWS, 3 * COLUMNS + 2 * GAP, 3), 255, np.uint8)
    for place, panel in enumerate(panels):
        left = place * (COLUMNS + GAP)
        canvas[: panel.shape[0], left : left + panel.shape[1]] = panel
    return canvas


def main() -> None:
    """Write the pictures."""
    street = Synthetic(None, "train", frozenset({"labels", "depth"}), height=ROWS, width=COLUMNS)[12]
    for name, parameter in PARAMETERS.items():
        changes = {} if name == "none" else {name: parameter}
        write_png(IMAGES / f"augmentation_{name}.png", draw(augment(street, changes, np.random.default_rng(SEED))))


if __name__ == "__main__":
    main()
