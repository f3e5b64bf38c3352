"""A network as a graph: what it answers, what it holds, and that changed weights are refused."""

import pytest
import torch
from torch import Tensor, nn

from segdepth.core.errors import InputError
from segdepth.saliency.apart import take_apart
from segdepth.saliency.graph import Graph
from segdepth.saliency.graph import graph as graph_module
from segdepth.saliency.graph.operations.node import Node


@pytest.fixture
def image() -> Tensor:
    return torch.rand(3, 8, 9, dtype=torch.float64)


def network(*between: nn.Module) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), *between, nn.Conv2d(4, 2, 1)).double().eval()


def graph_of(net: nn.Module, image: Tensor) -> Graph:
    return take_apart(net, net, image)


def weight_of(node: Node) -> Tensor:
    return node.weight


@pytest.mark.parametrize("between", [(nn.ReLU(),), (nn.Softmax(dim=1), nn.ReLU()), (nn.MaxPool2d(2), nn.Tanh())])
def test_it_answers_what_the_network_does_at_any_picture(between: tuple[nn.Module, ...], image: Tensor) -> None:
    net = network(*between)
    graph = graph_of(net, image)
    for one in (image, torch.rand_like(image)):
        output, _ = graph.forward(one)
        with torch.no_grad():
            torch.testing.assert_close(output, net(one[None])[0])
        assert not output.requires_grad


def test_the_picture_it_was_made_at_is_known_to_the_first_who_asks(
    image: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, runs = graph_of(network(nn.ReLU()), image), []
    run = graph_module._Forward.run
    monkeypatch.setattr(graph_module._Forward, "run", lambda self, *given: runs.append(1) or run(self, *given))
    first, state = graph.forward(image)
    assert runs == []
    again, other = graph.forward(image)
    assert runs == [1]
    assert torch.equal(first, again)
    assert state.keys() == other.keys()
    copied = graph_of(network(nn.ReLU()), image)
    copied.forward(image.clone())  # another tensor may hold other numbers
    assert runs[1:]


def test_what_is_made_of_a_node_is_made_once(image: Tensor) -> None:
    graph = graph_of(network(nn.ReLU()), image)
    made: list[int] = []

    def prepare(node: Node, factor: int) -> Tensor:
        made.append(factor)
        return weight_of(node) * factor

    assert graph.prepared(1, prepare, 2) is graph.prepared(1, prepare, 2)
    graph.prepared(1, prepare, 3)
    assert made == [2, 3]


def test_weights_that_changed_before_they_were_laid_out_are_refused(image: Tensor) -> None:
    net = network(nn.ReLU())
    graph = graph_of(net, image)
    laid_out = graph.prepared(1, weight_of)
    net[0].weight.data[0, 0, 0, 0] += 1  # behind PyTorch's back
    net[2].weight.data.mul_(2)
    assert graph.prepared(1, weight_of) is laid_out  # is known already
    with pytest.raises(InputError, match=r"a weight holds other values; call at\(image\) again"):
        graph.prepared(3, weight_of)


def test_blocks_are_what_autograd_takes_back(image: Tensor) -> None:
    assert graph_of(network(nn.ReLU()), image).blocks == []
    (block,) = graph_of(network(Sorted()), image).blocks
    assert any("sort" in str(node.target) for node in block.members)


class Sorted(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.sort(dim=3)[0]


class Twice(torch.autograd.Function):
    """A custom function, which may be given anything."""

    @staticmethod
    def forward(ctx: object, x: Tensor, holder: object) -> Tensor:
        return 2 * x

    @staticmethod
    def backward(ctx: object, g: Tensor) -> tuple[Tensor, None]:
        return 2 * g, None


class Calls(nn.Module):
    def __init__(self, itself: bool) -> None:
        super().__init__()
        self.itself = itself

    def forward(self, x: Tensor) -> Tensor:
        return Twice.apply(x, self if self.itself else 3)


@pytest.mark.parametrize("itself", [True, False])
def test_who_is_given_an_object_may_hold_the_network(itself: bool, image: Tensor) -> None:
    assert graph_of(network(Calls(itself)), image).holds_others == itself


def test_gradients_may_be_added_where_nothing_looks_at_them(image: Tensor) -> None:
    plain = graph_of(network(nn.ReLU()), image)
    assert plain.is_linear(plain.forward(image)[1])
    called = graph_of(network(Calls(False)), image)
    assert not called.is_linear(called.forward(image)[1])
