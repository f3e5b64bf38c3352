"""Does depth look farther and wider than segmentation? Tables and tests over stored studies.

The unit of every test is the picture: maps of neighbouring pixels are nearly the same, so a test that took
pixels for independent would find any difference significant. The ancestor did take them so, per picture, and
counted pictures; that count is computed too, for comparison.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from numpy import ndarray
from scipy.stats import rankdata, wilcoxon

from segdepth.core.errors import DataError

from .experiment import NO_LABEL
from .store import StudyTable

__all__ = [
    "DISTANCE_BANDS",
    "FEWEST",
    "SIGNIFICANT",
    "Analysis",
    "Comparison",
    "Faithfulness",
    "NullModel",
    "Overlap",
    "Pair",
    "ReferenceCount",
    "analyse",
    "bootstrap_interval",
    "compare",
    "holm",
    "image_means",
    "rank_biserial",
    "reference_count",
]

#: Metres; the strata of targets by their true distance.
DISTANCE_BANDS = ((0.0, 10.0), (10.0, 20.0), (20.0, 40.0), (40.0, 80.0))

#: Pictures that a test needs: with fewer, five say, not even all differences of one sign give p < 0.05.
FEWEST = 6

_RESAMPLES = 10_000
#: The level of every test.
SIGNIFICANT = 0.05


@dataclass(frozen=True)
class ReferenceCount:
    """The published analysis's count.

    Attributes:
        p_values: per picture, two-sided, over its pixels; nan where no pixel differs.
        fraction: share of the pictures where the mean of seg is smaller and p < 0.05.
    """

    p_values: Float[ndarray, " n"]
    fraction: float


@dataclass(frozen=True)
class Comparison:
    """One statistic of one network, segmentation against depth, over pictures.

    Attributes:
        network: whose maps.
        statistic: its column.
        stratum: "all", a class's name, or a band of distances.
        images: pictures with a value for both tasks.
        targets: pixels behind them.
        mean: of the pictures' means, by task.
        median: of the pictures' means, by task.
        difference: mean of depth minus seg.
        interval: 95 % bootstrap interval of that, over pictures.
        effect: matched-pairs rank-biserial correlation, -1..1; positive where depth is larger.
        p: of Wilcoxon's signed-rank test over pictures, two-sided; nan with too few pictures.
        p_holm: corrected for all tests of its family.
        smallest_p: what p_holm would be if all differences had one sign; from 0.05 on, there are too few pictures to tell.
        family: number of tests in it.
        reference: the published count; None in strata.
    """

    network: str
    statistic: str
    stratum: str
    images: int
    targets: int
    mean: Mapping[str, float]
    median: Mapping[str, float]
    difference: float
    interval: tuple[float, float]
    effect: float
    p: float
    p_holm: float = math.nan
    smallest_p: float = math.nan
    family: int = 0
    reference: ReferenceCount | None = None

    @property
    def too_few(self) -> bool:
        """Whether so few pictures could not have shown a difference."""
        return self.p_holm >= SIGNIFICANT and self.smallest_p >= SIGNIFICANT


@dataclass(frozen=True)
class Pair:
    """Both tasks of one network, on the same pictures and targets.

    Attributes:
        network: its name.
        seg: its study.
        depth: its study.
        means: statistic -> task -> one mean per picture, over the targets that count.
        alive: the targets that count: neither task's map is zero everywhere.
        zeros: task -> number of maps that are zero everywhere.
        targets: in all pictures, with these.
    """

    network: str
    seg: StudyTable
    depth: StudyTable
    means: Mapping[str, Mapping[str, Float[ndarray, " n"]]]
    alive: Bool[ndarray, " t"]
    zeros: Mapping[str, int]
    targets: int


@dataclass(frozen=True)
class NullModel:
    """A null model beside the networks: its statistics' means over pictures, without maps that are zero everywhere.

    Attributes:
        title: in words.
        model: "random", "field", "edges" or "gaussian".
        network: whose weights or wiring; of edges and gaussian, nobody's.
        means: by statistic.
        zeros: number of maps that are zero everywhere.
        targets: in all pictures, with these.
    """

    title: str
    model: str
    network: str
    means: Mapping[str, float]
    zeros: int
    targets: int

    def belongs_to(self, network: str) -> bool:
        """Whether it says something of this network: it is made of it, or of none."""
        return self.model not in ("random", "field") or self.network == network


@dataclass(frozen=True)
class Overlap:
    """How much both tasks' maps of one target overlap.

    Attributes:
        network: whose.
        stratum: "all", a class or a band of distances.
        images: pictures.
        targets: pixels.
        mean: IoU by column, over all targets where it is defined.
        undefined: share of targets where neither map has an active pixel, by column.
    """

    network: str
    stratum: str
    images: int
    targets: int
    mean: Mapping[str, float]
    undefined: Mapping[str, float]


@dataclass(frozen=True)
class Faithfulness:
    """What happens to an answer when pixels are deleted or kept, means over pictures.

    Attributes:
        title: of the network and task.
        images: pictures.
        targets: pixels whose answer was watched.
        rows: action ("delete", "keep"), share of the pixels, change by saliency, change by chance, and p of Wilcoxon's
            signed-rank test between them over pictures.
    """

    title: str
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


def reference_count(seg: Float[ndarray, "n p"], depth: Float[ndarray, "n p"]) -> ReferenceCount:
    """The published analysis: a signed-rank test over each picture's pixels, and how many pictures it favours.

    Zero differences are dropped; normal approximation without continuity correction.

    Args:
        seg: a statistic, pictures by targets; nan: no such target.
        depth: the same of the other task.
    """
    p_values = np.full(len(seg), np.nan)
    smaller = np.zeros(len(seg), bool)
    for index, (a, b) in enumerate(zip(seg, depth, strict=True)):
        known = np.isfinite(a) & np.isfinite(b)
        a, b = a[known], b[known]
        if len(a) == 0:
            continue
        smaller[index] = a.mean() < b.mean()
        if (a != b).any():
            p_values[index] = wilcoxon(a, b, zero_method="wilcox", correction=False, method="asymptotic").pvalue
    return ReferenceCount(p_values, float((smaller & (p_values < SIGNIFICANT)).mean()))


def rank_biserial(difference: Float[ndarray, " n"]) -> float:
    """Matched-pairs rank-biserial correlation: rank sum of the positive minus that of the negative, over their sum.

    Args:
        difference: one per pair; zeros are dropped.

    Returns:
        -1..1; nan if every difference is zero.

    Source:
        Kerby 2014, "The simple difference formula".

    Example:
        >>> rank_biserial(np.array([1.0, 2.0, -3.0]))
        0.0
    """
    kept = difference[difference != 0]
    if len(kept) == 0:
        return math.nan
    ranks = rankdata(np.abs(kept))
    return float((np.sign(kept) * ranks).sum() / ranks.sum())


def bootstrap_interval(values: Float[ndarray, " n"], *, level: float = 0.95, seed: int = 0) -> tuple[float, float]:
    """Percentile interval of the mean when pictures are drawn again with replacement.

    Args:
        values: one per picture.
        level: 0..1.
        seed: of the draws.
    """
    draws = np.random.default_rng(seed).integers(0, len(values), (_RESAMPLES, len(values)))
    tail = (1 - level) / 2
    low, high = np.quantile(values[draws].mean(1), [tail, 1 - tail])
    return float(low), float(high)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction: the chance of one false finding among all stays below the level.

    Args:
        p_values: of a family of tests; nan (no test) stays nan and does not count.

    Source:
        Holm 1979, "A simple sequentially rejective multiple test procedure".

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, float)
    order = np.argsort(p)[: int(np.isfinite(p).sum())]  # nan sorts last
    factors = np.arange(len(order), 0, -1)
    corrected = np.full(len(p), np.nan)
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1)
    return [float(value) for value in corrected]


def image_means(
    values: Float[ndarray, " n"], image: Int[ndarray, " n"], count: int, where: Bool[ndarray, " n"] | None = None
) -> Float[ndarray, " count"]:
    """Mean over the targets of each picture; nan for a picture without one.

    Args:
        values: one per target; nan is left out.
        image: picture of each.
        count: pictures.
        where: targets that count.
    """
    known = np.isfinite(values) if where is None else np.isfinite(values) & where
    sums = np.bincount(image[known], values[known].astype(np.float64), count)
    numbers = np.bincount(image[known], minlength=count)
    return np.where(numbers > 0, sums / np.maximum(numbers, 1), np.nan)


def compare(
    network: str,
    statistic: str,
    means: Mapping[str, Float[ndarray, " n"]],
    *,
    stratum: str = "all",
    targets: int = 0,
    reference: ReferenceCount | None = None,
) -> Comparison:
    """Segmentation against depth over pictures.

    Args:
        network: for the table.
        statistic: for the table.
        means: task -> a mean per picture; nan: none.
        stratum: for the table.
        targets: for the table.
        reference: the published count.
    """
    both = np.isfinite(means["seg"]) & np.isfinite(means["depth"])
    seg, depth = means["seg"][both], means["depth"][both]
    difference = depth - seg
    count = int(both.sum())
    testable = count >= FEWEST and bool((difference != 0).any())
    undefined = (math.nan, math.nan)
    return Comparison(
        network=network,
        statistic=statistic,
        stratum=stratum,
        images=count,
        targets=targets,
        mean={"seg": _mean(seg), "depth": _mean(depth)},
        median={task: float(np.median(v)) if count else math.nan for task, v in (("seg", seg), ("depth", depth))},
        difference=_mean(difference),
        interval=bootstrap_interval(difference) if count >= 2 else undefined,
        effect=rank_biserial(difference),
        p=float(wilcoxon(difference).pvalue) if testable else math.nan,
        smallest_p=float(wilcoxon(np.abs(difference)).pvalue) if testable else math.nan,
        reference=reference,
    )


def _mean(values: Float[ndarray, " n"]) -> float:
    return float(values.mean()) if len(values) else math.nan


def analyse(studies: Sequence[StudyTable]) -> Analysis:
    """Pair the studies of each network, compare, stratify.

    Args:
        studies: of kind eval (or class) for both tasks, of null models, and of kind iou, in any order.

    Raises:
        DataError: if a network's two studies are not of the same pictures and targets, or nothing can be paired.
    """
    measured = [s for s in studies if s.info.kind in ("eval", "class")]
    pairs = [_pair(seg, depth) for seg, depth in _partners(s for s in measured if s.info.model == "trained")]
    overlaps = [s for s in studies if s.info.kind == "iou"]
    faithfulness = [_faithfulness(s) for s in studies if s.info.kind == "faithfulness"]
    if not pairs and not overlaps and not faithfulness:
        raise DataError(
            "nothing to compare: the analysis needs the eval (or class) studies of a network's seg and depth checkpoint, "
            "or an iou or a faithfulness study"
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


def _elsewhere(pair: Pair, pairs: Sequence[Pair], kind: str) -> set[str]:
    """Statistics of the same network that the study of this kind answers: nothing is tested twice.

    Eval studies answer for all targets, class studies for the strata.
    """
    return {
        name
        for other in pairs
        if other is not pair and other.seg.info.kind == kind and other.seg.info.network == pair.seg.info.network
        for name in other.means
    }


def _partners(studies: Iterable[StudyTable]) -> list[tuple[StudyTable, StudyTable]]:
    """Segmentation and depth of the same network and kind."""
    found: dict[tuple[str, str], dict[str, StudyTable]] = {}
    for study in studies:
        group = found.setdefault((study.info.network, study.info.kind), {})
        if study.info.task in group:
            raise DataError(
                f"two studies of {study.title} ({group[study.info.task].folder} and {study.folder}): analyse one at a time"
            )
        group[study.info.task] = study
    return [(group["seg"], group["depth"]) for group in found.values() if {"seg", "depth"} <= group.keys()]


#: What has to be the same in two studies that are compared.
_SHARED = ("size", "window", "sample_rate", "grid_start", "thresholds", "normalisation")


def _pair(seg: StudyTable, depth: StudyTable) -> Pair:
    for key in _SHARED:
        values = [s.info.protocol.get(key) for s in (seg, depth)]
        if values[0] != values[1]:
            raise DataError(
                f"{seg.folder} and {depth.folder} differ in their {key} ({values[0]} and {values[1]}): repeat one of them"
            )
    if dict(seg.digests) != dict(depth.digests) or seg.info.images != depth.info.images:
        raise DataError(
            f"{seg.folder} and {depth.folder} are not of the same pictures: repeat one of them with the same --num_image, "
            "--split and data"
        )
    for column in ("image", "row", "col"):
        if not np.array_equal(seg.rows[column], depth.rows[column]):
            raise DataError(f"{seg.folder} and {depth.folder} are not of the same targets: repeat one of them")
    count = len(seg.info.images)
    alive = (seg.rows["peak"] != 0) & (depth.rows["peak"] != 0)
    means = {
        name: {s.info.task: image_means(s.rows[name], s.rows["image"], count, alive) for s in (seg, depth)}
        for name in seg.info.columns
    }
    zeros = {s.info.task: int((s.rows["peak"] == 0).sum()) for s in (seg, depth)}
    network = seg.info.network + (" (classes)" if seg.info.kind == "class" else "")
    return Pair(network, seg, depth, means, alive, zeros, len(seg.rows["image"]))


def _comparisons(pair: Pair, elsewhere: Collection[str]) -> list[Comparison]:
    image = pair.seg.rows["image"]
    return [
        compare(
            pair.network,
            name,
            means,
            targets=int(pair.alive.sum()),
            reference=reference_count(*(_per_image(s.rows[name], image) for s in (pair.seg, pair.depth))),
        )
        for name, means in pair.means.items()
        if name not in elsewhere
    ]


def _per_image(values: Float[ndarray, " n"], image: Int[ndarray, " n"]) -> Float[ndarray, "i p"]:
    """One row per picture, filled up with nan."""
    places = np.unique(image, return_inverse=True)[1]
    counts = np.bincount(places)
    table = np.full((len(counts), counts.max()), np.nan)
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    table[places, np.arange(len(values)) - starts] = values
    return table


def _members(study: StudyTable) -> list[tuple[str, Bool[ndarray, " n"]]]:
    """Strata by class of the target, then by distance; only those with a target."""
    labels, depth = study.rows["label"], study.rows["depth_m"]
    named = study.info.classes or tuple(f"class {k}" for k in range(NO_LABEL))
    members = [(name, labels == train_id) for train_id, name in enumerate(named)]
    members += [(f"{low:g}-{high:g} m", (depth > low) & (depth <= high)) for low, high in DISTANCE_BANDS]
    return [(name, where) for name, where in members if where.any()]


def _strata(pair: Pair, elsewhere: Collection[str]) -> list[Comparison]:
    count = len(pair.seg.info.images)
    image = pair.seg.rows["image"]
    return [
        compare(
            pair.network,
            name,
            {s.info.task: image_means(s.rows[name], image, count, where & pair.alive) for s in (pair.seg, pair.depth)},
            stratum=stratum,
            targets=int((where & pair.alive).sum()),
        )
        for stratum, where in _members(pair.seg)
        for name in pair.seg.info.columns
        if name not in elsewhere
    ]


def _null(study: StudyTable) -> NullModel:
    count = len(study.info.images)
    zero = study.rows["peak"] == 0
    means = {}
    for name in study.info.columns:
        values = image_means(study.rows[name], study.rows["image"], count, ~zero)
        means[name] = _mean(values[np.isfinite(values)])
    return NullModel(study.title, study.info.model, study.info.network, means, int(zero.sum()), len(zero))


def _overlaps(study: StudyTable) -> list[Overlap]:
    everything: list[tuple[str, Any]] = [("all", np.ones(len(study.rows["image"]), bool)), *_members(study)]
    return [_overlap(study, stratum, where) for stratum, where in everything]


def _overlap(study: StudyTable, stratum: str, where: Bool[ndarray, " n"]) -> Overlap:
    columns: dict[str, Shaped[ndarray, " n"]] = {name: study.rows[name][where] for name in study.info.columns}
    alive = ((study.rows["peak_seg"] != 0) & (study.rows["peak_depth"] != 0))[where]
    known = {name: values[np.isfinite(values) & alive].astype(np.float64) for name, values in columns.items()}
    return Overlap(
        network=study.title,
        stratum=stratum,
        images=len(np.unique(study.rows["image"][where])),
        targets=int(where.sum()),
        mean={name: _mean(values) for name, values in known.items()},
        undefined={name: 1 - len(known[name]) / len(values) for name, values in columns.items()},
    )


def _faithfulness(study: StudyTable) -> Faithfulness:
    rows = []
    for action in ("delete", "keep"):
        for share in study.info.protocol["thresholds"]:
            salient, random = (
                image_means(study.rows[f"{action}_{choice}_{share:g}"], study.rows["image"], len(study.info.images))
                for choice in ("salient", "random")
            )
            both = np.isfinite(salient) & np.isfinite(random)
            salient, random = salient[both], random[both]
            testable = len(salient) >= FEWEST and bool((salient != random).any())
            p = float(wilcoxon(salient - random).pvalue) if testable else math.nan
            rows.append((action, float(share), _mean(salient), _mean(random), p))
    return Faithfulness(study.title, len(study.digests), len(study.rows["image"]), rows)
