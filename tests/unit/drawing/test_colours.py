import matplotlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from segdepth.core.errors import InputError
from segdepth.drawing import (
    colour_depth,
    colour_distance,
    colour_labels,
    colour_map,
    colour_saliency,
    enlarge_points,
)


@pytest.mark.parametrize("name", ["magma", "inferno", "viridis", "plasma", "gray"])
def test_the_tables_are_those_everybody_knows(name: str) -> None:
    known = np.rint(255 * matplotlib.colormaps[name](np.arange(256))[:, :3])
    assert np.abs(colour_map(name) - known).max() <= 1


def test_a_shared_table_cannot_be_spoilt() -> None:
    with pytest.raises(ValueError, match="read-only"):
        colour_map("magma")[0] = 0


def test_labels_get_their_colours_and_the_rest_is_black() -> None:
    labels = np.array([[0, 1], [2, 255]], np.uint8)
    drawn = colour_labels(labels, [(1, 2, 3), (4, 5, 6)])
    np.testing.assert_array_equal(drawn, [[[1, 2, 3], [4, 5, 6]], [[0, 0, 0], [0, 0, 0]]])
    assert drawn.dtype == np.uint8


def test_near_is_bright_far_is_dark_and_nothing_is_black() -> None:
    depth = np.array([[1.0, 2.0, 4.0, 80.0, 0.0, -1.0, np.nan, np.inf]])
    drawn = colour_depth(depth).astype(int).sum(axis=2)[0]
    assert (np.diff(drawn[:4]) < 0).all()
    assert drawn[3] > 0
    assert not drawn[4:].any()


def test_limits_make_pictures_comparable() -> None:
    one, other = np.array([[2.0, 5.0]]), np.array([[5.0, 50.0]])
    limits = {"min_depth": 1.0, "max_depth": 80.0}
    np.testing.assert_array_equal(colour_depth(one, **limits)[0, 1], colour_depth(other, **limits)[0, 0])
    assert (colour_depth(one)[0, 1] != colour_depth(other)[0, 0]).any()
    ends = colour_depth(np.array([[0.5, 1.0, 80.0, 100.0]]), **limits)[0]
    np.testing.assert_array_equal(ends, colour_map("magma")[[255, 255, 0, 0]])


def test_the_scale_ends_at_the_95th_percentile_of_inverse_depth() -> None:
    inverse = np.arange(1.0, 101.0)
    drawn = colour_depth((1 / inverse)[None], colours="gray")[0, :, 0]
    expected = np.clip((inverse - 1) / (np.percentile(inverse, 95) - 1), 0, 1)
    np.testing.assert_array_equal(drawn, np.rint(255 * expected))


@pytest.mark.parametrize("depth", [np.zeros((3, 4)), np.full((3, 4), 7.0)])
def test_depth_of_one_value_is_drawn(depth: np.ndarray) -> None:
    drawn = colour_depth(depth)
    assert drawn.shape == (3, 4, 3)
    assert drawn.any() == depth.any()


@pytest.mark.parametrize("limits", [(0.0, 10.0), (10.0, 1.0), (1.0, -1.0)])
def test_limits_that_are_none_are_refused(limits: tuple[float, float]) -> None:
    with pytest.raises(InputError, match="m"):
        colour_depth(np.ones((2, 2)), *limits)


def test_one_limit_beyond_the_picture_is_fine() -> None:
    assert (colour_depth(np.full((1, 2), 5.0), min_depth=10.0) == colour_map("magma")[255]).all()


def test_saliency_starts_at_0_and_is_clipped() -> None:
    saliency = np.concatenate([np.zeros(100), np.linspace(0.01, 1, 100), [1e6]])[None]
    drawn = colour_saliency(saliency, clip=90.0, colours="gray")[0, :, 0]
    assert not drawn[:100].any()
    assert (np.diff(drawn.astype(int)) >= 0).all()
    assert (drawn[-11:] == 255).all()
    assert drawn[150] > 100
    assert not colour_saliency(saliency, clip=100.0, colours="gray")[0, 150].any()


def test_an_empty_saliency_map_is_dark() -> None:
    assert (colour_saliency(np.zeros((2, 3))) == colour_map("inferno")[0]).all()


def test_a_clip_that_is_no_percentile_is_refused() -> None:
    with pytest.raises(InputError, match="101"):
        colour_saliency(np.zeros((2, 3)), clip=101.0)


@given(arrays(np.float32, (3, 4), elements=st.floats(width=32)))
@settings(deadline=None, max_examples=60)
@pytest.mark.filterwarnings("error")
def test_any_numbers_can_be_drawn(values: np.ndarray) -> None:
    assert colour_depth(values).shape == (3, 4, 3)
    assert colour_saliency(values).shape == (3, 4, 3)


def test_distances_are_red_to_blue_by_doublings_and_never_dark() -> None:
    depth = np.array([[1.0, 3.0, 13.416, 60.0, 500.0, 0.0, np.nan]], np.float32)
    picture = colour_distance(depth)[0].astype(int)
    np.testing.assert_array_equal(picture[0], picture[1])
    np.testing.assert_array_equal(picture[3], picture[4])
    assert picture[1].argmax() == 0, "red"
    assert picture[2].argmax() == 1, "green: the middle of 3 and 60 m by their logarithms"
    assert picture[3].argmax() == 2, "blue"
    assert picture[:5].max(axis=1).min() > 120
    assert not picture[5:].any()
    with pytest.raises(InputError, match="near < far"):
        colour_distance(depth, 5, 5)


def test_points_are_enlarged_and_the_near_one_is_on_top() -> None:
    depth = np.zeros((5, 7), np.float32)
    depth[2, 2], depth[2, 4] = 10, 20
    expected = np.zeros_like(depth)
    expected[1:4, 1:4], expected[1:4, 4:6] = 10, 20
    np.testing.assert_allclose(enlarge_points(depth, 3), expected, rtol=1e-6)
