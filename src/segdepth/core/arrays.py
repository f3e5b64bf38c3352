"""Arrays on disk."""

from pathlib import Path

import numpy as np
from numpy import ndarray

from .files import replacing

__all__ = ["write_npy"]


def write_npy(path: Path, array: ndarray) -> None:
    """Write an array to a ``.npy`` file, whole or not at all."""
    with replacing(path) as temporary:
        np.save(temporary, array)
