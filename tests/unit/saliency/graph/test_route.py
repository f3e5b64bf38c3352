"""Routes, followed place by place."""

from itertools import product

import pytest

from segdepth.saliency.graph.route import Affine, Route

AFFINE: list[Affine] = [(1, 0, 1), (1, -2, 1), (2, 1, 1), (1, 0, 2), (3, -1, 2), (1, 3, 2)]


def follow(place: int, affine: Affine) -> int | None:
    """Where a place is; None where that is not whole."""
    times, offset, divisor = affine
    scaled = place * times + offset
    return scaled // divisor if scaled % divisor == 0 else None


@pytest.mark.parametrize(("outer", "inner"), list(product(AFFINE, AFFINE)))
def test_one_route_after_the_other(outer: Affine, inner: Affine) -> None:
    route = Route(3, outer, (1, 0, 1), (0, 4), 2).at(inner, (1, 5, 1))
    assert (route.value, route.channels, route.shift, route.columns) == (3, (0, 4), 2, (1, 5, 1))
    for place in range(12):
        between = follow(place, inner)
        if between is not None:
            assert follow(place, route.rows) == follow(between, outer)


def test_numbers_are_rows_columns_channels_and_shift() -> None:
    assert Route(3, (1, 2, 3), (4, 5, 6), (7, 8), 9).numbers() == (1, 2, 3, 4, 5, 6, 7, 8, 9)
