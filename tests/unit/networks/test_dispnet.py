"""DispNet: inverse depth inside, metres outside."""

import torch

from segdepth.networks.dispnet import DispNet
from segdepth.networks.outputs import InverseDepth


def test_metres_are_the_inverse_of_the_disparity() -> None:
    net = DispNet(1, "depth", width=0.125).eval()
    x = torch.randn(1, 3, 37, 50)
    with torch.no_grad():
        metres, disparity = net(x), net.disparity(x)
    torch.testing.assert_close(metres, 1 / disparity)
    assert (disparity > InverseDepth.BETA).all()
    assert (disparity < InverseDepth.ALPHA + InverseDepth.BETA).all()


def test_logits_are_linear() -> None:
    with torch.no_grad():
        assert (DispNet(5, "logits", width=0.125).eval()(torch.randn(1, 3, 64, 64)) < 0).any()


def test_half_precision_stays_half_inside() -> None:
    net = DispNet(1, "depth", width=0.125).eval().bfloat16()
    with torch.no_grad():
        y = net(torch.randn(1, 3, 64, 64, dtype=torch.bfloat16))
    assert y.dtype == torch.float32  # the output is computed in float32
    assert y.isfinite().all()
