"""Who watches a run, and the sample answers that are drawn for him."""

import math
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from segdepth.data.sample import Dataset
from segdepth.evaluation import Answer
from segdepth.geometry.resize import resize_image
from segdepth.kinds import KINDS

__all__ = ["Progress", "Samples", "rate_text"]

#: Validation pictures that are drawn beside their truth.
_SHOWN = 3


@runtime_checkable
class Progress(Protocol):
    """Who watches a run; the command line draws a bar."""

    def start(self, step: int, total: int) -> None:
        """Called once, before the first update."""

    def step(self, step: int, loss: float | None, rate: float) -> None:
        """Called after every update; the loss is None where it was not read from the device."""

    def validating(self, done: int, total: int) -> None:
        """Called as a validation goes on."""


def rate_text(per_second: float) -> str:
    """A positive rate with two digits that mean something, however small it is.

    Example:
        >>> rate_text(12.34), rate_text(0.0472)
        ('12.3', '0.047')
    """
    return f"{per_second:.{max(1, 1 - math.floor(math.log10(per_second)))}f}"


class Samples:
    """Draws the answers to a few validation pictures, spread over the split, beside the truth.

    Args:
        dataset: the validation split.
        target: what of it is the truth.

    Attributes:
        pictures: picture, truth and answer in a column, by tag; empty until a validation was watched.
    """

    def __init__(self, dataset: Dataset, target: str) -> None:
        self._target = target
        places = np.linspace(0, len(dataset) - 1, min(_SHOWN, len(dataset))).astype(int).tolist()
        self._dataset = dataset
        self._places = {dataset.names[place]: place for place in places}
        self.pictures: dict[str, UInt8[ndarray, "_h _w 3"]] = {}

    def watch(self, answer: Answer) -> None:
        """Be shown an answer of a validation."""
        if answer.name in self._places:
            place = self._places[answer.name]
            truth, guess = answer.truth.cpu().numpy(), answer.answer.cpu().numpy()
            paint = KINDS[self._target].painter(truth, self._dataset.colours)
            image = resize_image(self._dataset.image(place), (truth.shape[0], truth.shape[1]))
            self.pictures[f"samples/{place}"] = np.concatenate([image, paint(truth), paint(guess)])
