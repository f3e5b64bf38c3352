"""Which units can carry a gradient at a picture: the same for every target, because all share one forward pass.

A unit is live if a path to the output and a path to the picture survive all that is switched off: ReLUs that are at
0, places that lost a max pooling, places that an unpooling leaves empty. All others are left out of every sum.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int, UInt16
from numpy import ndarray

from segdepth.core.giving_way import give_way

from ..graph import Box, Graph, State
from ..graph.operations.node import Mask, both, either

__all__ = ["LiveUnits", "first_rows", "live_units"]


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
        give_way()
        if index not in carrying:
            continue
        mask = carrying.pop(index)
        if index in wanted:
            # All units of the ends are listed: seeds may be anywhere, and the picture's gradient is whole.
            live = None if index in (last, 0) else both(mask, reaching[index])
            lists[index] = _listed(live, graph.nodes[index].shape, cone[index])
        node = graph.nodes[index]
        kept = state.get(node.keeper(index))
        for place, value in enumerate(node.inputs):
            found = node.carried(mask, place, graph.nodes[value].shape, kept)
            carrying[value] = either(carrying[value], found) if value in carrying else found
    return lists


def _listed(mask: Mask, shape: tuple[int, int, int], box: Box) -> LiveUnits:
    channels, height, width = shape
    inside = torch.zeros(height, width, channels, dtype=torch.bool)
    rows, columns = (slice(*span) for span in box)
    inside[rows, columns] = True if mask is None else mask[:, rows, columns].permute(1, 2, 0)
    start = np.zeros(height * width + 1, np.int64)
    torch.cumsum(inside.sum(2).flatten(), 0, out=torch.from_numpy(start[1:]))
    numbers = np.broadcast_to(np.arange(channels, dtype=np.uint16), (height, width, channels))
    return LiveUnits(start, numbers[inside.numpy()], (height, width))


def first_rows(start: Int[ndarray, " positions_and_one"], columns: int, box: Box) -> Int[ndarray, " box_and_one"]:
    """Per position of a box, the number of its first row; one more at the end."""
    inside = slice(*box[0]), slice(*box[1])
    counts = start[1:].reshape(-1, columns)[inside] - start[:-1].reshape(-1, columns)[inside]
    first = np.zeros(counts.size + 1, np.int64)
    np.cumsum(counts, out=first[1:])
    return first


def _towards_the_picture(graph: Graph, state: State, last: int) -> list[Mask]:
    """Per value, the units from which something reaches the picture."""
    masks: list[Mask] = [None]
    for index, node in enumerate(graph.nodes[1 : last + 1], start=1):
        give_way()
        shapes = [graph.nodes[value].shape for value in node.inputs]
        kept = state.get(node.keeper(index))
        masks.append(node.reaching([masks[value] for value in node.inputs], shapes, kept))
    return masks
