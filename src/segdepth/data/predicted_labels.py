"""What the values in files of predicted labels mean: train ids, or the label ids that the data set's own files hold."""

import logging
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Int16
from numpy import ndarray

from segdepth.core.errors import DataError
from segdepth.kinds import IGNORE

from .files import label_lookup, ranges, read_labels
from .labels import ClassTable

__all__ = ["predicted_lookup"]

_log = logging.getLogger(__name__)

_TRAIN_IDS = re.compile(r"(label)?trainids$", re.IGNORECASE)
_LABEL_IDS = re.compile(r"labelids$", re.IGNORECASE)
#: Values of what is ignored: the ancestor's, and ours. Both kinds may hold them.
_VOID = (250, IGNORE)
_FILES_LOOKED_AT = 8


def predicted_lookup(
    files: Sequence[Path], classes: ClassTable, ids: str | None = None
) -> tuple[Int16[ndarray, "256"], str]:
    """The table for :func:`~segdepth.data.files.map_labels` that fits files of predicted labels, and what they hold.

    One decision for all files, by what is known first: the user's word; the files' names (``*trainIds``, ``*labelIds``); a
    value that can only be one of the two. Up to eight files are read, spread evenly; where they do not tell, the others until one
    does. Predictions tell less than truths, which have every class: of a network that knows nothing but road and building the
    label ids are 7 and 11, which as train ids are a traffic sign and a person. Label ids that no class has (4 is "static", 6 is
    "ground") do not tell either, but hardly a network predicts them: files that hold one, and no value too large for a train id,
    are taken for train ids, and a warning says so.

    Args:
        files: of all samples.
        classes: of the data set.
        ids: what the user says of them, one of :attr:`segdepth.kinds.Labels.units`.

    Returns:
        The table: value -> train id, :data:`~segdepth.kinds.IGNORE`, or -1 = not allowed; and the name of what the files hold.

    Raises:
        DataError: if a file is broken, or if nothing tells what the values are.
    """
    ids = ids or _told_by_names(files) or _told_by_values(files, classes)
    if ids == "train ids":
        return label_lookup(classes, void=_VOID, train_ids=True), ids
    return label_lookup(classes, void=(*range(max(classes.label_ids) + 1), IGNORE)), ids


def _told_by_names(files: Sequence[Path]) -> str | None:
    if all(_TRAIN_IDS.search(file.stem) for file in files):
        return "train ids"
    return "label ids" if all(_LABEL_IDS.search(file.stem) for file in files) else None


def _told_by_values(files: Sequence[Path], classes: ClassTable) -> str:
    if classes.label_ids == tuple(range(len(classes))):
        return "train ids"  # which are the label ids
    seen: set[int] = set()
    for values in _values(files):
        seen |= values
        if seen - set(range(len(classes))):
            return "label ids"
        no_class = seen.difference(classes.label_ids)
        if no_class - {0}:  # 0 is "unlabelled" among label ids, and hardly another of the ignored ones is predicted
            return _taken_for_train_ids(files[0].parent, seen, no_class)
    if all(classes.label_ids[value] == value for value in seen):
        return "train ids"  # and label ids: all is ignored, or what is seen has the same number in both
    if seen == {0} and 0 not in classes.label_ids:  # a network that knows road alone, or nothing
        return _taken_for_train_ids(files[0].parent, seen, seen)
    raise DataError(
        f"{files[0].parent}: the values in the predicted labels ({ranges(sorted(seen))}) may be train ids or label ids;"
        " say which: --train-ids or --label-ids"
    )


def _taken_for_train_ids(folder: Path, seen: Collection[int], no_class: Collection[int]) -> str:
    _log.warning(
        "%s: the values in the predicted labels (%s) are taken for train ids, because %s no class's label id; if they are"
        " label ids, say --label-ids (--train-ids says that this is right)",
        folder, ranges(sorted(seen)),
        f"{ranges(sorted(no_class))} {'is' if len(no_class) == 1 else 'are'}",
    )  # fmt: skip
    return "train ids"


def _values(files: Sequence[Path]) -> Iterator[set[int]]:
    """The values in a few files together, spread evenly, then in each of the others; without those of what is ignored."""
    step = max(1, len(files) // _FILES_LOOKED_AT)
    few = files[::step][:_FILES_LOOKED_AT]
    for some in (few, *([file] for file in files if file not in few)):
        yield set().union(*(np.unique(read_labels(file)).tolist() for file in some)).difference(_VOID)
