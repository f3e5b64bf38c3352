"""Does depth look farther and wider than segmentation? Tables and tests over stored studies.

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

from .columns import ACTIONS, CHOICES, Column, change_column, peak_column
from .pairing import CLAIM, Pair, PairName, overlapping, pair_up
from .statistics import (
    SIGNIFICANT,
    PairedTest,
    ReferenceCount,
    compare,
    holm,
    image_means,
    mean_of,
    per_image,
    reference_count,
    signed_rank,
)
from .store import OF_A_NETWORK, StudyTable

__all__ = ["EVERYWHERE", "Analysis", "Comparison", "Faithfulness", "NullModel", "Overlap", "analyse"]

#: The stratum of all targets.
EVERYWHERE = "all"


@dataclass(frozen=True, kw_only=True)
class Comparison(PairedTest):
    """One statistic of one network, the claim's second task against its first, over pictures.

    Attributes:
        pair: whose maps.
        statistic: which.
        stratum: :data:`EVERYWHERE`, a class's name, or a band of distances.
        targets: pixels behind the pictures' means.
        p_holm: p corrected for all tests of its family.
        smallest_p: what p_holm would be if all differences had one sign; from 0.05 on, there are too few pictures to tell.
        family: number of tests in it.
        reference: the published count; None in strata.
    """

    pair: PairName
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
        """The task whose numbers are larger; None where the test says nothing."""
        return CLAIM[self.effect > 0] if self.p_holm < SIGNIFICANT else None


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

    def belongs_to(self, network: str) -> bool:
        """Whether it says something of this network: it is made of it, or of none."""
        return not self.is_of_a_network or self.network == network


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
    """Everything that a page or a table shows."""

    pairs: Sequence[Pair]
    comparisons: Sequence[Comparison]
    strata: Sequence[Comparison]
    nulls: Sequence[NullModel]
    overlaps: Sequence[Overlap]
    faithfulness: Sequence[Faithfulness]
    studies: Sequence[StudyTable]


def analyse(studies: Sequence[StudyTable]) -> Analysis:
    """Pair the studies of each network, compare, stratify.

    Args:
        studies: of kind eval (or class) for both tasks, of null models, and of kind iou, in any order.

    Raises:
        DataError: if a network's two studies are not of the same pictures and targets, or nothing can be paired.
    """
    measured = [s for s in studies if s.info.kind in ("eval", "class")]
    pairs = pair_up(s for s in measured if s.info.model == "trained")
    overlaps = [s for s in studies if s.info.kind == "iou"]
    faithfulness = [_faithfulness(s) for s in studies if s.info.kind == "faithfulness"]
    if not pairs and not overlaps and not faithfulness:
        raise DataError(
            f"nothing to compare: the analysis needs the eval (or class) studies of a network's {' and '.join(CLAIM)} "
            "checkpoint, or an iou or a faithfulness study"
        )
    comparisons = [c for pair in pairs for c in _comparisons(pair, _elsewhere(pair, pairs, "eval"))]
    strata = [c for pair in pairs for c in _strata(pair, _elsewhere(pair, pairs, "class"))]
    nulls = [_null(s) for s in measured if s.info.model != "trained"]
    return Analysis(
        pairs=pairs,
        comparisons=_corrected(comparisons),
        strata=_corrected(strata),
        nulls=nulls,
        overlaps=[o for s in overlaps for o in _overlaps(s)],
        faithfulness=faithfulness,
        studies=studies,
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


def _elsewhere(pair: Pair, pairs: Sequence[Pair], kind: str) -> set[Column]:
    """Statistics of the same network that the study of this kind answers: nothing is tested twice.

    Eval studies answer for all targets, class studies for the strata.
    """
    others = (other for other in pairs if other is not pair and other.name == PairName(pair.name.network, kind))
    return {column for other in others for column in other.first.columns}


def _comparisons(pair: Pair, elsewhere: Collection[Column]) -> list[Comparison]:
    image = pair.first.rows["image"]
    return [
        Comparison(
            pair=pair.name,
            statistic=column,
            targets=int(pair.alive.sum()),
            reference=reference_count(*(per_image(study.rows[column.name], image) for study in pair.studies.values())),
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
        if kind.column is not None
        for found in kind.strata(study.rows[kind.column], study.info.classes).items()
    ]
    return [(name, where) for name, where in members if where.any()]


def _strata(pair: Pair, elsewhere: Collection[Column]) -> list[Comparison]:
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
