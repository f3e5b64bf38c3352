"""One tile of noise, the raw material of every texture."""

from functools import cache

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

__all__ = ["SIZE", "noise_tile"]

#: Rows and columns of the tile; a power of two, so that ``index & (SIZE - 1)`` repeats it.
SIZE = 512

# Cells across the tile of each octave, and its weight.
_OCTAVES = ((16, 1.0), (32, 0.75), (64, 0.5), (128, 0.375), (256, 0.25), (512, 0.25))


@cache
def noise_tile() -> Float32[ndarray, "512 512"]:
    """Value noise in six octaves that repeats without a seam, 0..1.

    Made with additions, halves and one division only, so that it has the same bits on every machine.
    """
    generator = np.random.Generator(np.random.PCG64(20120315))
    total = np.zeros((SIZE, SIZE))
    for cells, weight in _OCTAVES:
        octave = generator.integers(0, 256, (cells, cells)).astype(np.float64)
        while len(octave) < SIZE:
            octave = _doubled(octave)
        total += weight * octave
    total -= total.min()
    tile: ndarray = (total / total.max()).astype(np.float32)
    tile.flags.writeable = False
    return tile


def _doubled(values: ndarray) -> ndarray:
    """Twice the size by linear interpolation across the seams."""
    for axis in (0, 1):
        between = (values + np.roll(values, -1, axis=axis)) / 2
        rows, columns = values.shape
        shape = (2 * rows, columns) if axis == 0 else (rows, 2 * columns)
        values = np.stack([values, between], axis=axis + 1).reshape(shape)
    return values
