"""Labels: which class is this pixel?"""

import numpy as np
from jaxtyping import Int64, UInt8
from numpy import ndarray

from .kind import Kind

__all__ = ["IGNORE", "Labels"]

#: The train id of pixels that belong to no class.
IGNORE = 255


class Labels(Kind):
    """Train ids, uint8 ``[h, w]``."""

    name = "labels"
    void = IGNORE

    def target(self, truth: UInt8[ndarray, "h w"]) -> Int64[ndarray, "h w"]:
        """See :meth:`Kind.target`."""
        return truth.astype(np.int64)
