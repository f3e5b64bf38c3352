"""Which studies belong together: both tasks of the claim, of one network; else each with the first; what is left stands alone.

The claim is that depth looks farther and wider than segmentation. It is named here, and nowhere else in the studies.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from numpy import ndarray

from segdepth.core.errors import DataError
from segdepth.runs import TASK_FACTS

from .columns import Column, peak_column
from .statistics import image_means
from .store import StudyInfo, StudyTable

__all__ = ["CLAIM", "Group", "GroupName", "file_stem", "group_up", "overlapping"]

#: The tasks that are compared: the second looks farther and wider than the first.
CLAIM = ("seg", "depth")

#: What has to be the same in two studies that are compared.
_SHARED = ("size", "window", "sample_rate", "grid_start", "thresholds", "normalisation")

#: Studies that are compared.


class GroupName(NamedTuple):
    """Which group.

    Attributes:
        subject: whose maps: the network of the claim's pair; of others, networks and tasks in words.
        kind: of its studies, "eval" or "class".
    """

    subject: str
    kind: str

    @property
    def title(self) -> str:
        """For people."""
        return self.subject + (" (classes)" if self.kind == "class" else "")

    @property
    def stem(self) -> str:
        """For files."""
        return file_stem(self.subject) + ("_classes" if self.kind == "class" else "")


@dataclass(frozen=True, eq=False)
class Group:
    """One study, or two that are compared and so are of the same pictures and targets.

    Attributes:
        name: which.
        studies: side -> its study, the second against the first. The claim's sides are called as its tasks are, others as their
            studies are.
        alive: the targets that count: no side's map is zero everywhere.
        zeros: side -> number of maps that are zero everywhere.
    """

    name: GroupName
    studies: Mapping[str, StudyTable]
    alive: Bool[ndarray, " t"]
    zeros: Mapping[str, int]

    @property
    def first(self) -> StudyTable:
        """Of the first side; pictures, targets, protocol and what is there are those of all."""
        return next(iter(self.studies.values()))

    @property
    def info(self) -> StudyInfo:
        """What its studies share: all but network and task."""
        return self.first.info

    @property
    def targets(self) -> int:
        """In all pictures, with those that do not count."""
        return len(self.alive)

    @property
    def of_the_claim(self) -> bool:
        """Whether it is the claim's pair, which a published analysis was made of."""
        return tuple(self.studies) == CLAIM

    @property
    def words(self) -> Mapping[str, str]:
        """Side -> what it is called in a sentence."""
        if self.of_the_claim:
            return {task: TASK_FACTS[task].title for task in self.studies}
        return {side: side for side in self.studies}

    def title_of(self, side: str) -> str:
        """Network and task of a side, for people."""
        if self.of_the_claim:
            return f"{self.name.title} {side}"
        return GroupName(side, self.name.kind).title

    @cached_property
    def means(self) -> Mapping[Column, Mapping[str, Float[ndarray, " n"]]]:
        """Statistic -> side -> one mean per picture, over the targets that count."""
        return {column: self.means_where(column, self.alive) for column in self.first.columns}

    def means_where(self, column: Column, where: Bool[ndarray, " t"]) -> dict[str, Float[ndarray, " n"]]:
        """Side -> one mean per picture over some targets."""
        count = len(self.info.images)
        return {
            side: image_means(study.rows[column.name], study.rows["image"], count, where)
            for side, study in self.studies.items()
        }


def file_stem(words: str) -> str:
    """Words as a part of a file's name, or of a column's.

    Example:
        >>> file_stem("segnet depth (first)")
        'segnet_depth_first'
    """
    return re.sub(r"[^\w.-]+", "_", words).strip("_")


def group_up(studies: Iterable[StudyTable]) -> tuple[list[Group], list[Group]]:
    """Pairs that are compared, and what stands alone.

    Of each kind of study: both tasks of the claim are a pair, of each network that has both. Where none has, every other study
    is compared with the first; of more than two, those that did not see the same stand alone. So does everything else.

    Args:
        studies: of trained networks.

    Raises:
        DataError: if two of several are of one network and task, or a pair's are not of the same pictures and targets.
    """
    kinds: dict[str, list[StudyTable]] = {}
    for study in studies:
        kinds.setdefault(study.info.kind, []).append(study)
    pairs = [pair for kind, some in kinds.items() for pair in _claims(kind, some) or _against_first(kind, some)]
    paired = [id(study) for pair in pairs for study in pair.studies.values()]
    alone = [
        _group(GroupName(study.title, kind), {study.title: study})
        for kind, some in kinds.items()
        for study in some
        if id(study) not in paired
    ]
    return pairs, alone


def _claims(kind: str, studies: Sequence[StudyTable]) -> list[Group]:
    """Both tasks of each network that has both."""
    found: dict[str, dict[str, list[StudyTable]]] = {}
    for study in studies:
        found.setdefault(study.info.network, {}).setdefault(study.info.task, []).append(study)
    of_both = {network: tasks for network, tasks in found.items() if tasks.keys() >= set(CLAIM)}
    for first, second, *_ in (some for tasks in of_both.values() for some in tasks.values() if len(some) > 1):
        raise DataError(
            f"two studies of {first.title} among others ({first.folder} and {second.folder}): name one of them, or these "
            "two alone to compare them"
        )
    return [
        _group(GroupName(network, kind), {task: tasks[task][0] for task in CLAIM}) for network, tasks in of_both.items()
    ]


def _against_first(kind: str, studies: Sequence[StudyTable]) -> list[Group]:
    """The others against the first."""
    first, *others = studies
    if len(others) > 1:
        others = [other for other in others if _difference(first, other) is None]
    named = list(zip(_names([first, *others]), [first, *others], strict=True))
    return [
        _group(GroupName(f"{named[0][0]} against {name}", kind), dict([named[0], (name, other)]))
        for name, other in named[1:]
    ]


def _names(studies: Sequence[StudyTable]) -> list[str]:
    """Network and task of each, and the last part of their folders' paths that differs where these are the same."""
    same: dict[str, list[StudyTable]] = {}
    for study in studies:
        same.setdefault(study.title, []).append(study)
    parts = {id(study): part for some in same.values() if len(some) > 1 for study, part in _told_apart(some)}
    return [f"{study.title} ({parts[id(study)]})" if id(study) in parts else study.title for study in studies]


def _told_apart(studies: Sequence[StudyTable]) -> Iterator[tuple[StudyTable, str]]:
    """Each with the last part of its folder's path that no other has at that place, or with all of the path.

    Raises:
        DataError: if two are the same.
    """
    folders = [study.folder.absolute() for study in studies]
    if len(set(folders)) < len(folders):
        raise DataError(f"{studies[0].folder} is named twice: a study says nothing beside itself")
    for parts in zip(*(folder.parts[::-1] for folder in folders), strict=False):
        if len(set(parts)) == len(parts):
            return zip(studies, parts, strict=True)
    return zip(studies, map(str, folders), strict=True)


def overlapping(study: StudyTable) -> Bool[ndarray, " t"]:
    """The targets of an iou study at which both tasks' maps are other than zero."""
    return _all_alive(study.rows[peak_column(task)] for task in CLAIM)


def _group(name: GroupName, studies: Mapping[str, StudyTable]) -> Group:
    first, *others = studies.values()
    for other in others:
        _require_same(first, other)
    peaks = {side: study.rows[peak_column()] for side, study in studies.items()}
    zeros = {side: int((peak == 0).sum()) for side, peak in peaks.items()}
    return Group(name, studies, _all_alive(peaks.values()), zeros)


def _all_alive(peaks: Iterable[Shaped[ndarray, " t"]]) -> Bool[ndarray, " t"]:
    alive: Bool[ndarray, " t"] = np.all([peak != 0 for peak in peaks], axis=0)
    return alive


def _require_same(first: StudyTable, second: StudyTable) -> None:
    """Refuse two studies that did not see the same.

    Raises:
        DataError: that says what differs.
    """
    what = _difference(first, second)
    if what is not None:
        raise DataError(f"{first.folder} and {second.folder} {what}, or analyse each alone")


def _difference(first: StudyTable, second: StudyTable) -> str | None:
    """What two studies did not see alike, and what would mend it, in words; None: nothing."""
    asked = [
        {key: study.info.protocol.get(key) for key in _SHARED} | {"statistics": list(study.info.columns)}
        for study in (first, second)
    ]
    for key, value in asked[0].items():
        if value != asked[1][key]:
            return f"differ in their {key} ({value} and {asked[1][key]}): repeat one of them"
    if (what := _other_pictures(first, second)) is not None:
        return f"are not of the same pictures ({what}): repeat one of them with the same --num_image, --split and data"
    if (what := _other_targets(first, second)) is not None:
        return f"are not of the same targets ({what}): repeat one of them"
    return None


def _other_pictures(first: StudyTable, second: StudyTable) -> str | None:
    """What differs, in words; None: nothing does."""
    counts = [len(study.digests) for study in (first, second)]
    if counts[0] != counts[1]:
        return f"{counts[0]} and {counts[1]}"
    for place, names in enumerate(zip(first.info.images, second.info.images, strict=False), 1):
        if names[0] != names[1]:
            return f"number {place} is {names[0]!r} in one and {names[1]!r} in the other"
    if len(first.info.images) != len(second.info.images):
        return f"{len(first.info.images)} and {len(second.info.images)} were asked for"
    for name, digest in first.digests.items():
        if second.digests.get(name) != digest:
            return f"{name!r} " + ("has other pixels" if name in second.digests else "is in one of them only")
    return None


def _other_targets(first: StudyTable, second: StudyTable) -> str | None:
    """What differs, in words; None: nothing does."""
    counts = [len(study.rows["image"]) for study in (first, second)]
    if counts[0] != counts[1]:
        return f"{counts[0]:,} and {counts[1]:,}"
    places = [np.stack([study.rows[column] for column in ("image", "row", "col")], 1) for study in (first, second)]
    differ = (places[0] != places[1]).any(1)
    if not differ.any():
        return None
    one, other = (table[differ.argmax()] for table in places)
    return f"the first that differs is {_place(first, one)} in one and {_place(second, other)} in the other"


def _place(study: StudyTable, where: Int[ndarray, "3"]) -> str:
    image, row, column = where.tolist()
    return f"({row}, {column}) of {study.info.images[image]!r}"
