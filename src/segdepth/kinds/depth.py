"""Depth: how far is this pixel, along the camera's axis, in metres?"""

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from segdepth.geometry.projection import nearest_point

from .kind import Kind

__all__ = ["Depth"]


class Depth(Kind):
    """Metres, float32 ``[h, w]``; 0 = no measurement."""

    name = "depth"
    void = 0

    def resized(
        self, truth: Float32[ndarray, "_h _w"], size: tuple[int, int], *, points: bool = False
    ) -> Float32[ndarray, "rows columns"]:
        """See :meth:`Kind.resized`. Metres stay what they are; of single points each pixel keeps its nearest."""
        return nearest_point(truth, size) if points and truth.shape != size else super().resized(truth, size)

    def nearer(self, truth: Float32[ndarray, "h w"], factor: float) -> Float32[ndarray, "h w"]:
        """See :meth:`Kind.nearer`."""
        return truth / np.float32(factor)

    def target(self, truth: Float32[ndarray, "h w"]) -> Float32[ndarray, "1 h w"]:
        """See :meth:`Kind.target`."""
        return np.ascontiguousarray(truth)[None]
