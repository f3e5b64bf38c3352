"""A graph that answers, or derives, otherwise than the network is found, whatever the size of its numbers."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from segdepth.saliency.agreement import wrong_derivative
from segdepth.saliency.apart import take_apart
from segdepth.saliency.graph import Graph


def network(scale: float = 1.0, dtype: torch.dtype = torch.float64) -> nn.Sequential:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Tanh(), nn.Conv2d(4, 2, 3, padding=1)).to(dtype).eval()
    with torch.no_grad():
        net[2].weight.mul_(scale)
        net[2].bias.mul_(scale)
    return net


@pytest.fixture
def image() -> Tensor:
    return torch.rand(3, 9, 10, dtype=torch.float64)


def said(graph: Graph, net: nn.Module, image: Tensor) -> str | None:
    return wrong_derivative(graph, graph.forward(image), net, image)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("scale", [1.0, 1e-20])
def test_of_a_right_graph_nothing_is_wrong(image: Tensor, dtype: torch.dtype, scale: float) -> None:
    net, picture = network(scale, dtype), image.to(dtype)
    graph = take_apart(net, net, picture)
    assert said(graph, net, picture) is None
    assert said(graph, net, torch.rand_like(picture)) is None


@pytest.mark.parametrize("scale", [1.0, 1e-20])
def test_weights_that_are_wrong_on_the_way_back_alone(image: Tensor, scale: float) -> None:
    net = network(scale, torch.float32)
    picture = image.float()
    graph = take_apart(net, net, picture)
    nodes = list(graph.nodes)
    nodes[1] = replace(nodes[1], weight=nodes[1].weight * 1.001)
    words = said(replace(graph, nodes=nodes, _digests=None, _prepared={}), net, picture)
    assert words is not None
    assert words.startswith("a derivative that PyTorch's autograd takes otherwise (relative difference 0.0")


def test_another_answer(image: Tensor) -> None:
    net = network()
    graph = take_apart(net, net, image)
    with torch.no_grad():
        net[2].bias.add_(1)
    assert said(graph, lambda x: net(x) + 1, image) == "an answer that the network itself gives otherwise"


class Detached(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.detach() * x


def test_an_answer_that_is_right_does_not_hide_a_derivative_that_is_not(image: Tensor) -> None:
    plain = nn.Sequential(nn.Conv2d(3, 2, 1), Square()).double().eval()
    graph = take_apart(plain, plain, image)
    detached = nn.Sequential(plain[0], Detached())
    assert said(graph, plain, image) is None
    words = said(graph, detached, image)
    assert words is not None
    assert "(relative difference 1)" in words  # twice as much


class Square(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * x


def test_where_nothing_depends_on_the_picture_zero_is_right(image: Tensor) -> None:
    net = nn.Sequential(nn.Conv2d(3, 2, 1), Zero()).double().eval()
    graph = take_apart(net, net, image)
    assert said(graph, net, image) is None


class Zero(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return 0 * x


def test_nothing_is_laid_out_for_good(image: Tensor) -> None:
    net = network()
    graph = take_apart(net, net, image)
    said(graph, net, image)
    assert graph._prepared == {}
