"""Pictures of the samples with the worst scores: the street, the truth, the answer, and where they differ."""

import bisect
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from segdepth.data.sample import Dataset
from segdepth.drawing import write_png
from segdepth.geometry.resize import resize_image
from segdepth.kinds import KINDS
from segdepth.kinds.kind import Truth
from segdepth.tasks import Task

from .answers import Answer

__all__ = ["Worst"]

#: Columns of a picture whose titles are written at OpenCV's full size, and rows of a strip at that size.
_FULL_TITLE, _STRIP = 1800, 44


class _Kept(NamedTuple):
    score: float
    name: str
    answer: Truth
    truth: Truth


def _rank(kept: _Kept) -> tuple[float, str]:
    return kept.score, kept.name


class Worst:
    """Keeps the answers with the worst scores; those without a score are not among them.

    Args:
        task: whose best score decides.
        count: how many.
    """

    def __init__(self, task: Task, count: int) -> None:
        self._task = task
        self._count = count
        self._kept: list[_Kept] = []  # by score, then by name

    def __call__(self, answer: Answer, scores: Mapping[str, float | None]) -> None:
        """Be shown an answer and its scores."""
        value = scores[self._task.best_score]
        if value is None or not self._count:
            return
        low = self._task.higher_is_better  # then the worst are those with the least scores
        if len(self._kept) == self._count:
            best = _rank(self._kept[-1 if low else 0])
            if ((value, answer.name) > best) == low:
                return
            del self._kept[-1 if low else 0]
        dtype = KINDS[self._task.target].dtype
        arrays = (tensor.cpu().numpy().astype(dtype) for tensor in (answer.answer, answer.truth))
        bisect.insort(self._kept, _Kept(value, answer.name, *arrays), key=_rank)

    def draw(self, dataset: Dataset, folder: Path) -> list[Path]:
        """Draw them, picture, truth, answer, error one below the other.

        Each panel has a strip above it that says what it is; the first one has the picture's name and score.

        Args:
            dataset: that was scored.
            folder: for the files, ``<rank>_<name>.png``.

        Returns:
            The files, the worst picture's first.
        """
        files = []
        place = {name: index for index, name in enumerate(dataset.names)}
        worst_first = self._kept if self._task.higher_is_better else self._kept[::-1]
        for rank, (value, name, answer, truth) in enumerate(worst_first, start=1):
            image = resize_image(dataset.image(place[name]), (truth.shape[0], truth.shape[1]))
            panels = {f"{rank}. {name}  {self._task.best_score} {value:.4f}": image}
            panels |= KINDS[self._task.target].panels(image, answer, truth, dataset.colours)
            files.append(folder / f"{rank:02d}_{name.replace('/', '_')}.png")
            strips = [part for text, panel in panels.items() for part in titled(panel, text)]
            write_png(files[-1], np.concatenate(strips))
        return files


def titled(picture: UInt8[ndarray, "h w 3"], text: str) -> tuple[UInt8[ndarray, "s w 3"], UInt8[ndarray, "h w 3"]]:
    """A strip with a text, as small as it must be to fit the picture's width, and the picture."""
    width = picture.shape[1]
    scale = min(max(0.3, width / _FULL_TITLE), 1.2)
    strip = np.full((round(_STRIP * scale), width, 3), 24, np.uint8)
    needed = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)[0][0]
    size = min(scale, scale * (width - 8) / max(1, needed))
    below = round(len(strip) - 0.3 * _STRIP * scale)
    cv2.putText(strip, text, (4, below), cv2.FONT_HERSHEY_SIMPLEX, size, (255, 255, 255), 1, cv2.LINE_AA)
    return strip, picture
