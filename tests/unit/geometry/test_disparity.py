import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from segdepth.geometry import (
    CITYSCAPES_BASELINE_M,
    CITYSCAPES_FOCAL_PX,
    cityscapes_disparity,
    depth_from_disparity,
    disparity_from_depth,
)


def test_cityscapes_depth_is_the_golden_map(conformance, conformance_inputs):
    disparity = cityscapes_disparity(conformance_inputs.raw_disparity(852, 48, 96))
    depth = depth_from_disparity(disparity, CITYSCAPES_FOCAL_PX, CITYSCAPES_BASELINE_M, max_depth=85.0)

    want = np.load(conformance / "preprocess.npz")["cityscapes_depth_full_48x96"]
    np.testing.assert_array_equal(depth > 0, want > 0)
    np.testing.assert_allclose(depth, want, rtol=1e-6)


def test_the_file_values_by_hand():
    png = np.array([[0, 1, 2, 257, 65535]], np.uint16)
    np.testing.assert_array_equal(cityscapes_disparity(png), [[0, 0, 1 / 256, 1, 65534 / 256]])
    assert cityscapes_disparity(png).dtype == np.float32


def test_no_disparity_and_too_far_have_no_depth():
    disparity = np.array([[-1.0, 0.0, 4.0, 5.0, 8.0]])
    depth = depth_from_disparity(disparity, focal_px=100.0, baseline_m=0.4, max_depth=10.0)
    np.testing.assert_array_equal(depth, np.array([[0, 0, 0, 8, 5]], np.float32))


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(0.0625, 300), min_size=1, max_size=20))
def test_there_and_back(values):
    disparity = np.array([values, [0.0] * len(values)])
    depth = depth_from_disparity(disparity, focal_px=700.0, baseline_m=0.54)
    np.testing.assert_allclose(disparity_from_depth(depth, 700.0, 0.54), disparity, rtol=1e-6)
