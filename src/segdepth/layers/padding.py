"""Padding to the sizes at which a network's strides come out even."""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

__all__ = ["pad_to_multiple"]


def pad_to_multiple(x: Float[Tensor, "b c _h _w"], multiple: int, remainder: int = 0) -> Float[Tensor, "b c h w"]:
    """``x`` with zeros at the bottom and the right until ``h`` and ``w`` are ``remainder`` modulo ``multiple``.

    Zeros, which every convolution sees beyond a border anyway, rather than copies of the last row and column: the
    gradients of copies add up in the original, so edge pixels would look several times more salient than they are.

    Example:
        >>> import torch
        >>> pad_to_multiple(torch.ones(1, 3, 37, 50), 16).shape
        torch.Size([1, 3, 48, 64])
        >>> pad_to_multiple(torch.ones(1, 3, 37, 50), 8, remainder=1).shape
        torch.Size([1, 3, 41, 57])
    """
    # no negative number is divided: ONNX rounds it towards zero, Python down
    height, width = ((side - remainder + multiple - 1) // multiple * multiple + remainder for side in x.shape[-2:])
    return F.pad(x, (0, width - x.shape[-1], 0, height - x.shape[-2]))
