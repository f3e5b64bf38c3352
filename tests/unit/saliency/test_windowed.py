"""Tiles and their boxes: which targets go together, and what their gradients are."""

from collections.abc import Sequence

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segdepth.saliency import windowed
from segdepth.saliency.apart import take_apart
from segdepth.saliency.boxes import NOTHING, Boxes, Reach
from segdepth.saliency.graph import Graph
from segdepth.saliency.tail import Tail
from segdepth.saliency.windowed import GraphEngine, WindowedPass, lanes_of

HEIGHT, WIDTH = 24, 32
WHOLE = ((0, HEIGHT), (0, WIDTH))
GRID = [(r, c) for r in range(0, HEIGHT, 3) for c in range(0, WIDTH, 4)]


class Net(nn.Module):
    def __init__(self, ends: str) -> None:
        super().__init__()
        self.first, self.last, self.ends = nn.Conv2d(3, 5, 3, 2, 1), nn.Conv2d(5, 2, 3, padding=1), ends

    def forward(self, x: Tensor) -> Tensor:
        y = self.last(self.first(x).relu())
        y = F.interpolate(y, x.shape[-2:], mode="bilinear")
        return y.tanh() if self.ends == "a function" else y


class Counted:
    """A backward pass that notes how many targets it is given."""

    def __init__(self, inner: WindowedPass, lanes: int) -> None:
        self._inner, self.lanes, self.width, self.given = inner, lanes, 1, list[int]()

    def gradients(self, seeds: Tensor, boxes: Boxes) -> Tensor:
        self.given.append(len(seeds))
        return self._inner.gradients(seeds, boxes)


def picture() -> Tensor:
    return torch.rand(3, HEIGHT, WIDTH, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def apart(ends: str) -> tuple[Net, Graph]:
    torch.manual_seed(0)
    net = Net(ends).double().eval()
    return net, take_apart(net, net, picture())


def engine(
    graph: Graph, lanes: int, window: tuple[tuple[int, int], tuple[int, int]] = WHOLE
) -> tuple[GraphEngine, Counted]:
    output, state = graph.forward(picture())
    reach, tail = Reach(graph, window), Tail(graph, state)
    counted = Counted(WindowedPass(graph, state, tail.last, reach), lanes)
    return GraphEngine(output, counted, tail, reach), counted


def rows(net: nn.Module, pixels: Sequence[tuple[int, int]]) -> Tensor:
    x = picture()[None].requires_grad_()
    y = net(x)
    return torch.stack([torch.autograd.grad(y[0, 1, r, c], x, retain_graph=True)[0][0] for r, c in pixels])


def whole(one: GraphEngine, pixels: Sequence[tuple[int, int]]) -> Tensor:
    found, seen = torch.zeros(len(pixels), 3, HEIGHT, WIDTH, dtype=torch.float64), []
    for indices, (top_bottom, left_right), gradients in one.gradients(pixels, [1] * len(pixels)):
        found[indices, :, slice(*top_bottom), slice(*left_right)] = gradients
        seen += indices
    assert sorted(seen) == list(range(len(pixels)))
    return found


@pytest.mark.parametrize("lanes", [1, 7, 64])
def test_targets_go_in_tiles_of_the_pass_s_size(lanes: int) -> None:
    net, graph = apart("a function")
    one, counted = engine(graph, lanes)
    torch.testing.assert_close(whole(one, GRID), rows(net, GRID))
    assert max(counted.given) == lanes
    assert sum(counted.given) == len(GRID) == 64


@pytest.mark.parametrize("lanes", [4, 64])
def test_dense_targets_share_the_cells_before_the_resize(lanes: int) -> None:
    net, graph = apart("the resize")
    pixels = [(r, c) for r in range(HEIGHT) for c in range(WIDTH)]
    one, counted = engine(graph, lanes)
    torch.testing.assert_close(whole(one, pixels), rows(net, pixels))
    assert sum(counted.given) == HEIGHT // 2 * WIDTH // 2  # each cell once


def test_targets_that_are_far_apart_go_apart() -> None:
    net, graph = apart("a function")
    corners = [(0, 0), (0, WIDTH - 1), (HEIGHT - 1, 0), (HEIGHT - 1, WIDTH - 1)]
    one, counted = engine(graph, 64)
    torch.testing.assert_close(whole(one, corners), rows(net, corners))
    assert counted.given == [1, 1, 1, 1]
    one, counted = engine(graph, 64)
    whole(one, [(4, 4), (4, 8), (8, 4), (8, 8)])
    assert counted.given == [4]


def test_what_does_not_reach_the_window_takes_no_pass() -> None:
    net, graph = apart("a function")
    window, far = ((0, 4), (0, 4)), [(HEIGHT - 1, WIDTH - 1)]
    one, counted = engine(graph, 8, window)
    ((indices, box, gradients),) = one.gradients(far, [1])
    assert (indices, box, gradients.shape) == ([0], NOTHING, (1, 3, 0, 0))
    assert counted.given == []
    near = [(3, 3), (6, 2)]
    found, expected = whole(one, near), rows(net, near)
    torch.testing.assert_close(found[:, :, :4, :4], expected[:, :, :4, :4])
    assert not found[:, :, 4:].any()


def test_no_targets_nothing() -> None:
    _, graph = apart("a function")
    one, _ = engine(graph, 8)
    assert list(one.gradients([], [])) == []


def test_the_way_back_may_have_another_type() -> None:
    net, graph = apart("a function")
    output, state = graph.forward(picture())
    reach, tail = Reach(graph, WHOLE), Tail(graph, state)
    one = GraphEngine(output, WindowedPass(graph, state, tail.last, reach, torch.bfloat16), tail, reach)
    found, expected = whole(one, GRID), rows(net, GRID)
    assert found.dtype == torch.float64
    error = (found - expected).norm() / expected.norm()
    assert 1e-4 < error < 0.02


def test_lanes_keep_the_largest_layer_in_the_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    _, graph = apart("a function")
    reach = Reach(graph, WHOLE)
    values = [
        node.shape[0] * (rows[1] - rows[0]) * (columns[1] - columns[0]) * 8
        for node, (rows, columns) in zip(graph.nodes, reach.tile(1).values, strict=True)
    ]
    for lanes in (1, 5, 40):
        monkeypatch.setattr(windowed, "CPU_BYTES", lanes * max(values))
        assert lanes_of(graph, reach) == lanes
    monkeypatch.setattr(windowed, "CPU_BYTES", 0)
    assert lanes_of(graph, reach) == 1
    monkeypatch.setattr(windowed, "CPU_BYTES", 1 << 40)
    assert lanes_of(graph, reach) == windowed.LARGEST
