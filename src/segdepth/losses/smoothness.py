"""How much a map bends: the mean absolute second differences."""

from jaxtyping import Float
from torch import Tensor

__all__ = ["smoothness"]


def smoothness(depth: Float[Tensor, "b 1 h w"]) -> Float[Tensor, ""]:
    """Mean absolute second differences, ``|d2x| + |dy dx| + |dx dy| + |d2y|``; 0 for a plane.

    Args:
        depth: any unit; every position counts.

    Returns:
        A number in the unit of ``depth``.

    Source:
        Zhou et al. 2017, arXiv:1704.07813 (the L1 norm of the second-order gradients).

    Example:
        >>> import torch
        >>> smoothness(torch.arange(12.0).view(1, 1, 3, 4))
        tensor(0.)
    """
    dx = depth[..., 1:] - depth[..., :-1]
    dy = depth[..., 1:, :] - depth[..., :-1, :]
    dxx = dx[..., 1:] - dx[..., :-1]
    dyy = dy[..., 1:, :] - dy[..., :-1, :]
    dxy = dx[..., 1:, :] - dx[..., :-1, :]  # the same as dy dx: differences commute
    return _mean_abs(dxx) + 2 * _mean_abs(dxy) + _mean_abs(dyy)


def _mean_abs(x: Float[Tensor, "b 1 _h _w"]) -> Float[Tensor, ""]:
    return x.abs().sum() / max(x.numel(), 1)  # a map of one row has no second difference
