"""Scores of answers that lie on disk: another model's depth maps or label maps."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Literal

import cv2
import numpy as np
import torch
from jaxtyping import Shaped
from numpy import ndarray
from torchmetrics import Metric

from segdepth.core.errors import DataError, reason
from segdepth.data.cityscapes import cityscapes_lookup
from segdepth.data.files import map_labels, read_array, read_labels
from segdepth.data.frames import FrameDataset
from segdepth.data.sample import Dataset
from segdepth.geometry.resize import resize_nearest
from segdepth.tasks import Task

from .loop import Evaluation, Watch, protocol_of

__all__ = ["Predictions", "Unit", "evaluate_predictions"]

#: What the numbers of a depth file are. ``kitti-png``: metres x 256. ``inverse``: one over metres, up to a factor that
#: median scaling takes away.
Unit = Literal["metres", "inverse"]

_ENDINGS = (".npy", ".png")
#: What ``segdepth predict`` appends to a picture's name.
_OURS = re.compile(r"_(depth_metres|depth_x256|trainIds)$")
#: A KITTI sample: drive, camera, frame.
_KITTI = re.compile(r"(\d{4}_\d\d_\d\d)(_drive_\d+_sync)_(0[23])/(\d+)")
_UNITS_PER_METRE = 256
_FRAME_DIGITS = 10


class Predictions:
    """Answers in a folder, or in one ``.npy`` file of shape [n, h, w].

    A sample's file has one of these names, in this order: the sample's (``<drive>_02/<frame>``, also with ``_`` for
    ``/``); KITTI's without the camera (``<drive>_<frame>``, ``<drive>/<frame>``); the picture's path, or as much of its
    end as is unique (``<date>/<drive>/image_02/data/<frame>``, ..., ``<frame>``); its place in the data set's list as a number.
    Each may end as :func:`segdepth.evaluation.predicting.save_prediction` ends them (``_depth_metres.npy``, ``_depth_x256.png``,
    ``_trainIds.png``). Depth is ``.npy`` in metres or 16-bit PNG of metres x 256; labels are PNG of train ids or label ids,
    told apart by their values.

    Args:
        path: the folder or file.
        dataset: whose samples are answered.
        unit: of depth.
        allow_missing: samples without an answer are left out.

    Attributes:
        missing: names of samples without an answer.

    Raises:
        DataError: if a sample has no answer, or with ``allow_missing`` none has; the sentence says which names were looked for.
    """

    def __init__(self, path: Path, dataset: Dataset, unit: Unit = "metres", *, allow_missing: bool = False) -> None:
        if not path.exists():
            raise DataError(
                f"no predictions {path} (a folder of .npy or .png files, or one .npy file [n, rows, columns])"
            )
        self.path = path
        self.unit = unit
        self.missing: tuple[str, ...] = ()
        positions = getattr(dataset, "positions", range(len(dataset)))
        self._stack: ndarray | None = None
        self._place: Mapping[str, int] = dict(zip(dataset.names, positions, strict=True))
        if path.is_dir():
            self._files = _files(path, dataset, self._place, allow_missing)
            self.missing = tuple(name for name in dataset.names if name not in self._files)
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


def _files(folder: Path, dataset: Dataset, place: Mapping[str, int], allow_missing: bool) -> dict[str, Path]:
    there: dict[str, Path] = {}
    for ending in reversed(_ENDINGS):  # the last one written over the others is preferred: .npy, and names as they are
        files = {
            file.relative_to(folder).with_suffix("").as_posix(): file for file in sorted(folder.rglob(f"*{ending}"))
        }
        there |= {_OURS.sub("", stem): file for stem, file in files.items()} | files
    # ten digits are a frame of KITTI's, not a place in a list
    numbered = {int(stem): file for stem, file in there.items() if stem.isdigit() and len(stem) < _FRAME_DIGITS}
    keys = _keys(dataset)
    found = {
        name: file
        for name in dataset.names
        if (file := next((there[key] for key in keys[name] if key in there), numbered.get(place[name]))) is not None
    }
    absent = [name for name in dataset.names if name not in found]
    if absent and not (found and allow_missing):
        looked = ", ".join(f"{key}{_ENDINGS[0]}" for key in [*keys[absent[0]], f"{place[absent[0]]:04d}"])
        raise DataError(
            f"{folder} has no prediction of {absent[0]!r} ({len(absent)} of {len(dataset)} have none); looked for {looked}"
            f" (or .png) among {len(there)} files; --allow-missing scores those that are there"
        )
    return found


def _keys(dataset: Dataset) -> dict[str, list[str]]:
    """The names that each sample's file may have, without their ending; all but the first two only where they are unique."""
    possible = {}
    for index, name in enumerate(dataset.names):
        drive = _KITTI.sub(r"\1\2/\4", name)
        tails = [*_tails(PurePosixPath(name).parts), *_tails(_picture(dataset, index))]
        possible[name] = list(dict.fromkeys([name, name.replace("/", "_"), drive, drive.replace("/", "_"), *tails]))
    count = Counter(key for keys in possible.values() for key in keys)
    return {name: [*keys[:2], *(key for key in keys[2:] if count[key] == 1)] for name, keys in possible.items()}


def _tails(parts: Sequence[str]) -> list[str]:
    return ["/".join(parts[start:]) for start in range(len(parts))]


def _picture(dataset: Dataset, index: int) -> tuple[str, ...]:
    """The parts of a sample's picture's path below the data set's folder, without the ending; of its name where it has none."""
    if isinstance(dataset, FrameDataset) and dataset.path is not None:
        image = dataset.frames[index].image
        if image.is_relative_to(dataset.path):
            return image.relative_to(dataset.path).with_suffix("").parts
    return PurePosixPath(dataset.names[index]).parts


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
    absent = frozenset(predictions.missing)
    answered = [(index, name) for index, name in enumerate(dataset.names) if name not in absent]
    for done, (index, name) in enumerate(answered, start=1):
        truth = torch.from_numpy(np.ascontiguousarray(dataset[index].truth(task.target)))
        answer = torch.from_numpy(np.ascontiguousarray(getattr(predictions, task.target)(name, truth.shape)))
        metric.update(answer[None], truth[None])
        if watch is not None:
            watch(name, answer, truth)
        if progress is not None:
            progress(done, len(answered))
    protocol = protocol_of(dataset, metric, None, f"files {predictions.path} ({predictions.unit})")
    protocol["predictions_missing"] = [name for name in dataset.names if name in absent]
    protocol["files_scored"] -= (
        0 if task.target == "depth" else len(dataset) - len(answered)
    )  # a depth metric counts by itself
    return Evaluation(metric.compute(), protocol)
