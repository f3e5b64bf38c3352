"""Which inputs outputs touch, against matrices that are filled one tap at a time."""

from itertools import combinations, product

import numpy as np
import pytest
from numpy import ndarray

from segdepth.saliency.graph.axes import EMPTY, Axis, Span, hull, intersect

#: Taps, spread, step and offset: convolutions, poolings, a crop, a border, and one that partly misses its input.
WINDOWS = [
    (3, 1, 1, -1),
    (3, 2, 2, -2),
    (2, 1, 2, 0),
    (5, 1, 3, -2),
    (1, 1, 1, 2),
    (1, 1, 1, -3),
    (2, 3, 2, -4),
    (3, 1, 4, 5),
]
INPUTS, OUTPUTS = 9, 7


def of_windows(taps: int, spread: int, step: int, offset: int) -> ndarray:
    touches = np.zeros((OUTPUTS, INPUTS), bool)
    for o, t in product(range(OUTPUTS), range(taps)):
        i = o * step + offset + t * spread
        if 0 <= i < INPUTS:
            touches[o, i] = True
    return touches


def ends(places: ndarray) -> Span:
    found = np.flatnonzero(places)
    return (int(found[0]), int(found[-1]) + 1) if found.size else EMPTY


def spans(size: int) -> list[Span]:
    return list(combinations(range(size + 1), 2))


@pytest.mark.parametrize(("taps", "spread", "step", "offset"), WINDOWS)
def test_windows_touch_what_their_taps_fall_on(taps: int, spread: int, step: int, offset: int) -> None:
    touches = of_windows(taps, spread, step, offset)
    axis = Axis.affine(INPUTS, OUTPUTS, step=step, offset=offset, taps=taps, spread=spread)
    assert (axis.outputs, axis.size) == (OUTPUTS, INPUTS)
    for span in spans(OUTPUTS):
        assert axis.back(span) == ends(touches[slice(*span)].any(0))
    for span in spans(INPUTS):
        start, stop = axis.forth(span)
        reached = ends(touches[:, slice(*span)].any(1))
        assert hull((start, stop), reached) == (start, stop)  # never less
        if spread == 1:
            assert (start, stop) == reached


@pytest.mark.parametrize(("taps", "spread", "step", "offset"), WINDOWS)
def test_a_transposed_convolution_is_one_the_other_way_round(taps: int, spread: int, step: int, offset: int) -> None:
    touches = of_windows(taps, spread, step, offset).T  # from OUTPUTS inputs to INPUTS outputs
    axis = Axis.transposed(OUTPUTS, INPUTS, step=step, offset=offset, taps=taps, spread=spread)
    assert (axis.outputs, axis.size) == (INPUTS, OUTPUTS)
    for span in spans(INPUTS):
        assert axis.back(span) == ends(touches[slice(*span)].any(0))


def test_a_matrix_is_taken_as_it_is() -> None:
    touches = np.random.default_rng(0).random((11, 8)) < 0.2
    axis = Axis.of_matrix(touches)
    for span in spans(11):
        assert axis.back(span) == ends(touches[slice(*span)].any(0))
    nothing = Axis.of_matrix(np.zeros((3, 4), bool))
    assert nothing.back((0, 3)) == nothing.forth((0, 4)) == EMPTY


def test_everywhere_and_between() -> None:
    axis = Axis.everywhere(5, 3)
    assert axis.back((1, 2)) == (0, 5)
    assert axis.forth((4, 5)) == (0, 3)
    some = Axis.between(1, 3, 5, 4)
    assert some.back((0, 1)) == some.back((0, 4)) == (1, 3)
    assert some.forth((0, 1)) == some.forth((3, 5)) == EMPTY
    assert some.forth((2, 4)) == (0, 4)


def test_nothing_reaches_nothing() -> None:
    axis = Axis.affine(9, 9, step=1, offset=-1, taps=3)
    assert axis.forth(EMPTY) == axis.forth((4, 4)) == EMPTY


def test_spans_are_sets_of_indices() -> None:
    for a, b in product(spans(5), repeat=2):
        common = set(range(*a)) & set(range(*b))
        assert set(range(*intersect(a, b))) == common
        assert hull(a, b) == (min(a[0], b[0]), max(a[1], b[1]))
        assert hull(EMPTY, b) == hull(b, EMPTY) == b
    assert intersect((0, 2), (2, 4)) == EMPTY
