"""FRRN: the residual stream that is never touched at full resolution gives what the paper's formulas give."""

from typing import Literal

import pytest
import torch
import torch.nn.functional as F
from jaxtyping import TypeCheckError
from torch import Tensor

from segdepth.core.errors import ConfigError
from segdepth.networks.frrn import FRRN


def slow(net: FRRN, x: Tensor) -> Tensor:
    """Every unit pools the full stream, and adds to the full stream."""
    y = net.before(net.stem(x))
    z = net.split(y)
    finest_first = list(enumerate(net.down, start=1))
    coarse_to_fine = list(enumerate(net.up, start=1))[::-1]
    for direction, stages in (("down", finest_first), ("up", coarse_to_fine)):
        for level, stage in stages:
            y = F.max_pool2d(y, 2) if direction == "down" else enlarge(y)
            entered, scale = y, 2**level
            for unit in stage:
                y, change = unit(entered if net.legacy else y, F.max_pool2d(z, scale))
                z = z + F.interpolate(change, scale_factor=scale, mode="nearest")
    return net.head(net.after(net.merge(torch.cat([enlarge(y), z], 1))))


def enlarge(y: Tensor) -> Tensor:
    return F.interpolate(y, scale_factor=2, mode="bilinear", align_corners=True)


@pytest.mark.parametrize("model_type", ["A", "B"])
@pytest.mark.parametrize("legacy", [False, True])
def test_equals_the_plain_form(model_type: Literal["A", "B"], legacy: bool) -> None:
    net = FRRN(4, "logits", model_type=model_type, legacy=legacy, width=0.25).double()
    x = torch.randn(2, 3, 64, 96, dtype=torch.float64, requires_grad=True)
    ours, plain = net.raw(x), slow(net, x)  # batch norm of a training step
    torch.testing.assert_close(ours, plain, rtol=1e-9, atol=1e-9)
    weights = torch.randn_like(plain)
    inputs = [x, *net.parameters()]
    for mine, want in zip(
        torch.autograd.grad((ours * weights).sum(), inputs),
        torch.autograd.grad((plain * weights).sum(), inputs),
        strict=True,
    ):
        torch.testing.assert_close(mine, want, rtol=1e-6, atol=1e-9)


def test_pads_by_zeros_at_the_bottom_and_the_right() -> None:
    net = FRRN(2, "logits", width=0.25).eval()
    x = torch.randn(1, 3, 37, 50)
    with torch.no_grad():
        torch.testing.assert_close(net(x), net(F.pad(x, (0, 14, 0, 11)))[..., :37, :50])


def test_channels_are_the_papers() -> None:
    net = FRRN(19, "logits")
    assert [(len(stage), stage[0].conv1.out_channels) for stage in net.down] == [(3, 96), (4, 192), (2, 384), (2, 384)]
    assert [(len(stage), stage[0].conv1.out_channels) for stage in net.up] == [(2, 96), (2, 192), (2, 192)]
    assert net.down[0][1].conv1.in_channels == 96 + 32  # chained
    assert net.after[0].conv1.in_channels == 96 + 32
    assert net.head.kernel_size == (1, 1)


def test_an_unknown_variant_is_refused() -> None:
    # where the tests check annotations, they are the first to say so
    with pytest.raises((ConfigError, TypeCheckError), match="'C'"):
        FRRN(2, "logits", model_type="C")  # type: ignore[arg-type]
