"""Maps and their measures in native loops, against NumPy."""

import numpy as np
import pytest

from segdepth.saliency.sparse import loops

THRESHOLDS = np.array([0.1, 0.5, 0.9])


@pytest.fixture
def maps() -> np.ndarray:
    maps = np.random.default_rng(0).random((4, 6, 9))
    maps[1, 2, 3] = maps[1].max() * 2  # one peak
    maps[2, [1, 4], [8, 0]] = 5.0  # two equal ones
    return maps


def distances(height: int, width: int) -> np.ndarray:
    rows, columns = np.arange(height)[:, None], np.abs(np.arange(1 - width, width))
    return np.hypot(rows, columns)


def normalised(one: np.ndarray) -> np.ndarray:
    return (one - one.min()) / (one.max() if one.max() > 0 else 1)


def test_measures_are_the_formulas(maps: np.ndarray) -> None:
    pixels = np.array([[0, 0], [5, 8], [2, 4], [3, 1]])
    result = np.full((4, 10), np.nan)
    loops.measure((0, 4), maps, pixels, THRESHOLDS, distances(6, 9), result)
    for one, (row, column), found in zip(maps, pixels, result, strict=True):
        far = np.hypot(*(np.mgrid[:6, :9] - np.array([row, column])[:, None, None]))
        values, shares = normalised(one), one / one.max()
        expected = [
            *(far[values >= t].max() for t in THRESHOLDS),
            *((values >= t).mean() for t in THRESHOLDS),
            far[one == one.max()].mean(),
            values.mean(),
            (shares * far).sum() / shares.sum(),
            shares.sum() ** 2 / (shares**2).sum(),
        ]
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_only_some_maps_are_done(maps: np.ndarray) -> None:
    pixels, result = np.zeros((4, 2), np.int64), np.full((4, 10), -1.0)
    loops.measure((1, 3), maps, pixels, THRESHOLDS, distances(6, 9), result)
    assert (result[[0, 3]] == -1).all()
    assert (result[1:3] != -1).all()


def test_overlaps_are_intersections_over_unions(maps: np.ndarray) -> None:
    a, b, result = maps[:2], maps[2:], np.zeros((2, 3))
    b = b.copy()
    b[1] = 0
    loops.overlap((0, 2), a, b, THRESHOLDS, result)
    for first, second, found in zip(a, b, result, strict=True):
        for t, value in zip(THRESHOLDS, found, strict=True):
            here, there = normalised(first) >= t, normalised(second) >= t
            assert value == pytest.approx((here & there).sum() / (here | there).sum())
    loops.overlap((0, 1), b[1:], b[1:], THRESHOLDS, result)
    assert np.isnan(result[0]).all()  # nothing over nothing


@pytest.mark.parametrize("colours", [1, 3])
def test_maps_are_the_strongest_colours_wherever_they_belong(colours: int) -> None:
    signed = np.random.default_rng(0).standard_normal((5, 7, colours, 3))
    signed[2, 3, 0, 1] = np.nan
    maps = np.full((4, 9, 12), -1.0)
    loops.strongest((1, 5), signed, np.array([3, 0, 2]), maps, np.empty((4, 3)), 2, 4)
    expected = np.full((4, 9, 12), -1.0)
    expected[[3, 0, 2], 3:7, 4:11] = np.abs(signed[1:]).max(2).transpose(2, 0, 1)
    np.testing.assert_array_equal(maps, expected)
