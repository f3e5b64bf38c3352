"""Scores of answers that lie on disk: another model's depth maps or label maps."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import torch
from jaxtyping import Shaped
from numpy import ndarray
from torchmetrics import Metric

from segdepth.core.errors import DataError, reason
from segdepth.data.cityscapes import cityscapes_lookup
from segdepth.data.files import map_labels, read_array, read_labels
from segdepth.data.sample import Dataset
from segdepth.geometry.resize import resize_nearest
from segdepth.tasks import Task

from .loop import Evaluation, Watch, protocol_of

__all__ = ["Predictions", "Unit", "evaluate_predictions"]

#: What the numbers of a depth file are. ``kitti-png``: metres x 256. ``inverse``: one over metres, up to a factor that
#: median scaling takes away.
Unit = Literal["metres", "inverse"]

_ENDINGS = (".npy", ".png")
_UNITS_PER_METRE = 256


class Predictions:
    """Answers in a folder, or in one ``.npy`` file of shape [n, h, w].

    A sample's file has, in this order, the sample's name (``<drive>_02/<frame>``; with ``_`` for ``/``; the frame
    alone where that is unique), or its place in the data set's list as a number. Depth is ``.npy`` in metres or 16-bit PNG of
    metres x 256; labels are PNG of train ids or label ids, told apart by their values.

    Args:
        path: the folder or file.
        dataset: whose samples are answered.
        unit: of depth.

    Raises:
        DataError: if a sample has no answer; the sentence says which names were looked for.
    """

    def __init__(self, path: Path, dataset: Dataset, unit: Unit = "metres") -> None:
        if not path.exists():
            raise DataError(
                f"no predictions {path} (a folder of .npy or .png files, or one .npy file [n, rows, columns])"
            )
        self.path = path
        self.unit = unit
        positions = getattr(dataset, "positions", range(len(dataset)))
        self._stack: ndarray | None = None
        self._place: Mapping[str, int] = dict(zip(dataset.names, positions, strict=True))
        if path.is_dir():
            self._files = _files(path, dataset, self._place)
        else:
            self._stack = _stack(path, max(positions) + 1)
        self._lookup: ndarray | None = None

    def depth(self, name: str, size: tuple[int, int]) -> Shaped[ndarray, "h w"]:
        """A sample's depth in metres, resized bilinearly."""
        if self._stack is not None:
            stored = np.asarray(self._stack[self._place[name]])
            where = f"{self.path}[{self._place[name]}]"
        else:
            stored, where = read_array(self._files[name]), str(self._files[name])
        values = np.squeeze(stored)
        if values.ndim != 2 or values.dtype.kind not in "fiu":
            raise DataError(
                f"{where} holds {stored.dtype} of shape {stored.shape}; a depth map is [rows, columns] of numbers"
            )
        if values.dtype == np.uint16:
            values = values.astype(np.float64) / _UNITS_PER_METRE
        elif values.dtype == np.uint8:
            raise DataError(
                f"{where} is an 8-bit picture, which cannot hold metres; .npy in metres or 16-bit PNG (x 256) can"
            )
        resized = cv2.resize(values.astype(np.float32), (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
        if not np.isfinite(resized).all():
            raise DataError(f"{where} has values that are not finite (NaN or infinity)")
        return 1 / np.maximum(resized, 1e-6) if self.unit == "inverse" else resized

    def labels(self, name: str, size: tuple[int, int]) -> Shaped[ndarray, "h w"]:
        """A sample's train ids, resized by the nearest pixel."""
        if self._stack is not None:
            raise DataError(f"{self.path}: predicted labels are read from a folder of PNG files")
        file = self._files[name]
        if self._lookup is None:
            self._lookup = cityscapes_lookup(list(self._files.values()))
        return resize_nearest(map_labels(read_labels(file), self._lookup, file), size)


def _files(folder: Path, dataset: Dataset, place: Mapping[str, int]) -> dict[str, Path]:
    there: dict[str, Path] = {}
    for ending in reversed(_ENDINGS):
        there |= {file.relative_to(folder).with_suffix("").as_posix(): file for file in folder.rglob(f"*{ending}")}
    numbered = {int(stem): file for stem, file in there.items() if stem.isdigit()}
    last = [name.rpartition("/")[2] for name in dataset.names]
    unique = len(set(last)) == len(last)
    found = {}
    for name in dataset.names:
        keys = [name, name.replace("/", "_"), *([name.rpartition("/")[2]] if unique else [])]
        file = next((there[key] for key in keys if key in there), numbered.get(place[name]))
        if file is None:
            looked = ", ".join(f"{key}{_ENDINGS[0]}" for key in [*keys, f"{place[name]:04d}"])
            raise DataError(
                f"{folder} has no prediction of {name!r}; looked for {looked} (or .png) among {len(there)} files"
            )
        found[name] = file
    return found


def _stack(path: Path, needed: int) -> ndarray:
    try:
        stack = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise DataError(f"{path} is no .npy file of predictions: {reason(error)}") from None
    if len(stack.shape) < 3 or stack.shape[0] < needed:
        raise DataError(
            f"{path} is of shape {stack.shape}; predictions are [n, rows, columns] with n at least {needed}"
        )
    return np.asarray(stack)


def evaluate_predictions(
    predictions: Predictions,
    dataset: Dataset,
    task: Task,
    *,
    progress: Callable[[int, int], None] | None = None,
    make_metric: Callable[[Dataset], Metric] | None = None,
    watch: Watch | None = None,
) -> Evaluation:
    """Score answers on disk like a network's.

    Args:
        predictions: of the data set's samples.
        dataset: with the task's truth.
        task: what is scored.
        progress: called with (images done, images in all).
        make_metric: other than the task's own.
        watch: called with each sample's name, answer and truth.
    """
    metric = (make_metric or task.make_metric)(dataset)
    for index, name in enumerate(dataset.names):
        truth = _truth(dataset, index, task)
        answer = torch.from_numpy(np.ascontiguousarray(getattr(predictions, task.target)(name, truth.shape)))
        answer = answer.long() if task.target == "labels" else answer
        metric.update(answer[None], truth[None])
        if watch is not None:
            watch(name, answer, truth)
        if progress is not None:
            progress(index + 1, len(dataset))
    return Evaluation(
        metric.compute(), protocol_of(dataset, metric, None, f"files {predictions.path} ({predictions.unit})")
    )


def _truth(dataset: Dataset, index: int, task: Task) -> Any:
    truth = getattr(dataset[index], task.target)
    if truth is None:
        raise DataError(f"the sample {dataset.names[index]!r} has no {task.target}")
    return torch.from_numpy(truth).long() if task.target == "labels" else torch.from_numpy(np.ascontiguousarray(truth))
