"""The tile of noise: the same bits everywhere, without a seam."""

import hashlib

import numpy as np
import pytest

from segdepth.data.synthetic.noise import SIZE, _doubled, noise_tile


def test_its_bits_are_known() -> None:
    """A change of these changes every make-believe picture."""
    tile = noise_tile()
    assert (tile.shape, tile.dtype) == ((SIZE, SIZE), np.float32)
    assert (tile.min(), tile.max()) == (0, 1)
    digest = hashlib.sha256(tile.tobytes()).hexdigest()[:12]
    assert digest == "3c0422d3818d"


def test_nobody_writes_to_it() -> None:
    assert noise_tile() is noise_tile()
    with pytest.raises(ValueError, match="read-only"):
        noise_tile()[0, 0] = 1


@pytest.mark.parametrize("axis", [0, 1])
def test_it_repeats_without_a_seam(axis: int) -> None:
    tile = np.moveaxis(noise_tile(), axis, 0)
    steps = np.abs(np.diff(tile, axis=0)).mean()
    assert np.abs(tile[0] - tile[-1]).mean() < 1.2 * steps


def test_twice_the_size_is_interpolated_around_the_border() -> None:
    values = np.array([[0.0, 4.0], [8.0, 2.0]])
    np.testing.assert_array_equal(_doubled(values), [[0, 2, 4, 2], [4, 3.5, 3, 3.5], [8, 5, 2, 5], [4, 3.5, 3, 3.5]])
