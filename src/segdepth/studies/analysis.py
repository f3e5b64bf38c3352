"""How far and how widely do networks look? Tables and tests over stored studies: of one network, or of one against another.

The unit of every test is the picture: maps of neighbouring pixels are nearly the same, so a test that took
pixels for independent would find any difference significant. The ancestor did take them so, per picture, and
counted pictures; that count is computed too, for comparison.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from segdepth.core.errors import DataError
from segdepth.kinds import KINDS
from segdepth.runs import TASK_FACTS

from .columns import ACTIONS, CHOICES, Column, change_column, peak_column
from .pairing import Group, GroupName, group_up, overlapping
from .statistics import (
    SIGNIFICANT,
    Estimate,
    PairedTest,
    ReferenceCount,
    compare,
    estimate,
    holm,
    image_means,
    mean_of,
    per_image,
    reference_count,
    signed_rank,
)
from .store import OF_A_NETWORK, OF_NO_TASK, StudyTable

__all__ = ["EVERYWHERE", "Analysis", "Comparison", "Faithfulness", "Measured", "NullModel", "Overlap", "analyse"]

#: The stratum of all targets.
EVERYWHERE = "all"

#: Strata that every study has, by the target's row.
_THIRDS = ("upper third", "middle third", "lower third")


@dataclass(frozen=True, kw_only=True)
class Comparison(PairedTest):
    """One statistic of a pair, its second side against its first, over pictures.

    Attributes:
        pair: whose maps.
        statistic: which.
        stratum: :data:`EVERYWHERE`, a class's name, or a band of distances.
        targets: pixels behind the pictures' means.
        p_holm: p corrected for all tests of its family.
        smallest_p: what p_holm would be if all differences had one sign; from 0.05 on, there are too few pictures to tell.
        family: number of tests in it.
        reference: the published count, of the claim's pairs over all targets; else None.
    """

    pair: GroupName
    statistic: Column
    stratum: str = EVERYWHERE
    targets: int = 0
    p_holm: float = math.nan
    family: int = 0
    reference: ReferenceCount | None = None

    @property
    def tested(self) -> bool:
        """Whether there is a test: there are pictures enough, and a difference in one of them."""
        return not math.isnan(self.p)

    @property
    def too_few(self) -> bool:
        """Whether so few pictures could not have shown a difference."""
        return self.p_holm >= SIGNIFICANT and self.smallest_p >= SIGNIFICANT

    @property
    def larger(self) -> str | None:
        """The side whose numbers are larger; None where the test says nothing."""
        return tuple(self.mean)[self.effect > 0] if self.p_holm < SIGNIFICANT else None


@dataclass(frozen=True, kw_only=True)
class Measured(Estimate):
    """One statistic of one network alone, over pictures.

    Attributes:
        group: whose maps.
        statistic: which.
        stratum: :data:`EVERYWHERE`, a class's name, a band of distances, or a part of the window.
        targets: pixels behind the pictures' means.
    """

    group: GroupName
    statistic: Column
    stratum: str
    targets: int


@dataclass(frozen=True)
class NullModel:
    """A null model beside the networks: its statistics' means over pictures, without maps that are zero everywhere.

    Attributes:
        title: in words.
        model: "random", "field", "edges" or "gaussian".
        network: whose weights or wiring; of edges and gaussian, nobody's.
        task: whose network it is.
        means: by statistic.
        zeros: number of maps that are zero everywhere.
        targets: in all pictures, with these.
    """

    title: str
    model: str
    network: str
    task: str
    means: Mapping[Column, float]
    zeros: int
    targets: int

    @property
    def is_of_a_network(self) -> bool:
        """Whether it is made of one."""
        return self.model in OF_A_NETWORK

    def belongs_to(self, group: Group) -> bool:
        """Whether it says something of these studies' networks: it is made of one of them, or of none."""
        networks = [(study.info.network, study.info.task) for study in group.studies.values()]
        return not self.is_of_a_network or (self.network, self.task) in networks


@dataclass(frozen=True)
class Overlap:
    """How much both tasks' maps of one target overlap.

    Attributes:
        network: whose.
        stratum: see :class:`Comparison`.
        images: pictures.
        targets: pixels.
        mean: IoU by column, over all targets where it is defined.
        undefined: share of targets where neither map has an active pixel, by column.
    """

    network: str
    stratum: str
    images: int
    targets: int
    mean: Mapping[Column, float]
    undefined: Mapping[Column, float]


@dataclass(frozen=True)
class Faithfulness:
    """What happens to an answer when pixels are deleted or kept, means over pictures.

    Attributes:
        title: of the network and task.
        task: whose network it is.
        images: pictures.
        targets: pixels whose answer was watched.
        rows: action ("delete", "keep"), share of the pixels, change by saliency, change by chance, and p of Wilcoxon's
            signed-rank test between them over pictures.
    """

    title: str
    task: str
    images: int
    targets: int
    rows: Sequence[tuple[str, float, float, float, float]]


@dataclass(frozen=True)
class Analysis:
    """Everything that a page or a table shows.

    Attributes:
        pairs: studies that are compared.
        comparisons: of the pairs, over all targets.
        strata: of the pairs, over some targets.
        alone: studies that are not compared.
        measured: of these, over all targets and over some.
        nulls: null models.
        overlaps: of both tasks' maps.
        faithfulness: of maps.
        studies: all that were read.
    """

    pairs: Sequence[Group]
    comparisons: Sequence[Comparison]
    strata: Sequence[Comparison]
    alone: Sequence[Group]
    measured: Sequence[Measured]
    nulls: Sequence[NullModel]
    overlaps: Sequence[Overlap]
    faithfulness: Sequence[Faithfulness]
    studies: Sequence[StudyTable]


def analyse(studies: Sequence[StudyTable]) -> Analysis:
    """Compare what belongs together, estimate what stands alone, stratify both.

    Args:
        studies: of kind eval (or class), of null models, of kind iou and faithfulness. Their order matters where the only two are
            compared, the second against the first.

    Raises:
        DataError: if two that are compared are not of the same pictures and targets, if a task is not known, or if there are only
            null models.
    """
    _require_known(studies)
    measured = [s for s in studies if s.info.kind in ("eval", "class")]
    pairs, alone = group_up(s for s in measured if s.info.model == "trained")
    overlaps = [s for s in studies if s.info.kind == "iou"]
    faithfulness = [_faithfulness(s) for s in studies if s.info.kind == "faithfulness"]
    if not pairs and not alone and not overlaps and not faithfulness:
        raise DataError(
            f"there are only null models ({', '.join(s.title for s in measured)}), which say something beside a trained network: "
            "name the eval (or class) study of one, too"
        )
    comparisons = [c for pair in pairs for c in _comparisons(pair, _elsewhere(pair, pairs, "eval"))]
    strata = [c for pair in pairs for c in _strata(pair, _elsewhere(pair, pairs, "class"))]
    nulls = [_null(s) for s in measured if s.info.model != "trained"]
    return Analysis(
        pairs=pairs,
        comparisons=_corrected(comparisons),
        strata=_corrected(strata),
        alone=alone,
        measured=[m for one in alone for m in _measured(one, alone)],
        nulls=nulls,
        overlaps=[o for s in overlaps for o in _overlaps(s)],
        faithfulness=faithfulness,
        studies=studies,
    )


def _require_known(studies: Sequence[StudyTable]) -> None:
    for study in studies:
        if study.info.task not in (*TASK_FACTS, *OF_NO_TASK):
            raise DataError(
                f"{str(study.folder)!r} is of the task {study.info.task!r}, which is none of {', '.join(TASK_FACTS)}"
            )


def _corrected(comparisons: Sequence[Comparison]) -> list[Comparison]:
    p_values = [c.p for c in comparisons]
    family = sum(math.isfinite(p) for p in p_values)
    return [
        replace(c, p_holm=p_holm, smallest_p=_smallest(p_values, place, c.smallest_p), family=family)
        for place, (c, p_holm) in enumerate(zip(comparisons, holm(p_values), strict=True))
    ]


def _smallest(p_values: Sequence[float], place: int, alone: float) -> float:
    """The corrected p of one test if it had the smallest p that its number of pictures allows."""
    return holm([*p_values[:place], alone, *p_values[place + 1 :]])[place]


def _elsewhere(group: Group, groups: Sequence[Group], kind: str) -> set[Column]:
    """Statistics of the same networks that the study of this kind answers: nothing is said twice.

    Eval studies answer for all targets, class studies for the strata.
    """
    others = (other for other in groups if other is not group and other.name == GroupName(group.name.subject, kind))
    return {column for other in others for column in other.first.columns}


def _comparisons(pair: Group, elsewhere: Collection[Column]) -> list[Comparison]:
    image = pair.first.rows["image"]
    return [
        Comparison(
            pair=pair.name,
            statistic=column,
            targets=int(pair.alive.sum()),
            reference=(
                reference_count(*(per_image(study.rows[column.name], image) for study in pair.studies.values()))
                if pair.of_the_claim
                else None
            ),
            **vars(compare(means)),
        )
        for column, means in pair.means.items()
        if column not in elsewhere
    ]


def _members(study: StudyTable) -> list[tuple[str, Bool[ndarray, " n"]]]:
    """Strata of the targets, as each kind of truth has them; only those with a target."""
    members = [
        found
        for kind in KINDS.values()
        if kind.column is not None and kind.column in study.rows
        for found in kind.strata(study.rows[kind.column], study.info.classes).items()
    ]
    return [(name, where) for name, where in members if where.any()]


def _strata(pair: Group, elsewhere: Collection[Column]) -> list[Comparison]:
    return [
        Comparison(
            pair=pair.name,
            statistic=column,
            stratum=stratum,
            targets=int((where & pair.alive).sum()),
            **vars(compare(pair.means_where(column, where & pair.alive))),
        )
        for stratum, where in _members(pair.first)
        for column in pair.first.columns
        if column not in elsewhere
    ]


def _measured(one: Group, alone: Sequence[Group]) -> list[Measured]:
    """What its statistics are over all targets, and over those of each stratum."""
    study = one.first
    everywhere = (EVERYWHERE, np.ones(one.targets, bool))
    asked = (("eval", [everywhere]), ("class", [*_members(study), *_thirds(study)]))
    return [
        Measured(
            group=one.name,
            statistic=column,
            stratum=stratum,
            targets=int((where & one.alive).sum()),
            **vars(estimate(*one.means_where(column, where & one.alive).values())),
        )
        for kind, members in asked
        for elsewhere in [_elsewhere(one, alone, kind)]
        for stratum, where in members
        for column in study.columns
        if column not in elsewhere
    ]


def _thirds(study: StudyTable) -> list[tuple[str, Bool[ndarray, " n"]]]:
    """The evaluated window's thirds, by the targets' rows; only those with a target."""
    top, bottom, *_ = study.info.protocol["window"]
    third = (study.rows["row"].astype(int) - top) * len(_THIRDS) // (bottom - top)
    members = [(name, third == place) for place, name in enumerate(_THIRDS)]
    return [(name, where) for name, where in members if where.any()]


def _null(study: StudyTable) -> NullModel:
    count = len(study.info.images)
    zero = study.rows[peak_column()] == 0
    means = {}
    for column in study.columns:
        values = image_means(study.rows[column.name], study.rows["image"], count, ~zero)
        means[column] = mean_of(values[np.isfinite(values)])
    info = study.info
    return NullModel(study.title, info.model, info.network, info.task, means, int(zero.sum()), len(zero))


def _overlaps(study: StudyTable) -> list[Overlap]:
    everywhere = np.ones(len(study.rows["image"]), bool)
    return [_overlap(study, stratum, where) for stratum, where in [(EVERYWHERE, everywhere), *_members(study)]]


def _overlap(study: StudyTable, stratum: str, where: Bool[ndarray, " n"]) -> Overlap:
    columns = {column: study.rows[column.name][where] for column in study.columns}
    alive = overlapping(study)[where]
    known = {column: values[np.isfinite(values) & alive].astype(np.float64) for column, values in columns.items()}
    return Overlap(
        network=study.title,
        stratum=stratum,
        images=len(np.unique(study.rows["image"][where])),
        targets=int(where.sum()),
        mean={column: mean_of(values) for column, values in known.items()},
        undefined={column: 1 - len(known[column]) / len(values) for column, values in columns.items()},
    )


def _faithfulness(study: StudyTable) -> Faithfulness:
    rows = []
    for action in ACTIONS:
        for share in study.info.protocol["thresholds"]:
            salient, random = (
                image_means(
                    study.rows[change_column(action, choice, share)], study.rows["image"], len(study.info.images)
                )
                for choice in CHOICES
            )
            both = np.isfinite(salient) & np.isfinite(random)
            salient, random = salient[both], random[both]
            rows.append((action, float(share), mean_of(salient), mean_of(random), signed_rank(salient - random)))
    return Faithfulness(study.title, study.info.task, len(study.digests), len(study.rows["image"]), rows)
