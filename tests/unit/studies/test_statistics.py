"""Tests, effect sizes and counts over pictures, against their definitions and the published numbers."""

import json
import math
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy.stats import wilcoxon

from segdepth.studies.statistics import (
    bootstrap_interval,
    compare,
    estimate,
    holm,
    image_means,
    per_image,
    rank_biserial,
    reference_count,
    signed_rank,
)


def test_the_reference_count_is_the_published_one(conformance: Path, conformance_inputs: ModuleType) -> None:
    golden = json.loads((conformance / "saliency_metrics.json").read_text())["analysis"]
    seg, depth = conformance_inputs.analysis_arrays()
    for k in range(seg.shape[1]):
        count = reference_count(seg[:, k], depth[:, k])
        np.testing.assert_allclose(count.p_values, golden["p_values_normal_approximation"][k], rtol=1e-12)
        assert count.fraction == pytest.approx(golden["fraction"][k])
        everywhere = np.repeat(np.arange(len(seg)), seg.shape[2])
        for values, task in ((seg, "mean_seg"), (depth, "mean_depth")):
            means = image_means(values[:, k].ravel(), everywhere, len(seg))
            assert means.mean() == pytest.approx(golden[task][k], rel=1e-12)


def test_holm_against_its_definition() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        p = rng.random(7) ** 3
        smallest_first = sorted(range(7), key=lambda k: p[k])
        expected, largest = [0.0] * 7, 0.0
        for rank, k in enumerate(smallest_first):
            largest = max(largest, (7 - rank) * p[k])
            expected[k] = min(1.0, largest)
        assert holm(p.tolist()) == pytest.approx(expected)
    assert holm([0.02, float("nan"), 0.5])[0] == pytest.approx(0.04)
    assert np.isnan(holm([0.02, float("nan")])[1])


def test_effect_size_counts_pairs() -> None:
    rng = np.random.default_rng(1)
    difference = rng.normal(0.3, 1, 25)
    # the slow way: over all pairs of pictures, whose sum is positive?
    positive = sum(difference[i] + difference[j] > 0 for i in range(25) for j in range(i, 25))
    total = 25 * 26 // 2
    assert rank_biserial(difference) == pytest.approx((2 * positive - total) / total)
    assert rank_biserial(np.abs(difference)) == 1
    assert np.isnan(rank_biserial(np.zeros(4)))


def test_the_interval_covers_the_mean_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(100):
        low, high = bootstrap_interval(rng.normal(1, 2, 40))
        covered += low <= 1 <= high
    assert 86 <= covered <= 100


def test_targets_without_a_value_are_left_out_of_a_mean() -> None:
    values = np.array([1.0, np.nan, 3.0, np.nan])
    means = image_means(values, np.array([0, 0, 0, 1]), 3)
    assert means[0] == 2
    assert np.isnan(means[1:]).all()


def test_too_few_pictures_are_not_tested() -> None:
    assert np.isnan(compare({"a": np.arange(5.0), "b": np.arange(5.0) + 1}).p)
    found = compare({"a": np.arange(6.0), "b": np.arange(6.0) + 1 + 0.01 * np.arange(6)})
    assert found.p == found.smallest_p == pytest.approx(2 / 2**6)


@pytest.mark.parametrize("count", [6, 9, 13, 14])
def test_p_is_scipy_s_with_ties_and_zeros_too(count: int) -> None:
    for seed, decimals in enumerate((0, 1, 6)):  # many ties and zeros, few, none
        difference = np.round(np.random.default_rng(seed).normal(0.3, 1, count), decimals)
        assert signed_rank(difference) == pytest.approx(wilcoxon(difference).pvalue, rel=1e-12)


def test_only_pictures_with_both_numbers_are_compared() -> None:
    first, second = np.array([1.0, np.nan, 3.0, 0.0]), np.array([2.0, 5.0, 5.0, np.nan])
    found = compare({"a": first, "b": second})
    assert found.images == 2
    assert (found.mean, found.median) == ({"a": 2.0, "b": 3.5}, {"a": 2.0, "b": 3.5})
    assert (found.difference, found.effect) == (1.5, 1.0)
    nothing = compare({"a": first[:0], "b": second[:0]})
    assert nothing.images == 0
    assert np.isnan([nothing.difference, *nothing.interval, nothing.effect, nothing.p]).all()


def test_pictures_may_have_unequal_numbers_of_targets() -> None:
    table = per_image(np.array([1.0, 2.0, 3.0]), np.array([4, 4, 7]))
    np.testing.assert_array_equal(table, [[1, 2], [3, np.nan]])


def test_an_estimate_is_of_the_pictures_that_have_a_number() -> None:
    known = np.random.default_rng(0).normal(3, 1, 40)
    found = estimate(np.append(known, math.nan))
    assert found == estimate(known)
    assert found.images == 40
    assert (found.mean, found.median) == (pytest.approx(known.mean()), pytest.approx(np.median(known)))
    assert found.interval == bootstrap_interval(known)
    assert found.interval[0] < found.mean < found.interval[1]


def test_one_picture_has_no_interval() -> None:
    assert np.isnan(estimate(np.array([2.0])).interval).all()
    assert np.isnan(estimate(np.array([])).mean)
