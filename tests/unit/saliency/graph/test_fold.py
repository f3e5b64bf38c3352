"""Batch norm goes into the convolution before it where nobody else reads that, and nowhere else."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segdepth.saliency.apart import structure
from segdepth.saliency.graph.operations.convolution import Convolution
from segdepth.saliency.graph.operations.scale import Scale


class Net(nn.Module):
    """A convolution, something in between, a batch norm, and perhaps another reader."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how, self.conv, self.norm = how, nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.other, self.last = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 2, 1)
        self.two, self.more = nn.Conv2d(3, 2, 3, padding=1), nn.Conv2d(3, 2, 1)
        for tensor in (self.norm.weight, self.norm.running_var):
            nn.init.uniform_(tensor, 0.5, 2.0)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        if self.how == "shuffled":
            return self.last(self.norm(F.channel_shuffle(y, 2)).tanh())
        if self.how == "concatenated":
            return self.last(self.norm(torch.cat([self.two(x), self.more(x)], 1)).tanh())
        if self.how == "of a sum":
            return self.last(self.norm(y + self.other(x)).tanh())
        if self.how == "after a function":
            return self.last(self.norm(y.tanh()).tanh())
        normed = self.norm(y).tanh()
        return self.last(normed + y.sigmoid() if self.how == "read twice" else normed)


def nodes_of(how: str) -> tuple[Net, list[Convolution], list[Scale]]:
    net = Net(how).double().eval()
    nodes = structure(net, net, torch.rand(3, 7, 8, dtype=torch.float64)).nodes
    assert all(value < index for index, node in enumerate(nodes) for value in node.inputs)
    used = {value for node in nodes for value in node.inputs} | {len(nodes) - 1}
    assert used == set(range(len(nodes)))  # nothing is left that nobody reads
    return (
        net,
        [node for node in nodes if isinstance(node, Convolution)],
        [node for node in nodes if isinstance(node, Scale)],
    )


def factors_of(net: Net) -> Tensor:
    return (net.norm.weight / (net.norm.running_var + net.norm.eps).sqrt()).detach()


def weights(node: Convolution) -> Tensor:
    """With whatever factors it was given, as the gradient's way back uses them."""
    g = torch.eye(4, dtype=torch.float64)[:, :, None, None]
    box, part = ((3, 4), (3, 4)), ((2, 5), (2, 5))
    return node.gradient(g, box, 0, part, node.lay_out())


@pytest.mark.parametrize("how", ["plain", "shuffled"])
def test_factors_go_into_the_weights(how: str) -> None:
    net, (first, *_), scales = nodes_of(how)
    assert scales == []
    factors = factors_of(net)
    if how == "shuffled":
        order = [0, 2, 1, 3]
        factors = torch.stack([factors[order.index(channel)] for channel in range(4)])
    expected = net.conv.weight.detach() * factors[:, None, None, None]
    torch.testing.assert_close(weights(first), expected)


def test_parts_of_a_concatenation_take_theirs() -> None:
    net, (first, second, _), scales = nodes_of("concatenated")
    assert scales == []
    expected = net.two.weight.detach() * factors_of(net)[:2, None, None, None]
    torch.testing.assert_close(first._scaled_weight, expected)
    expected = net.more.weight.detach() * factors_of(net)[2:, None, None, None]
    torch.testing.assert_close(second._scaled_weight, expected)


@pytest.mark.parametrize("how", ["read twice", "after a function", "of a sum"])
def test_where_another_reads_the_value_they_stay(how: str) -> None:
    net, _, scales = nodes_of(how)
    assert len(scales) == 1
    torch.testing.assert_close(scales[0].factors, factors_of(net))
