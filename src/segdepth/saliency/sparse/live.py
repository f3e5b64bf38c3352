"""Which units can carry a gradient at a picture: the same for every target, because all share one forward pass.

A unit is live if a path to the output and a path to the picture survive all that is switched off: ReLUs that are at
0, places that lost a max pooling, places that an unpooling leaves empty. All others are left out of every sum.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Int, UInt16
from numpy import ndarray
from torch import Tensor

from ..graph import Box, Graph, State
from ..graph.nodes import (
    Add,
    Concat,
    Convolution,
    Interleave,
    MaxPool,
    Node,
    Pointwise,
    Scale,
    Separable,
    Unpool,
    Window,
)
from . import kernels

__all__ = ["LiveUnits", "live_units"]

#: Per value, which units; None: all.
Mask = Bool[Tensor, "_c _h _w"] | None


@dataclass(frozen=True, eq=False)
class LiveUnits:
    """The live channels of every position of one value.

    Attributes:
        start: per position in row-major order, where its channels begin; one more at the end.
        channels: ascending at each position.
        size: rows and columns of the value.
    """

    start: Int[ndarray, " positions_and_one"]
    channels: UInt16[ndarray, " live"]
    size: tuple[int, int]


def live_units(graph: Graph, state: State, last: int, wanted: set[int], cone: list[Box]) -> dict[int, LiveUnits]:
    """Lists of live channels.

    Args:
        graph: the network.
        state: masks and winners at the picture.
        last: the value from which gradients start.
        wanted: the values whose lists are needed.
        cone: per value, the box that matters; nothing outside is listed.
    """
    reaching = _towards_the_picture(graph, state, last)
    carrying: dict[int, Mask] = {last: None}
    lists = {}
    for index in range(last, -1, -1):
        if index not in carrying:
            continue
        mask = carrying.pop(index)
        if index in wanted:
            # All units of the ends are listed: seeds may be anywhere, and the picture's gradient is whole.
            live = None if index in (last, 0) else _both(mask, reaching[index])
            lists[index] = _listed(live, graph.nodes[index].shape, cone[index])
        for place, value in enumerate(graph.nodes[index].inputs):
            found = _carried(graph, index, place, mask, state)
            carrying[value] = _either(carrying[value], found) if value in carrying else found
    return lists


def _listed(mask: Mask, shape: tuple[int, int, int], box: Box) -> LiveUnits:
    channels, height, width = shape
    inside = torch.zeros(height, width, channels, dtype=torch.bool)
    rows, columns = (slice(*span) for span in box)
    inside[rows, columns] = True if mask is None else mask[:, rows, columns].permute(1, 2, 0)
    start, listed = kernels.list_channels(inside.view(height * width, channels).numpy().view(np.uint8))
    return LiveUnits(start, listed, (height, width))


def _both(a: Mask, b: Mask) -> Mask:
    if a is None or b is None:
        return b if a is None else a
    return a & b


def _either(a: Mask, b: Mask) -> Mask:
    return None if a is None or b is None else a | b


def _nonzero(derivative: Tensor, shape: tuple[int, int, int]) -> Mask:
    if derivative.dtype == torch.bool:
        return derivative
    mask = derivative.ne(0).expand(shape)
    return None if mask.all() else mask


def _towards_the_picture(graph: Graph, state: State, last: int) -> list[Mask]:
    """Per value, the units from which something reaches the picture."""
    masks: list[Mask] = [None]
    for index, node in enumerate(graph.nodes[1 : last + 1], start=1):
        masks.append(_reaching(node, index, [masks[value] for value in node.inputs], state, graph))
    return masks


def _reaching(node: Node, index: int, inputs: list[Mask], state: State, graph: Graph) -> Mask:
    shape = node.shape
    match node:
        case Pointwise():
            return _both(_nonzero(state[index], shape), inputs[0])
        case Scale():
            return inputs[0]
        case MaxPool():
            return None if inputs[0] is None else _at_winners(inputs[0], state[index])
        case Unpool():
            return _to_winners(inputs[0], state[node.pool], shape)
        case Add():
            found = inputs[0]
            for mask in inputs[1:]:
                found = _either(found, mask)
            return found
        case Concat():
            if all(mask is None for mask in inputs):
                return None
            shapes = (graph.nodes[value].shape for value in node.inputs)
            return torch.cat([_full(mask, s) for mask, s in zip(inputs, shapes, strict=True)])
        case Interleave():
            if all(mask is None for mask in inputs):
                return None
            result = torch.zeros(shape, dtype=torch.bool)
            for place, mask in enumerate(inputs):
                row, column = divmod(place, node.factor)
                result[:, row :: node.factor, column :: node.factor] = True if mask is None else mask
            return result
        case Window():
            return _window(node, _full(inputs[0], graph.nodes[node.inputs[0]].shape))
        case _:  # sums over several inputs: convolution, resizing
            return None


def _full(mask: Mask, shape: tuple[int, int, int]) -> Bool[Tensor, "_c _h _w"]:
    return torch.ones(1, dtype=torch.bool).expand(shape) if mask is None else mask


def _window(node: Window, mask: Bool[Tensor, "_c _h _w"]) -> Bool[Tensor, "_c _h _w"]:
    result = torch.zeros(node.shape, dtype=torch.bool)
    inner, outer = _window_slices(node, mask.shape)
    result[outer] = mask[inner]
    return result


def _window_slices(node: Window, sizes: torch.Size | tuple[int, ...]) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """The part of the input that a window shows, and where it shows it."""
    inner, outer = [], []
    for start, step, size, shown in zip(node.start, node.step, sizes, node.shape, strict=True):
        first = max(0, -(start // step))
        last = min(shown, (size - 1 - start) // step + 1)
        outer.append(slice(first, max(first, last)))
        inner.append(slice(start + first * step, max(start + first * step, start + (last - 1) * step + 1), step))
    return tuple(inner), tuple(outer)


def _at_winners(mask: Bool[Tensor, "_c _h _w"], winners: Int[Tensor, "_c _h _w"]) -> Bool[Tensor, "_c _h _w"]:
    return mask.flatten(1).gather(1, winners.flatten(1)).view(winners.shape)


def _to_winners(mask: Mask, winners: Int[Tensor, "_c _h _w"], shape: tuple[int, int, int]) -> Bool[Tensor, "_c _h _w"]:
    values = torch.ones_like(winners, dtype=torch.bool) if mask is None else mask
    result = torch.zeros(shape, dtype=torch.uint8).flatten(1)
    result.scatter_reduce_(1, winners.flatten(1), values.flatten(1).to(torch.uint8), "amax")
    return result.view(shape).bool()


def _carried(graph: Graph, index: int, place: int, mask: Mask, state: State) -> Mask:
    """The units of one input to which a gradient of the value's live units goes."""
    node = graph.nodes[index]
    shape = graph.nodes[node.inputs[place]].shape
    match node:
        case Pointwise():
            return _both(_nonzero(state[index], node.shape), mask)
        case Scale() | Add():
            return mask
        case MaxPool():
            return _to_winners(mask, state[index], shape)
        case Unpool():
            return None if mask is None else _at_winners(mask, state[node.pool])
        case Concat():
            start = sum(node.channels[:place])
            return None if mask is None else mask[start : start + node.channels[place]]
        case Interleave():
            row, column = divmod(place, node.factor)
            return None if mask is None else mask[:, row :: node.factor, column :: node.factor]
        case Window():
            result = torch.zeros(shape, dtype=torch.bool)
            inner, outer = _window_slices(node, shape)
            result[inner] = True if mask is None else mask[outer]
            return result
        case Convolution() | Separable():
            return None
        case _:
            raise NotImplementedError(type(node).__name__)
