"""The validation pictures that the page shows, with both truths, and their colours."""

from collections.abc import Mapping

import numpy as np
from numpy import ndarray

from segdepth.data import Dataset
from segdepth.data.labels import CITYSCAPES
from segdepth.data.loading import resize_sample
from segdepth.data.sample import Sample
from segdepth.drawing import colour_depth, colour_labels

from .page import Picture

__all__ = ["both_truths", "paint", "shown_pictures"]

#: Validation pictures on the page.
_SHOWN = 6


def shown_pictures(dataset: Dataset) -> list[int]:
    """Numbers of the pictures on the page, spread over a data set."""
    return [int(k) for k in np.linspace(0, len(dataset) - 1, _SHOWN)]


def paint(task: str, answer: ndarray) -> Picture:
    """Colours of one scale for truth and answers."""
    near, far = 3.0, 50.0
    return colour_labels(answer, CITYSCAPES.colours) if task == "seg" else colour_depth(answer, near, far)


def both_truths(datasets: Mapping[str, Dataset], index: int, size: tuple[int, int]) -> Sample:
    """Picture, labels and depth of one frame at the network's size."""
    seg, depth = (resize_sample(datasets[name][index], size) for name in ("seg", "depth"))
    return Sample(seg.image, seg.name, {**seg.truths, **depth.truths})
