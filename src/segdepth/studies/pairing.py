"""Which studies belong together: both tasks of the claim, of one network, on the same pictures and targets.

The claim is that depth looks farther and wider than segmentation. It is named here, and nowhere else in the studies.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Shaped
from numpy import ndarray

from segdepth.core.errors import DataError
from segdepth.core.words import as_file_name

from .columns import Column, peak_column
from .statistics import image_means
from .store import StudyInfo, StudyTable

__all__ = ["CLAIM", "Pair", "PairName", "overlapping", "pair_up"]

#: The tasks that are compared: the second looks farther and wider than the first.
CLAIM = ("seg", "depth")

#: What has to be the same in two studies that are compared.
_SHARED = ("size", "window", "sample_rate", "grid_start", "thresholds", "normalisation")


class PairName(NamedTuple):
    """Which pair.

    Attributes:
        network: whose maps.
        kind: of both studies, "eval" or "class".
    """

    network: str
    kind: str

    @property
    def title(self) -> str:
        """For people."""
        return self.network + (" (classes)" if self.kind == "class" else "")

    @property
    def stem(self) -> str:
        """For files."""
        return as_file_name(self.network.replace(" ", "_")) + ("_classes" if self.kind == "class" else "")


@dataclass(frozen=True)
class Pair:
    """Both tasks of one network, on the same pictures and targets.

    Attributes:
        name: which.
        studies: task -> its study, in the claim's order.
        alive: the targets that count: neither task's map is zero everywhere.
        zeros: task -> number of maps that are zero everywhere.
    """

    name: PairName
    studies: Mapping[str, StudyTable]
    alive: Bool[ndarray, " t"]
    zeros: Mapping[str, int]

    @property
    def first(self) -> StudyTable:
        """Of the claim's first task; pictures, targets, protocol and what is there are those of both."""
        return self.studies[CLAIM[0]]

    @property
    def info(self) -> StudyInfo:
        """What both studies share: all but the task."""
        return self.first.info

    @property
    def targets(self) -> int:
        """In all pictures, with those that do not count."""
        return len(self.alive)

    @cached_property
    def means(self) -> Mapping[Column, Mapping[str, Float[ndarray, " n"]]]:
        """Statistic -> task -> one mean per picture, over the targets that count."""
        return {column: self.means_where(column, self.alive) for column in self.first.columns}

    def means_where(self, column: Column, where: Bool[ndarray, " t"]) -> dict[str, Float[ndarray, " n"]]:
        """Task -> one mean per picture over some targets."""
        count = len(self.info.images)
        return {
            task: image_means(study.rows[column.name], study.rows["image"], count, where)
            for task, study in self.studies.items()
        }


def pair_up(studies: Iterable[StudyTable]) -> list[Pair]:
    """Both tasks of each network and kind; what has no partner is left out.

    Args:
        studies: of trained networks.

    Raises:
        DataError: if there are two of one task, or the two are not of the same pictures and targets.
    """
    found: dict[PairName, dict[str, StudyTable]] = {}
    for study in studies:
        group = found.setdefault(PairName(study.info.network, study.info.kind), {})
        if study.info.task in group:
            raise DataError(
                f"two studies of {study.title} ({group[study.info.task].folder} and {study.folder}): analyse one at a time"
            )
        group[study.info.task] = study
    return [
        _pair(name, {task: group[task] for task in CLAIM})
        for name, group in found.items()
        if group.keys() >= set(CLAIM)
    ]


def overlapping(study: StudyTable) -> Bool[ndarray, " t"]:
    """The targets of an iou study at which both tasks' maps are other than zero."""
    return _all_alive(study.rows[peak_column(task)] for task in CLAIM)


def _pair(name: PairName, studies: Mapping[str, StudyTable]) -> Pair:
    _require_same(*studies.values())
    peaks = {task: study.rows[peak_column()] for task, study in studies.items()}
    zeros = {task: int((peak == 0).sum()) for task, peak in peaks.items()}
    return Pair(name, studies, _all_alive(peaks.values()), zeros)


def _all_alive(peaks: Iterable[Shaped[ndarray, " t"]]) -> Bool[ndarray, " t"]:
    alive: Bool[ndarray, " t"] = np.all([peak != 0 for peak in peaks], axis=0)
    return alive


def _require_same(first: StudyTable, second: StudyTable) -> None:
    for key in _SHARED:
        values = [study.info.protocol.get(key) for study in (first, second)]
        if values[0] != values[1]:
            raise DataError(
                f"{first.folder} and {second.folder} differ in their {key} ({values[0]} and {values[1]}): repeat one of them"
            )
    if dict(first.digests) != dict(second.digests) or first.info.images != second.info.images:
        raise DataError(
            f"{first.folder} and {second.folder} are not of the same pictures: repeat one of them with the same --num_image, "
            "--split and data"
        )
    for column in ("image", "row", "col"):
        if not np.array_equal(first.rows[column], second.rows[column]):
            raise DataError(f"{first.folder} and {second.folder} are not of the same targets: repeat one of them")
