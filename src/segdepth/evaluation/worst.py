"""Pictures of the samples with the worst scores: the street, the truth, the answer, and where they differ."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Shaped, UInt8
from numpy import ndarray
from torch import Tensor

from segdepth.data.sample import Dataset
from segdepth.drawing import colour_distance, colour_labels, colour_map, enlarge_points, overlay, write_png
from segdepth.geometry.resize import resize_image

from .detail import Detail, Picked
from .loop import Watch

__all__ = ["save_worst"]

#: An answer that is wrong by this factor, either way, is drawn in the brightest colour.
_WORST_FACTOR = 2.0
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
        draw = _labels if detail.task.target == "labels" else _depth
        score = detail.task.best_score
        panels = {f"{rank}. {name}  {score} {detail.pictures[name][score]:.4f}": image}
        panels |= draw(dataset, image, answer, truth)
        files.append(folder / f"{rank:02d}_{name.replace('/', '_')}.png")
        write_png(files[-1], np.concatenate([part for text, panel in panels.items() for part in titled(panel, text)]))
    return files


def _labels(
    dataset: Dataset, image: UInt8[ndarray, "h w 3"], answer: Shaped[ndarray, "h w"], truth: Shaped[ndarray, "h w"]
) -> dict[str, UInt8[ndarray, "h w 3"]]:
    assert dataset.classes is not None
    colours = dataset.classes.colours
    labelled = truth < len(colours)
    wrong = labelled & (answer != truth)
    red = np.zeros_like(image)
    red[wrong] = (255, 0, 0)
    coloured = [colour_labels(ids.astype(np.uint8), colours) for ids in (truth, answer)]
    return {
        "truth (black: ignored)": coloured[0],
        "answer": coloured[1],
        f"wrong: {100 * wrong.sum() / max(1, labelled.sum()):.1f} % of the pixels": overlay(
            image // 2, red, alpha=0.8, where=wrong
        ),
    }


def _depth(
    dataset: Dataset,  # noqa: ARG001  as _labels
    image: UInt8[ndarray, "h w 3"],
    answer: Shaped[ndarray, "h w"],
    truth: Shaped[ndarray, "h w"],
) -> dict[str, UInt8[ndarray, "h w 3"]]:
    valid = truth > 0
    near, far = _scale(truth[valid])
    factor = np.ones(truth.shape)
    factor[valid] = np.exp(np.abs(np.log(np.maximum(answer[valid], 1e-6) / truth[valid])))
    steps = np.rint(255 * np.clip(np.log(factor) / np.log(_WORST_FACTOR), 0, 1)).astype(np.uint8)
    error = np.where(valid[..., None], colour_map("plasma")[steps], 0).astype(np.uint8)
    # single laser points would hardly be seen
    drawn = _thick(error)
    return {
        f"truth: red {near:.3g} m, blue {far:.3g} m": colour_distance(enlarge_points(truth, 3), near, far),
        "answer, in the same colours": colour_distance(answer, near, far),
        f"error, yellow: wrong by a factor of {_WORST_FACTOR:g} or more": overlay(
            image // 2, drawn, alpha=0.9, where=drawn.max(axis=2) > 0
        ),
    }


def _scale(metres: Shaped[ndarray, " n"]) -> tuple[float, float]:
    """Depths that are red and blue."""
    if not metres.size:
        return 1.0, 80.0
    near, far = np.percentile(metres, [2, 98])
    return float(near), float(max(far, 1.01 * near))


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


def _thick(picture: UInt8[ndarray, "h w 3"]) -> UInt8[ndarray, "h w 3"]:
    return np.asarray(cv2.dilate(picture, np.ones((3, 3), np.uint8)))
