"""What every kind of truth promises, and what is each one's own."""

import numpy as np
import pytest
from numpy import ndarray

from segdepth.kinds import KINDS

SIZE = (6, 9)
#: Numbers at a pixel, where they are several.
VALUES = {"normals": (3,)}


def truth_of(name: str) -> ndarray:
    """Numbers that a truth of this kind may have, with some that are not known."""
    kind = KINDS[name]
    values = VALUES.get(name, ())
    truth = 1 + np.arange(np.prod((*SIZE, *values))).reshape(*SIZE, *values).astype(kind.dtype)
    truth[::2, ::3] = kind.void
    return truth


@pytest.mark.parametrize("name", KINDS)
def test_another_size_mixes_nothing(name: str) -> None:
    truth = truth_of(name)
    for size in (SIZE, (3, 4), (13, 20)):
        resized = KINDS[name].resized(truth, size)
        assert (resized.shape, resized.dtype) == ((*size, *VALUES.get(name, ())), truth.dtype)
        assert set(np.unique(resized)) <= set(np.unique(truth))
    assert KINDS[name].resized(truth, SIZE) is truth


@pytest.mark.parametrize("name", sorted(KINDS.keys() - VALUES))
def test_a_mirror_moves_pixels_and_leaves_their_values(name: str) -> None:
    truth = truth_of(name)
    np.testing.assert_array_equal(KINDS[name].turned(truth, np.diag([-1.0, 1.0])), truth)


@pytest.mark.parametrize("name", KINDS)
def test_what_is_not_known_is_not_known_in_the_mirror(name: str) -> None:
    kind, truth = KINDS[name], truth_of(name)
    np.testing.assert_array_equal(kind.turned(truth, np.diag([-1.0, 1.0])) == kind.void, truth == kind.void)


@pytest.mark.parametrize("name", KINDS)
def test_what_is_void_stays_void_nearer(name: str) -> None:
    kind, truth = KINDS[name], truth_of(name)
    np.testing.assert_array_equal(kind.nearer(truth, 2.0) == kind.void, truth == kind.void)


def test_targets_are_what_losses_compare_with() -> None:
    labels, depth = truth_of("labels"), truth_of("depth")
    assert (KINDS["labels"].target(labels).dtype, KINDS["labels"].target(labels).shape) == (np.int64, SIZE)
    assert (KINDS["depth"].target(depth).dtype, KINDS["depth"].target(depth).shape) == (np.float32, (1, *SIZE))
    mirrored = KINDS["depth"].target(depth[:, ::-1])  # negative strides, which torch refuses
    assert mirrored.flags["C_CONTIGUOUS"]


def test_depth_gets_nearer_and_labels_do_not() -> None:
    labels, depth = truth_of("labels"), truth_of("depth")
    np.testing.assert_array_equal(KINDS["depth"].nearer(depth, 2.0), depth / 2)
    assert KINDS["labels"].nearer(labels, 2.0) is labels


def test_single_points_are_not_lost_when_depth_shrinks() -> None:
    depth = np.zeros((4, 4), np.float32)
    depth[0, 0], depth[0, 1], depth[3, 3] = 9, 5, 7
    np.testing.assert_array_equal(KINDS["depth"].resized(depth, (2, 2), points=True), [[5, 0], [0, 7]])
