import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segdepth.core.errors import InputError
from segdepth.drawing import mark_pixel, mark_region, overlay


def test_colours_are_mixed_by_their_share() -> None:
    image, colours = np.full((2, 2, 3), 100, np.uint8), np.full((2, 2, 3), 200, np.uint8)
    assert (overlay(image, colours, alpha=0.25) == 125).all()
    assert (overlay(image, colours, alpha=0.0) == 100).all()
    assert (overlay(image, colours, alpha=1.0) == 200).all()


def test_elsewhere_the_picture_stays() -> None:
    image, colours = np.full((1, 2, 3), 100, np.uint8), np.full((1, 2, 3), 200, np.uint8)
    mixed = overlay(image, colours, where=np.array([[True, False]]))
    np.testing.assert_array_equal(mixed[0, :, 0], [150, 100])


@pytest.mark.parametrize("alpha", [-0.1, 1.1])
def test_a_share_that_is_none_is_refused(alpha: float) -> None:
    picture = np.zeros((1, 1, 3), np.uint8)
    with pytest.raises(InputError, match=str(alpha)):
        overlay(picture, picture, alpha=alpha)


@pytest.mark.parametrize("tone", [0, 90, 128, 255])
def test_the_mark_shows_on_any_grey_and_spares_the_pixel(tone: int) -> None:
    image = np.full((80, 120, 3), tone, np.uint8)
    marked = mark_pixel(image, 40, 60)
    changed = np.abs(marked.astype(int) - tone).max(axis=2) > 60
    assert 100 < changed.sum() < 1500
    assert (marked[40, 60] == tone).all()
    assert (image == tone).all()
    rows, cols = np.nonzero(changed)
    assert abs(rows.mean() - 40) < 1
    assert abs(cols.mean() - 60) < 1


@given(height=st.integers(1, 40), width=st.integers(1, 40), data=st.data())
@settings(deadline=None, max_examples=60)
def test_every_pixel_of_every_picture_can_be_marked(height: int, width: int, data: st.DataObject) -> None:
    row, col = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    image = np.full((height, width, 3), 77, np.uint8)
    marked = mark_pixel(image, row, col)
    assert marked.shape == image.shape
    if max(height, width) > 16:
        assert (marked != image).any()


@pytest.mark.parametrize(
    ("row", "col", "complaint"), [(-1, 0, "row must be 0..9"), (10, 0, "row"), (0, 20, "column must be 0..19")]
)
def test_a_pixel_outside_is_refused(row: int, col: int, complaint: str) -> None:
    with pytest.raises(InputError, match=rf"\({row}, {col}\) is outside the 10x20 image: .*{complaint}"):
        mark_pixel(np.zeros((10, 20, 3), np.uint8), row, col)


def test_a_framed_region_keeps_its_pixels() -> None:
    image = np.full((20, 30, 3), 100, np.uint8)
    marked = mark_region(image, 5, 8, 9, 15)
    assert (marked[5:9, 8:15] == 100).all()
    assert (marked[4, 7:16] == (0, 255, 0)).all()
    assert (image == 100).all()
    assert mark_region(image, 0, 0, 20, 30).shape == image.shape
