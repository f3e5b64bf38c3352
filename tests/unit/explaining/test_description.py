"""What a network is, in facts."""

import torch
from torch import nn

import segdepth
from segdepth.explaining.description import Coverage, describe_network
from segdepth.saliency import Part


def test_a_network_of_ours() -> None:
    net = segdepth.create_network("segnet", "depth", width=0.0625).eval()
    found = describe_network(net, (32, 64))
    assert (found.network, found.task, found.options) == ("segnet", "depth", {"width": 0.0625})
    assert found.parameters == sum(weight.numel() for weight in net.parameters())
    assert found.encoder == "encoder"
    assert 0 < found.encoder_parameters < found.parameters
    assert (found.channels, found.sizes, found.classes) == (1, "any", ())
    assert "metres" in found.meaning
    assert found.coverage.size == (32, 64)
    assert found.coverage.native > 0
    assert (found.coverage.blocks, found.coverage.whole) == ((), "")


class Odd(nn.Module):
    """An operation that no engine takes apart, between two that each does."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.first(x).cumsum(-1).cummax(-1).values)  # type: ignore[no-any-return]


def test_a_guest_with_a_block() -> None:
    net = segdepth.wrap(Odd(), classes=("road", "rest"), size=16).eval()
    found = describe_network(net, (32, 64))
    assert found.sizes == "multiples of 16; others are filled up with zeros"
    assert (found.classes, found.encoder, found.weights) == (("road", "rest"), None, None)
    assert found.coverage.native >= 1
    ((block, count),) = found.coverage.blocks
    assert "cummax" in block or "cumsum" in block
    assert count == 1


def test_blocks_that_are_the_same_are_counted() -> None:
    parts = [Part("a", "sort", "block", "")] * 2 + [Part("", "conv", "native", ""), Part("", "", "whole", "because")]
    assert Coverage.of(parts, (32, 32)) == Coverage((32, 32), 1, (("a: sort", 2),), "because")
