"""Pictures of the samples with the worst scores: the street, the truth, the answer, and where they differ."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8
from numpy import ndarray
from torch import Tensor

from segdepth.data.sample import Dataset
from segdepth.drawing import write_png
from segdepth.geometry.resize import resize_image
from segdepth.kinds import KINDS

from .detail import Detail, Picked
from .loop import Watch

__all__ = ["save_worst"]

#: Columns of a picture whose titles are written at OpenCV's full size, and rows of a strip at that size.
_FULL_TITLE, _STRIP = 1800, 44


def save_worst(
    run: Callable[[Dataset, Watch], object], detail: Detail, dataset: Dataset, count: int, folder: Path
) -> list[Path]:
    """Answer the worst pictures once more and draw them, one below the other: picture, truth, answer, error.

    Each panel has a strip above it that says what it is; the first one has the picture's name and score.

    Args:
        run: evaluates a data set and shows the answers to a watcher.
        detail: that knows the scores.
        dataset: that was scored.
        count: how many pictures.
        folder: for the files, ``<rank>_<name>.png``.

    Returns:
        The files, the worst picture's first.
    """
    names = detail.worst(count)
    answers: dict[str, tuple[ndarray, ndarray]] = {}

    def keep(name: str, answer: Tensor, truth: Tensor) -> None:
        answers[name] = (answer.cpu().numpy(), truth.cpu().numpy())

    picked = Picked(dataset, names)
    if names:
        run(picked, keep)
    files = []
    for rank, name in enumerate(names, start=1):
        answer, truth = answers[name]
        image = resize_image(picked[rank - 1].image, truth.shape)
        score = detail.task.best_score
        panels = {f"{rank}. {name}  {score} {detail.pictures[name][score]:.4f}": image}
        panels |= KINDS[detail.task.target].panels(image, answer, truth, dataset.colours)
        files.append(folder / f"{rank:02d}_{name.replace('/', '_')}.png")
        write_png(files[-1], np.concatenate([part for text, panel in panels.items() for part in titled(panel, text)]))
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
