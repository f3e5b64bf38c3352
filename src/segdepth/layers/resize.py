"""Bilinear resizing inside the networks."""

from collections.abc import Sequence

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

__all__ = ["resize_bilinear"]


def resize_bilinear(x: Float[Tensor, "b c _h _w"], size: Sequence[int]) -> Float[Tensor, "b c h w"]:
    """``x`` at ``size`` (rows, columns), corners aligned, as all networks but FCN want it.

    ``x`` itself where it has that size.
    """
    if tuple(x.shape[-2:]) == tuple(size):
        return x
    return F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=True)
