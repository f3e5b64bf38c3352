"""FRRN as its formulas stand in the paper: every unit pools the full stream, and adds to the full stream."""

import torch
import torch.nn.functional as F
from torch import Tensor

from segdepth.networks.frrn import FRRN

__all__ = ["check_frrn"]


def check_frrn(net: FRRN, *, chained: bool) -> None:
    """Its answers and gradients are the plain form's, in a training step.

    Args:
        net: in float64.
        chained: whether a unit reads the pooling stream that the one before it made, or the one that entered the stage.
    """
    x = torch.randn(2, 3, 64, 96, dtype=torch.float64, requires_grad=True)
    ours, plain = net.raw(x), _plain(net, x, chained=chained)
    torch.testing.assert_close(ours, plain, rtol=1e-9, atol=1e-9)
    weights = torch.randn_like(plain)
    inputs = [x, *net.parameters()]
    for mine, want in zip(
        torch.autograd.grad((ours * weights).sum(), inputs),
        torch.autograd.grad((plain * weights).sum(), inputs),
        strict=True,
    ):
        torch.testing.assert_close(mine, want, rtol=1e-6, atol=1e-9)


def _plain(net: FRRN, x: Tensor, *, chained: bool) -> Tensor:
    y = net.before(net.stem(x))
    z = net.split(y)
    finest_first = list(enumerate(net.down, start=1))
    coarse_to_fine = list(enumerate(net.up, start=1))[::-1]
    for direction, stages in (("down", finest_first), ("up", coarse_to_fine)):
        for level, stage in stages:
            y = F.max_pool2d(y, 2) if direction == "down" else _enlarge(y)
            entered, scale = y, 2**level
            for unit in stage:
                y, change = unit(y if chained else entered, F.max_pool2d(z, scale))
                z = z + F.interpolate(change, scale_factor=scale, mode="nearest")
    return net.end(torch.cat([_enlarge(y), z], 1))


def _enlarge(y: Tensor) -> Tensor:
    return F.interpolate(y, scale_factor=2, mode="bilinear", align_corners=True)
