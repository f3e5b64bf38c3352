from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segdepth.core.errors import InputError
from segdepth.data.files import label_lookup, map_labels
from segdepth.data.labels import CITYSCAPES
from segdepth.geometry import resize_image, resize_nearest, shrink_averaged
from segdepth.kinds import IGNORE

SIZES = st.integers(1, 40)


@pytest.mark.parametrize("size", [(16, 52), (40, 130)])
def test_nearest_gives_the_golden_labels_and_depth(conformance, conformance_inputs, size):
    gold = np.load(conformance / "preprocess.npz")
    name = f"{size[0]}x{size[1]}"

    stored = resize_nearest(conformance_inputs.raw_label(825, 37, 124), size)
    labels = map_labels(stored, label_lookup(CITYSCAPES, void=range(256)), Path("label.png"))
    depth = resize_nearest(conformance_inputs.raw_depth(841, 37, 124), size)

    want = gold[f"kitti_seg_{name}_label"]
    np.testing.assert_array_equal(labels, np.where(want == 250, IGNORE, want))
    np.testing.assert_array_equal(depth, gold[f"kitti_depth_{name}_depth"][0])
    assert depth.dtype == np.float32


@settings(deadline=None, max_examples=50)
@given(h=SIZES, w=SIZES, rows=SIZES, cols=SIZES)
def test_nearest_copies_the_pixel_that_holds_the_centre(h, w, rows, cols):
    source = np.arange(h * w).reshape(h, w)

    out = resize_nearest(source, (rows, cols))

    want = [
        [source[(2 * i + 1) * h // (2 * rows), (2 * j + 1) * w // (2 * cols)] for j in range(cols)] for i in range(rows)
    ]
    np.testing.assert_array_equal(out, want)


@settings(deadline=None, max_examples=30)
@given(h=SIZES, w=SIZES, rows=SIZES, cols=SIZES)
def test_a_plain_picture_stays_plain_at_every_size(h, w, rows, cols):
    image = np.full((h, w, 3), (10, 128, 250), np.uint8)

    out = resize_image(image, (rows, cols))

    assert out.shape == (rows, cols, 3)
    assert out.dtype == np.uint8
    assert (out == (10, 128, 250)).all()


def test_shrinking_averages_areas():
    image = np.random.default_rng(0).integers(0, 256, (12, 20, 3), dtype=np.uint8)
    means = image.reshape(3, 4, 5, 4, 3).mean(axis=(1, 3))
    assert np.abs(resize_image(image, (3, 5)) - means).max() <= 0.5


def test_one_axis_shrinks_by_area_while_the_other_grows():
    image = np.zeros((8, 2, 3), np.uint8)
    image[::2] = 200  # every second row: any row skipped would show
    out = resize_image(image, (2, 6))
    assert (out == 100).all()


def test_the_same_size_returns_the_same_array():
    image = np.zeros((4, 5, 3), np.uint8)
    assert resize_image(image, (4, 5)) is image
    labels = image[..., 0]
    assert resize_nearest(labels, (4, 5)) is labels


@pytest.mark.parametrize("size", [(0, 3), (3, -1)])
def test_a_size_without_pixels_is_refused(size):
    with pytest.raises(InputError, match="at least 1"):
        resize_image(np.zeros((4, 5, 3), np.uint8), size)
    with pytest.raises(InputError, match="at least 1"):
        resize_nearest(np.zeros((4, 5)), size)


@pytest.mark.parametrize("size", [(4, 5), (4, 7), (12, 20)])
def test_a_map_that_shrinks_keeps_its_mean(size):
    values = np.random.default_rng(0).random((12, 20), dtype=np.float32)
    assert shrink_averaged(values, size).mean() == pytest.approx(values.mean(), rel=1e-5)
    if size == (4, 5):
        means = values.reshape(4, 3, 5, 4).mean(axis=(1, 3))
        np.testing.assert_allclose(shrink_averaged(values, size), means, rtol=1e-5)


def test_a_map_does_not_shrink_to_something_larger():
    with pytest.raises(InputError, match="larger than the map"):
        shrink_averaged(np.zeros((4, 5), np.float32), (4, 6))
