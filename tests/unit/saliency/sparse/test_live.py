"""Which units can carry a gradient, against the gradients that autograd makes of every output."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segdepth.saliency.apart import take_apart
from segdepth.saliency.boxes import Reach
from segdepth.saliency.graph import Box, Graph
from segdepth.saliency.graph.operations.max_pool import MaxPool
from segdepth.saliency.graph.operations.pointwise import Pointwise
from segdepth.saliency.sparse.live import LiveUnits, first_rows, live_units

HEIGHT, WIDTH = 10, 12
WHOLE = ((0, HEIGHT), (0, WIDTH))


class Net(nn.Module):
    """ReLUs, a max pooling and a resize; each value keeps its gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.last = (
            nn.Conv2d(2, 6, 3, padding=1),
            nn.Conv2d(6, 6, 3, padding=1),
            nn.Conv2d(6, 2, 1),
        )
        for conv in (self.first, self.second):
            nn.init.uniform_(conv.bias, -0.8, 0.2)  # some channels are mostly off

    def values(self, x: Tensor) -> list[Tensor]:
        values = [self.first(x)]
        values.append(values[-1].relu())
        values.append(F.max_pool2d(values[-1], 2))
        values.append(self.second(values[-1]))
        values.append(values[-1].relu())
        values.append(self.last(values[-1]))
        values.append(F.interpolate(values[-1], scale_factor=2, mode="nearest"))
        return values

    def forward(self, x: Tensor) -> Tensor:
        return self.values(x)[-1]


@pytest.fixture(scope="module")
def net() -> Net:
    torch.manual_seed(0)
    return Net().double().eval()


@pytest.fixture(scope="module")
def image() -> Tensor:
    return torch.randn(2, HEIGHT, WIDTH, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def graph(net: Net, image: Tensor) -> Graph:
    return take_apart(net, net, image)


def mask(units: LiveUnits, channels: int) -> np.ndarray:
    """The lists as an array ``[c, h, w]``."""
    found = np.zeros((*units.size, channels), bool)
    for position in range(units.size[0] * units.size[1]):
        listed = units.channels[units.start[position] : units.start[position + 1]]
        assert (np.diff(listed.astype(int)) > 0).all()
        found.reshape(-1, channels)[position, listed] = True
    return found.transpose(2, 0, 1)


def lists(graph: Graph, image: Tensor, window: Box = WHOLE) -> dict[int, np.ndarray]:
    _, state = graph.forward(image)
    last = len(graph.nodes) - 1
    found = live_units(graph, state, last, set(range(last + 1)), Reach(graph, window).cone)
    return {index: mask(units, graph.nodes[index].shape[0]) for index, units in found.items()}


def before_relus(graph: Graph) -> list[int]:
    """The values of which units may be off."""
    return [node.inputs[0] for node in graph.nodes if isinstance(node, Pointwise)]


def test_before_a_relu_those_are_live_that_are_on_and_win(net: Net, image: Tensor, graph: Graph) -> None:
    """By hand: a unit carries a gradient if its ReLU is on, and if the pooling after it takes it."""
    live = lists(graph, image)
    with torch.no_grad():
        first, on, pooled, second, *_ = net.values(image[None])
    places = F.max_pool2d(on, 2, return_indices=True)[1][0].flatten(1)
    wins = torch.zeros(6, HEIGHT * WIDTH, dtype=torch.bool).scatter_(1, places, True).view(6, HEIGHT, WIDTH)
    relus = before_relus(graph)
    assert len(relus) == 2
    expected = {(6, HEIGHT, WIDTH): (first[0] > 0) & wins, (6, HEIGHT // 2, WIDTH // 2): second[0] > 0}
    for value in relus:
        np.testing.assert_array_equal(live[value], expected[graph.nodes[value].shape])
    (pooling,) = (index for index, node in enumerate(graph.nodes) if isinstance(node, MaxPool))
    np.testing.assert_array_equal(live[pooling], pooled[0] > 0)  # what is 0 here comes from nowhere


def test_no_gradient_is_lost(net: Net, image: Tensor, graph: Graph) -> None:
    """Autograd's gradients of the values before the ReLUs stand in the lists, whatever is explained."""
    live = lists(graph, image)
    x = image[None].clone().requires_grad_()
    values = net.values(x)
    for value in (values[0], values[3]):
        seen = torch.zeros_like(value[0], dtype=torch.bool)
        for channel, r, c in np.ndindex(2, HEIGHT, WIDTH):
            seen |= torch.autograd.grad(values[-1][0, channel, r, c], value, retain_graph=True)[0][0].ne(0)
        shape = tuple(value.shape[1:])
        (index,) = (k for k in before_relus(graph) if graph.nodes[k].shape == shape)
        assert not (seen.numpy() & ~live[index]).any()
        assert seen.numpy().sum() > 0.9 * live[index].sum()


def test_the_ends_are_whole(graph: Graph, image: Tensor) -> None:
    live = lists(graph, image)
    assert live[0].all()
    assert live[len(graph.nodes) - 1].all()


def test_what_the_window_does_not_reach_is_not_listed(graph: Graph, image: Tensor) -> None:
    window = ((0, 3), (9, 12))
    whole, some = lists(graph, image), lists(graph, image, window)
    for index, (rows, columns) in enumerate(Reach(graph, window).cone):
        inside = np.zeros(some[index].shape[1:], bool)
        inside[slice(*rows), slice(*columns)] = True
        np.testing.assert_array_equal(some[index], whole[index] & inside)


def test_rows_are_numbered_inside_a_box() -> None:
    dice = np.random.default_rng(0)
    counts = dice.integers(0, 4, (5, 7))
    start = np.concatenate([[0], counts.flatten().cumsum()])
    box = ((1, 4), (2, 7))
    expected = np.concatenate([[0], counts[1:4, 2:7].flatten().cumsum()])
    np.testing.assert_array_equal(first_rows(start, 7, box), expected)
    np.testing.assert_array_equal(first_rows(start, 7, ((2, 2), (0, 7))), [0])
