"""What the values in files of predicted labels mean: train ids, or the label ids that the data set's own files hold."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Int16
from numpy import ndarray

from segdepth.core.errors import DataError
from segdepth.kinds import IGNORE

from .files import label_lookup, ranges, read_labels
from .labels import ClassTable

__all__ = ["predicted_lookup"]

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
    label ids are 7 and 11, which as train ids are a traffic sign and a person.

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
        if not seen <= {
            0,
            *classes.label_ids,
        }:  # 0 is "unlabelled" among label ids, and no other of the ignored ones is predicted
            return "train ids"
    if seen <= {0}:  # a network that knows road alone, or nothing
        return "train ids"
    raise DataError(
        f"{files[0].parent}: the values in the predicted labels ({ranges(sorted(seen))}) may be train ids or label ids;"
        " say which: --train-ids or --label-ids"
    )


def _values(files: Sequence[Path]) -> Iterator[set[int]]:
    """The values in a few files together, spread evenly, then in each of the others; without those of what is ignored."""
    step = max(1, len(files) // _FILES_LOOKED_AT)
    few = files[::step][:_FILES_LOOKED_AT]
    for some in (few, *([file] for file in files if file not in few)):
        yield set().union(*(np.unique(read_labels(file)).tolist() for file in some)).difference(_VOID)
