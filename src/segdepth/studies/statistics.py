"""Statistics of paired numbers, one pair per picture: tests, effect sizes, intervals, and the published count.

Pure functions of arrays, which know of no network and of no file.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy.stats import rankdata, wilcoxon

__all__ = [
    "FEWEST",
    "SIGNIFICANT",
    "Estimate",
    "PairedTest",
    "ReferenceCount",
    "bootstrap_interval",
    "compare",
    "estimate",
    "holm",
    "image_means",
    "mean_of",
    "per_image",
    "rank_biserial",
    "reference_count",
    "signed_rank",
]

#: Pictures that a test needs: with fewer, five say, not even all differences of one sign give p < 0.05.
FEWEST = 6
#: Pictures of which every choice of signs is counted; of more, SciPy decides.
_FEW = 13

_RESAMPLES = 10_000
#: The level of every test.
SIGNIFICANT = 0.05


@dataclass(frozen=True)
class ReferenceCount:
    """The published analysis's count.

    Attributes:
        p_values: per picture, two-sided, over its pixels; nan where no pixel differs.
        fraction: share of the pictures where the first mean is smaller and p < 0.05.
    """

    p_values: Float[ndarray, " n"]
    fraction: float


@dataclass(frozen=True)
class PairedTest:
    """Two numbers of each picture, the second against the first.

    Attributes:
        images: pictures with both.
        mean: of each, by its name.
        median: of each, by its name.
        difference: mean of the second minus the first.
        interval: 95 % bootstrap interval of that, over pictures.
        effect: matched-pairs rank-biserial correlation, -1..1; positive where the second is larger.
        p: of Wilcoxon's signed-rank test over pictures, two-sided; nan with too few pictures.
        smallest_p: what p would be if all differences had one sign.
    """

    images: int
    mean: Mapping[str, float]
    median: Mapping[str, float]
    difference: float
    interval: tuple[float, float]
    effect: float
    p: float
    smallest_p: float


@dataclass(frozen=True)
class Estimate:
    """One number of each picture.

    Attributes:
        images: pictures with one.
        mean: of the pictures.
        median: of the pictures.
        interval: 95 % bootstrap interval of the mean, over pictures; nan with fewer than two.
    """

    images: int
    mean: float
    median: float
    interval: tuple[float, float]


def estimate(values: Float[ndarray, " n"]) -> Estimate:
    """What the pictures' numbers say of others like them.

    Args:
        values: one per picture; nan: none.
    """
    known = values[np.isfinite(values)]
    return Estimate(len(known), mean_of(known), _median(known), _interval(known))


def compare(values: Mapping[str, Float[ndarray, " n"]]) -> PairedTest:
    """The second of two numbers against the first, over pictures.

    Args:
        values: both, by name, one per picture; nan: none.
    """
    both = np.logical_and(*(np.isfinite(one) for one in values.values()))
    known = {name: one[both] for name, one in values.items()}
    first, second = known.values()
    difference = second - first
    return PairedTest(
        images=int(both.sum()),
        mean={name: mean_of(one) for name, one in known.items()},
        median={name: _median(one) for name, one in known.items()},
        difference=mean_of(difference),
        interval=_interval(difference),
        effect=rank_biserial(difference),
        p=signed_rank(difference),
        smallest_p=signed_rank(np.abs(difference)),
    )


def signed_rank(difference: Float[ndarray, " n"]) -> float:
    """Two-sided p of Wilcoxon's signed-rank test; nan with fewer than :data:`FEWEST` pictures, or without a difference.

    Zero differences are dropped. Of few pictures it is exact, with ties too, as SciPy is, which takes a second for 13 with ties.
    """
    if len(difference) < FEWEST or not (difference != 0).any():
        return math.nan
    if len(difference) > _FEW:
        return float(wilcoxon(difference).pvalue)
    some = difference[difference != 0]
    ranks = rankdata(np.abs(some))
    sums = np.zeros(1)  # of signed ranks, for every choice of signs
    for rank in ranks:
        sums = np.concatenate([sums - rank, sums + rank])
    return float((np.abs(sums) >= abs((np.sign(some) * ranks).sum())).mean())


def mean_of(values: Float[ndarray, " n"]) -> float:
    """Nan where there is none."""
    return float(values.mean()) if len(values) else math.nan


def _median(values: Float[ndarray, " n"]) -> float:
    return float(np.median(values)) if len(values) else math.nan


def _interval(values: Float[ndarray, " n"]) -> tuple[float, float]:
    """One picture tells nothing of others."""
    return bootstrap_interval(values) if len(values) > 1 else (math.nan, math.nan)


def reference_count(first: Float[ndarray, "n p"], second: Float[ndarray, "n p"]) -> ReferenceCount:
    """The published analysis: a signed-rank test over each picture's pixels, and how many pictures it favours.

    Zero differences are dropped; normal approximation without continuity correction.

    Args:
        first: a statistic, pictures by targets; nan: no such target.
        second: the same of the other task.
    """
    p_values = np.full(len(first), np.nan)
    smaller = np.zeros(len(first), bool)
    for index, (a, b) in enumerate(zip(first, second, strict=True)):
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


def per_image(values: Float[ndarray, " n"], image: Int[ndarray, " n"]) -> Float[ndarray, "i p"]:
    """One row per picture, filled up with nan.

    Args:
        values: one per target.
        image: picture of each.
    """
    places = np.unique(image, return_inverse=True)[1]
    counts = np.bincount(places)
    table = np.full((len(counts), counts.max()), np.nan)
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    table[places, np.arange(len(values)) - starts] = values
    return table
