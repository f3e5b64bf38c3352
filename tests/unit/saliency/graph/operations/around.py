"""One operation, by itself and between other layers: what the graph makes of it, held against autograd."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from segdepth.saliency.boxes import NOTHING, Reach
from segdepth.saliency.engines import Prepared
from segdepth.saliency.graph import Box, Graph, State
from segdepth.saliency.graph.axes import Axis
from segdepth.saliency.graph.operations.block import Block, Leaving
from segdepth.saliency.graph.operations.convolution import Convolution
from segdepth.saliency.graph.operations.grid_sample import GridSample
from segdepth.saliency.graph.operations.node import Node, full
from segdepth.saliency.graph.operations.pointwise import Pointwise
from segdepth.saliency.graph.operations.rearrange import Rearrange
from segdepth.saliency.graphs import Function
from segdepth.saliency.sparse.live import _towards_the_picture, live_units
from segdepth.saliency.windowed import GraphEngine, WindowedPass

#: From a map ``[1, c, h, w]`` to another.
Operation = Callable[[Tensor], Tensor]

#: Largest difference from autograd, relative to the largest gradient, in float64.
TOLERANCE = 1e-12


def some(cases: Iterable[Any], each: int) -> list[Any]:
    """Cases for ``parametrize``, of which only each second or third is in ``make test``: the others ask much the same."""
    cases = [case if isinstance(case, tuple) else (case,) for case in cases]
    return [pytest.param(*case, marks=[pytest.mark.slow] if k % each else []) for k, case in enumerate(cases)]


def together(cases: Iterable[Operation]) -> Operation:
    """Several operations of one map, of which answers have one size, channels after channels."""
    several = list(cases)
    return lambda x: torch.cat([operation(x) for operation in several], 1)


def using(operation: Callable[..., Tensor], *sizes: tuple[int, ...]) -> Operation:
    """An operation that has fixed random numbers of these sizes as its other arguments."""
    numbers = [torch.randn(size, dtype=torch.float64) for size in sizes]
    return lambda x: operation(x, *numbers)


class Around(nn.Module):
    """An operation between convolutions and ReLUs: its gradient is wide, and units before and after it are dead.

    Args:
        operation: what is tried.
        channels: of the picture.
        size: of the picture.
    """

    def __init__(self, operation: Operation, channels: int, size: tuple[int, int]) -> None:
        super().__init__()
        torch.manual_seed(0)
        answer = operation(torch.rand(1, channels, *size, dtype=torch.float64))
        self.operation = operation
        self.before = nn.Conv2d(channels, channels, 3, padding=1, dtype=torch.float64)
        self.after = nn.Conv2d(answer.shape[1], 2, 3, padding=1, dtype=torch.float64)

    def forward(self, x: Tensor) -> Tensor:
        return self.after(self.operation(self.before(x).relu()).relu())


class Alone(nn.Module):
    """An operation by itself: it is the network's tail."""

    def __init__(self, operation: Operation) -> None:
        super().__init__()
        self.operation = operation

    def forward(self, x: Tensor) -> Tensor:
        return self.operation(x)


def check(
    operation: Operation,
    *kinds: type[Node],
    channels: int = 4,
    size: tuple[int, int] = (7, 10),
    alone: bool = False,
    exactly: bool = True,
    quickly: bool = False,
) -> None:
    """Both engines are right in every window, the nodes are of these kinds, and live units and strides are plausible.

    Args:
        operation: what is tried.
        kinds: of the nodes that the graph makes of it.
        channels: of the picture.
        size: of the picture.
        alone: whether nothing is around it; otherwise layers are (see :class:`Around`).
        exactly: whether there are no nodes of other kinds; blocks there never are, but where they are asked for.
        quickly: whether gradients at the whole picture will do.
    """
    net = Alone(operation) if alone else Around(operation, channels, size)
    image = torch.randn(channels, *size, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    function = Function(net.eval(), net)
    graph = function.graph(image)
    made = Counter(type(node) for node in graph.nodes[1:])
    if not alone:
        made.subtract([Convolution, Convolution, Pointwise, Pointwise])
    made = +made
    words = f"{[type(node).__name__ for node in graph.nodes[1:]]}, {list(graph.unknown.values())}, {graph.differences}"
    assert not graph.differences, words
    assert made.keys() == set(kinds) if exactly else made.keys() >= set(kinds), words
    assert made.keys() & {Block} <= set(kinds), words
    agree_with_autograd(function, image, windows(image.shape[1:])[: 1 if quickly else 2])
    if not quickly:
        carry_what_is_live(graph, image)
        step_as_they_reach(graph)


def windows(size: Sequence[int]) -> list[Box]:
    """The whole picture and a part of it."""
    height, width = size
    return [((0, height), (0, width)), ((height // 3, height - height // 4), (width // 4, width))]


def agree_with_autograd(function: Function, image: Tensor, windows: Sequence[Box]) -> None:
    """Rows of the Jacobian in some windows, from the engines that take a network apart."""
    x = image[None].clone().requires_grad_()
    y = function.net(x)
    _, channels, height, width = y.shape
    pixels = sorted({(0, 0), (height // 2, width // 2), (height - 1, width // 3), (height // 4, width - 1)})
    targets = [(3 * k + 1) % channels for k in range(len(pixels))]
    rows = [y[0, target, r, c] for target, (r, c) in zip(targets, pixels, strict=True)]
    expected = torch.cat([torch.autograd.grad(row, x, retain_graph=True)[0] for row in rows])
    for window in windows:
        prepared = Prepared(function, image, window, y[0].detach())
        inside = (..., slice(*window[0]), slice(*window[1]))
        for name in ("windowed", "sparse"):
            engine = prepared.engine(name)
            assert isinstance(engine, GraphEngine)
            engine.backward.lanes = 3
            found = torch.zeros_like(expected)
            for indices, (r, c), gradients in engine.gradients(pixels, targets):
                found[indices, :, slice(*r), slice(*c)] += gradients
            error = (found - expected)[inside].abs().max() / (1e-6 + expected.abs().max())
            assert error <= TOLERANCE, (name, window, f"{error:.2g}")


def carry_what_is_live(graph: Graph, image: Tensor) -> None:
    """A unit that has a gradient and reaches the picture is listed; one that is said not to reach it does not."""
    height, width = image.shape[1:]
    reach = Reach(graph, ((0, height), (0, width)))
    _, state = graph.forward(image)
    last = len(graph.nodes) - 1
    listed = live_units(graph, state, last, set(range(last + 1)), reach.cone)
    reaching = _towards_the_picture(graph, state, last)
    gradients = _gradients_of_values(graph, state, reach)
    for index in range(1, last):
        shape, name = graph.nodes[index].shape, type(graph.nodes[index]).__name__
        dead = ~full(reaching[index], shape)
        assert not _touching(graph, state, reach, index, dead).any(), f"{name}: reaches the picture from dead units"
        if index in listed:
            live = torch.zeros(shape[1] * shape[2], shape[0], dtype=torch.bool)
            counts = torch.from_numpy(listed[index].start).diff()
            channels = torch.from_numpy(listed[index].channels.astype(int))
            live[torch.arange(len(live)).repeat_interleave(counts), channels] = True
            left_out = gradients[index].ne(0).any(0) & ~live.T.reshape(shape)
            assert not _touching(graph, state, reach, index, left_out).any(), f"{name}: has a gradient at dead units"


class _Watched(WindowedPass):
    """Keeps the gradient of every value."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.seen: dict[int, tuple[Tensor, Box]] = {}

    def _step(self, index, g, boxes, sums):
        self.seen[index] = g, boxes.values[index]
        super()._step(index, g, boxes, sums)


def _gradients_of_values(graph: Graph, state: State, reach: Reach) -> list[Tensor]:
    last = len(graph.nodes) - 1
    watched = _Watched(graph, state, last, reach)
    _, height, width = graph.nodes[last].shape
    boxes = reach.back(((0, height), (0, width)), last)
    (top, bottom), (left, right) = boxes.values[last]
    seeds = torch.randn(8, *graph.nodes[last].shape, dtype=graph.like.dtype)
    watched.gradients(seeds[..., top:bottom, left:right], boxes)
    found = []
    for index, node in enumerate(graph.nodes):
        whole = torch.zeros(8, *node.shape, dtype=graph.like.dtype)
        if index in watched.seen:
            g, (rows, columns) = watched.seen[index]
            whole[..., slice(*rows), slice(*columns)] = g
        found.append(whole)
    return found


def _touching(graph: Graph, state: State, reach: Reach, index: int, units: Tensor) -> Tensor:
    """Per unit of some of a value, whether the picture has a gradient of it."""
    _, height, width = units.shape
    boxes = reach.back(((0, height), (0, width)), index)
    if not units.any() or boxes.values[0] == NOTHING:
        return torch.zeros(1)
    seeds = torch.eye(units.numel(), dtype=graph.like.dtype)[units.flatten()].view(-1, *units.shape)
    (top, bottom), (left, right) = boxes.values[index]
    found = WindowedPass(graph, state, index, reach).gradients(seeds[..., top:bottom, left:right], boxes)
    return found.flatten(1).ne(0).any(1)


def step_as_they_reach(graph: Graph) -> None:
    """Where what a unit touches moves evenly from one unit to the next, it moves by the node's steps."""
    for node in graph.nodes[1:]:
        sizes = graph.nodes[node.inputs[0]].shape[1:]
        steps, axes = node.steps(sizes), node.axes(0, sizes)
        if axes is None:
            assert steps == (1, 1), type(node).__name__
        elif not isinstance(node, Rearrange | GridSample | Block | Leaving):  # rows of channels, any order, everything
            for axis, step in zip(axes, steps, strict=True):
                _steps_evenly(type(node).__name__, axis, float(step))


def _steps_evenly(name: str, axis: Axis, step: float) -> None:
    """Away from the borders, where fewer inputs are touched."""
    spans = axis.last - axis.first
    inner = np.flatnonzero((axis.first > 0) & (axis.last < axis.size - 1) & (spans >= max(0, spans.max() - 1)))
    if len(inner) > 2:
        middles = (axis.first + axis.last)[inner] / 2
        moves = np.diff(middles)
        if moves.min() < 0 < moves.max():  # as after a roll
            return
        found = abs(middles[-1] - middles[0]) / (inner[-1] - inner[0])
        assert abs(found - step) <= 1 / (inner[-1] - inner[0]) + 1e-9, (name, found, step)
