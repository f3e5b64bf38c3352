"""Scores of answers that lie on disk: another model's depth maps or label maps."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch
from numpy import ndarray

from segdepth.core.arrays import map_npy
from segdepth.core.errors import ConfigError, DataError
from segdepth.data.files import map_labels, read_array, read_labels
from segdepth.data.kitti_names import KittiFrame
from segdepth.data.labels import CITYSCAPES, ClassTable
from segdepth.data.predicted_labels import predicted_lookup
from segdepth.data.sample import Dataset
from segdepth.kinds import ANSWERS, Kind
from segdepth.kinds.kind import AnswerFiles, ReadAnswer
from segdepth.tasks import Task

from .answers import Answer, Answers, Progress

__all__ = ["FileAnswers", "Predictions"]

_ENDINGS = (".npy", ".png")
#: What ``segdepth predict`` appends to a picture's name.
_OURS = re.compile(rf"_({'|'.join(ending for kind in ANSWERS.values() for ending in kind.endings)})$")
#: What Cityscapes' own tools append.
_CITYSCAPES = re.compile(r"_(labelIds|labelTrainIds)$")
_FRAME_DIGITS = 10


class Predictions:
    """Answers in a folder, or in one ``.npy`` file of shape [n, h, w].

    A sample's file has one of these names, in this order: the sample's (``<drive>_02/<frame>``, also with ``_`` for
    ``/``); KITTI's without the camera (``<drive>_<frame>``, ``<drive>/<frame>``); the picture's path, or as much of its
    end as is unique (``<date>/<drive>/image_02/data/<frame>``, ..., ``<frame>``); its place in the data set's list as a number.
    Each may end as :func:`segdepth.evaluation.predicting.save_prediction` ends them (``_depth_metres.npy``, ``_depth_x256.png``,
    ``_trainIds.png``). Depth is ``.npy`` in metres or 16-bit PNG of metres x 256; labels are PNG of train ids or label ids,
    told apart by their names or values (:func:`~segdepth.data.predicted_labels.predicted_lookup`). Relative depth is ``.npy``
    or PNG of whatever numbers.

    Args:
        path: the folder or file.
        dataset: whose samples are answered.
        allow_missing: samples without an answer are left out.

    Attributes:
        missing: names of samples without an answer.

    Raises:
        DataError: if a sample has no answer, or with ``allow_missing`` none has; the sentence says which names were looked for.
    """

    def __init__(self, path: Path, dataset: Dataset, *, allow_missing: bool = False) -> None:
        if not path.exists():
            raise DataError(
                f"no predictions {path} (a folder of .npy or .png files, or one .npy file [n, rows, columns])"
            )
        self.path = path
        self.missing: tuple[str, ...] = ()
        positions = range(len(dataset)) if dataset.positions is None else dataset.positions
        self._stack: ndarray | None = None
        self._place: Mapping[str, int] = dict(zip(dataset.names, positions, strict=True))
        if path.is_dir():
            self._files = _files(path, dataset, self._place, allow_missing)
            self.missing = tuple(name for name in dataset.names if name not in self._files)
        else:
            self._stack = _stack(path, max(positions) + 1)

    @property
    def answered(self) -> list[str]:
        """Names of the samples that have an answer."""
        absent = frozenset(self.missing)
        return [name for name in self._place if name not in absent]

    def kind(self, usual: Kind) -> Kind:
        """What the files' names say of their numbers, as ``segdepth predict`` ends them; the usual where they say nothing.

        Args:
            usual: of this name are those that are asked for.

        Raises:
            DataError: if some say one thing and some another.
        """
        if self._stack is not None:
            return usual
        relative = [kind for kind in ANSWERS.values() if kind.name == usual.name and kind.is_relative]
        endings = {f"_{ending}": kind for kind in relative for ending in kind.endings}
        told = {
            next((kind for ending, kind in endings.items() if file.stem.endswith(ending)), usual): file
            for file in self._files.values()
        }
        if len(told) > 1:
            one, other, *_ = told.items()
            raise DataError(
                f"{self.path}: by their names {other[1].name} holds {other[0].units[0]} and {one[1].name} {one[0].units[0]}; "
                "give files of one kind"
            )
        return next(iter(told), usual)

    def stored(self, name: str) -> tuple[ndarray, str]:
        """What a sample's file holds, and its name for messages.

        Raises:
            DataError: if the file is broken.
        """
        if self._stack is not None:
            return np.asarray(self._stack[self._place[name]]), f"{self.path}[{self._place[name]}]"
        return read_array(self._files[name]), str(self._files[name])

    def file(self, name: str) -> Path:
        """A sample's file.

        Raises:
            DataError: if all answers are in one file.
        """
        if self._stack is not None:
            raise DataError(f"{self.path}: predicted labels are read from a folder of PNG files")
        return self._files[name]


class FileAnswers(Answers):
    """The answers of files. The samples without one are left out.

    Args:
        predictions: of the data set's samples.
        dataset: see :class:`~segdepth.evaluation.answers.Answers`.
        task: see there.
        unit: of what the files hold, one of :attr:`segdepth.kinds.Kind.units` of the kinds that answer the task; None for what
            their names or values say, or the first of the truth's own kind.
        progress: of the walk.

    Raises:
        ConfigError: if answers of this kind are not stored so.
    """

    def __init__(
        self,
        predictions: Predictions,
        dataset: Dataset,
        task: Task,
        unit: str | None = None,
        progress: Progress | None = None,
    ) -> None:
        super().__init__(dataset, task)
        self.kind = predictions.kind(self.kind) if unit is None else _kind_of(unit, task.target)
        self.missing = predictions.missing
        self._predictions = predictions
        self._progress = progress
        self._read = self.kind.reader_of(_Files(predictions, dataset.classes or CITYSCAPES), unit)

    def __iter__(self) -> Iterator[Answer]:
        """See :meth:`Answers.__iter__`."""
        answered = frozenset(self._predictions.answered)
        places = [(index, name) for index, name in enumerate(self.dataset.names) if name in answered]
        for done, (index, name) in enumerate(places, start=1):
            truth = self.dataset[index].truth(self.task.target)
            values, where = self._read(name)
            answer = self.kind.answer_from(values, where, (truth.shape[0], truth.shape[1]), self._read.unit)
            yield Answer(name, *(torch.from_numpy(np.ascontiguousarray(array)) for array in (answer, truth)))
            if self._progress is not None:
                self._progress(done, len(places))

    def describe(self) -> dict[str, Any]:
        """See :meth:`Answers.describe`."""
        return {
            "answers": f"files {self._predictions.path} ({self._read.unit})",
            "network_size": None,
            "resize": f"answer resized {self.kind.resizing} to the truth's size",
            "predictions_missing": list(self.missing),
        }


def _kind_of(unit: str, target: str) -> Kind:
    """The kind of answers whose files hold numbers of a unit.

    Raises:
        ConfigError: if answers to this truth are not stored so.
    """
    units = {unit: kind for kind in ANSWERS.values() if kind.name == target for unit in kind.units}
    if unit not in units:
        raise ConfigError(f"files of {target} hold {' or '.join(units)}, not {unit}")
    return units[unit]


class _Files(AnswerFiles):
    """The files of predictions.

    Args:
        predictions: of a data set's samples.
        classes: of the data set.
    """

    def __init__(self, predictions: Predictions, classes: ClassTable) -> None:
        self._predictions = predictions
        self._classes = classes

    def as_numbers(self, unit: str) -> ReadAnswer:
        """See :meth:`AnswerFiles.as_numbers`."""
        return _Numbers(self._predictions, unit)

    def as_classes(self, unit: str | None) -> ReadAnswer:
        """See :meth:`AnswerFiles.as_classes`."""
        return _Classes(self._predictions, self._classes, unit)


class _Numbers(ReadAnswer):
    """Files whose numbers are what they say."""

    def __init__(self, predictions: Predictions, unit: str) -> None:
        self._predictions = predictions
        self.unit = unit

    def __call__(self, name: str) -> tuple[ndarray, str]:
        return self._predictions.stored(name)


class _Classes(ReadAnswer):
    """Files of train ids or label ids, told apart once for all."""

    def __init__(self, predictions: Predictions, classes: ClassTable, unit: str | None) -> None:
        self._predictions = predictions
        files = [predictions.file(name) for name in predictions.answered]
        self._lookup, self.unit = predicted_lookup(files, classes, unit)

    def __call__(self, name: str) -> tuple[ndarray, str]:
        file = self._predictions.file(name)
        return map_labels(read_labels(file), self._lookup, file), str(file)


def _files(folder: Path, dataset: Dataset, place: Mapping[str, int], allow_missing: bool) -> dict[str, Path]:
    there: dict[str, Path] = {}
    for ending in reversed(_ENDINGS):  # the last one written over the others is preferred: .npy, and names as they are
        files = {
            file.relative_to(folder).with_suffix("").as_posix(): file for file in sorted(folder.rglob(f"*{ending}"))
        }
        there |= {_CITYSCAPES.sub("", _OURS.sub("", stem)): file for stem, file in files.items()} | files
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
        frame = KittiFrame.read_name(name)
        drive = name if frame is None else f"{frame.drive}/{frame.number}"
        tails = [*_tails(PurePosixPath(name).parts), *_tails(_picture(dataset, index))]
        possible[name] = list(dict.fromkeys([name, name.replace("/", "_"), drive, drive.replace("/", "_"), *tails]))
    count = Counter(key for keys in possible.values() for key in keys)
    return {name: [*keys[:2], *(key for key in keys[2:] if count[key] == 1)] for name, keys in possible.items()}


def _tails(parts: Sequence[str]) -> list[str]:
    return ["/".join(parts[start:]) for start in range(len(parts))]


def _picture(dataset: Dataset, index: int) -> tuple[str, ...]:
    """The parts of a sample's picture's path below the data set's folder, without the ending; of its name where it has none."""
    image = dataset.picture(index)
    if image is not None and dataset.path is not None and image.is_relative_to(dataset.path):
        return image.relative_to(dataset.path).with_suffix("").parts
    return PurePosixPath(dataset.names[index]).parts


def _stack(path: Path, needed: int) -> ndarray:
    stack = map_npy(path)
    if len(stack.shape) < 3 or stack.shape[0] < needed:
        raise DataError(
            f"{path} is of shape {stack.shape}; predictions are [n, rows, columns] with n at least {needed}"
        )
    return stack
