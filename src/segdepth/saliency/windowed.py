"""Exact backpropagation restricted, layer by layer, to the window that the targets can depend on."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from segdepth.core.giving_way import give_way

from .boxes import NOTHING, Boxes, Reach, box_size
from .engine import Chunk
from .graph import Box, Graph, State
from .graph.operations.node import Node
from .memory import free_memory, in_halves
from .seeds import Seeds
from .tail import TOGETHER, CellSeeds, Held, Tail, chosen, combine, group_by_cells, identity_seeds, still_needed
from .target import Pixel, Target
from .tiles import neighbours, tile_pixels

__all__ = ["BackwardPass", "GraphEngine", "WindowedPass", "lanes_of"]

#: Largest number of targets at once on a GPU, and the bytes that a layer's gradients may take on a CPU: its caches.
LARGEST = 64
CPU_BYTES = 16 << 20

#: And those that the results of a block that autograd takes back may take there: what goes through it one by one needs no cache.
BLOCK_BYTES = 256 << 20

#: What two halves of a tile may take of what it takes, so that each goes by itself.
WORTH_SPLITTING = 0.6

#: Targets whose cells are summed up at once, at least: each sum reads all cells.
LEAST_TOGETHER = 8

#: Cells whose gradients are held at a time: with more, fewer are computed twice; they take memory.
HELD_BYTES = 512 << 20
HELD_CELLS = 256


@runtime_checkable
class BackwardPass(Protocol):
    """Backward passes at one picture."""

    lanes: int
    """How many targets it likes to take at once."""

    width: int
    """Of how many targets one costs as much as all of them."""

    def gradients(self, seeds: Float[Tensor, "n c h w"], boxes: Boxes) -> Float[Tensor, "n _ _h _w"]:
        """The picture's gradient over ``boxes.values[0]``.

        Args:
            seeds: the gradient of each target with respect to the value before the tail, over that value's box.
            boxes: as :meth:`Reach.back` gave them.
        """


class GraphEngine:
    """Explains pixels tile by tile; what does the backward pass is handed in.

    Args:
        output: the network's answer to the picture.
        backward: at the picture.
        tail: of the network.
        reach: the graph's connectivity.
    """

    def __init__(self, output: Float[Tensor, "c h w"], backward: BackwardPass, tail: Tail, reach: Reach) -> None:
        self.output = output
        self.backward = backward
        self._tail = tail
        self._reach = reach

    def gradients(self, pixels: Sequence[Pixel], targets: Sequence[Target]) -> Iterator[Chunk]:
        """See :class:`Engine`."""
        seeds = Seeds(self.output, pixels, targets)
        with torch.no_grad():
            cells = self._tail.cells(seeds, self._reach) if pixels else None
        yield from self._direct(seeds) if cells is None else self._shared(seeds, cells)

    def _direct(self, seeds: Seeds) -> Iterator[Chunk]:
        """One lane for each target."""
        for tile in tile_pixels(seeds.pixels, self.backward.lanes):
            for near in self._near(seeds.pixels, tile):
                for group, (box, gradients) in in_halves(near, lambda group: self._tile(seeds, group)):
                    yield Chunk(group, box, gradients)

    def _near(self, pixels: Sequence[Pixel], tile: list[int]) -> list[list[int]]:
        """The targets of a tile, apart where they are so far apart that what lies between them takes longer than they do."""
        return [tile] if neighbours([pixels[index] for index in tile]) == len(tile) else self._split(pixels, tile)[1]

    def _split(self, pixels: Sequence[Pixel], tile: list[int]) -> tuple[float, list[list[int]]]:
        """What a tile takes when it is split where that pays, and its parts."""
        whole = self._room(pixels, tile)
        if len(tile) == 1:
            return whole, [tile]
        halves = tile_pixels([pixels[index] for index in tile], -(-len(tile) // 2))
        parts = [self._split(pixels, [tile[k] for k in half]) for half in halves]
        room = sum(room for room, _ in parts)
        return (whole, [tile]) if room > WORTH_SPLITTING * whole else (room, [one for _, some in parts for one in some])

    def _room(self, pixels: Sequence[Pixel], tile: list[int]) -> int:
        """Positions of the picture that a tile covers, in all lanes that it fills."""
        spans = [(min(pixels[i][k] for i in tile), max(pixels[i][k] for i in tile) + 1) for k in (0, 1)]
        rows, columns = box_size(self._reach.back((spans[0], spans[1])).values[0])
        return -(-len(tile) // self.backward.width) * self.backward.width * rows * columns

    def _tile(self, seeds: Seeds, group: list[int]) -> tuple[Box, Float[Tensor, "n _ _h _w"]]:
        with torch.no_grad():
            boxes, values = seeds.behind(group, self._reach)
            return boxes.values[0], self._back(self._tail.back(values, boxes) if values.numel() else values, boxes)

    def _back(self, values: Tensor, boxes: Boxes) -> Float[Tensor, "n _ _h _w"]:
        if box_size(boxes.values[0])[0] == 0:  # no target depends on the window
            return values.new_zeros((len(values), self._reach.graph.nodes[0].shape[0], 0, 0))
        return self.backward.gradients(values, boxes)

    def _shared(self, seeds: Seeds, cells: CellSeeds) -> Iterator[Chunk]:
        """One lane for each cell, and weighted sums of these; what the next groups need, too, is kept for them."""
        most = self._cells_held()
        groups = list(group_by_cells(cells, seeds.pixels, most))
        last_uses = cells.last_uses(groups)
        held: list[Held] = []
        for number, group in enumerate(groups):
            held += self._missing(cells, group, held)
            yield from self._weighted(cells, group, seeds.pixels, held)
            held = still_needed(held, lambda some: last_uses(some) > number, most // 2)  # noqa: B023

    def _missing(self, cells: CellSeeds, group: list[int], held: list[Held]) -> list[Held]:
        """Those cells of a group that are not held yet."""
        missing = np.setdiff1d(cells.of(group), np.concatenate([one.cells for one in held] or [cells.cells[:0]]))
        return [
            Held(missing[part], *result)
            for tile in tile_pixels(cells.places(missing), self.backward.lanes)
            for part, result in in_halves(sorted(tile), lambda part: self._cells(cells, missing[part]))
        ]

    def _cells_held(self) -> int:
        """How many cells' gradients fit into memory at a time, beside half as many that are kept from earlier ones."""
        rows, columns = box_size(self._reach.window)
        bytes_each = self._reach.graph.nodes[0].shape[0] * rows * columns * self.output.element_size()
        most = min(HELD_BYTES // bytes_each, HELD_CELLS) * 2 // 3
        return max(1, most // self.backward.lanes) * self.backward.lanes

    def _cells(self, cells: CellSeeds, some: ndarray) -> tuple[Box, Float[Tensor, "n _ _h _w"]]:
        with torch.no_grad():
            box, values = identity_seeds(cells.shape, some, self.output)
            boxes = self._reach.back(box, self._tail.last)
            return boxes.values[0], self._back(values, boxes)

    def _weighted(
        self, cells: CellSeeds, group: list[int], pixels: Sequence[Pixel], held: list[Held]
    ) -> Iterator[Chunk]:
        """Sums of cells; on a CPU as many at once as fit into its caches, for fresh memory takes longer than the sums."""
        for near in tile_pixels([pixels[index] for index in group], TOGETHER):
            targets = [group[k] for k in near]
            needed = chosen(held, cells.of(targets))
            if needed is None:  # no target depends on the window
                none = self.output.new_zeros((len(targets), self._reach.graph.nodes[0].shape[0], 0, 0))
                yield Chunk(targets, NOTHING, none)
                continue
            bytes_each = needed.gradients[0].numel() * needed.gradients.element_size()
            most = max(LEAST_TOGETHER, CPU_BYTES // bytes_each) if self.output.device.type == "cpu" else TOGETHER
            for start in range(0, len(targets), most):
                some = targets[start : start + most]
                yield Chunk(some, needed.box, combine(cells.matrix(some, needed.cells), needed.gradients))


class WindowedPass:
    """Backward passes in plain PyTorch, on the picture's device.

    Args:
        graph: the network.
        state: the forward pass's masks and winners at the picture.
        last: the value from which gradients start.
        reach: the graph's connectivity.
        dtype: of the gradients on their way; the picture's by default.
    """

    def __init__(self, graph: Graph, state: State, last: int, reach: Reach, dtype: torch.dtype | None = None) -> None:
        self.graph = graph
        self._last = last
        self._dtype = dtype or graph.like.dtype
        self._at_picture = {
            index: _as_numbers(node.prepare(state[index], graph.nodes[node.inputs[0]].shape[1:]), self._dtype)
            for index, node in enumerate(graph.nodes[: last + 1])
            if index in state
        }
        self.lanes = lanes_of(graph, reach)
        self.width = 1

    def gradients(self, seeds: Float[Tensor, "n c h w"], boxes: Boxes) -> Float[Tensor, "n _ _h _w"]:
        """See :class:`BackwardPass`."""
        seeds = seeds.contiguous(memory_format=torch.channels_last)
        sums: dict[int, Tensor] = {self._last: seeds.to(self._dtype)}
        for index in range(self._last, 0, -1):
            give_way()
            g = sums.pop(index, None)
            if g is not None:
                self._step(index, g, boxes, sums)
        rows, columns = box_size(boxes.values[0])
        return (
            sums[0].to(seeds.dtype)
            if 0 in sums
            else seeds.new_zeros((len(seeds), self.graph.nodes[0].shape[0], rows, columns))
        )

    def _step(self, index: int, g: Tensor, boxes: Boxes, sums: dict[int, Tensor]) -> None:
        """Hand the gradient of one value to its inputs."""
        node = self.graph.nodes[index]
        keeper = node.keeper(index)
        at_picture = keeper in self._at_picture
        state = self._at_picture[keeper] if at_picture else self.graph.prepared(keeper, _laid_out, self._dtype)
        found = node.gradients(g, boxes.values[index], boxes.parts[index], state)
        for value, part, one in zip(node.inputs, boxes.parts[index], found, strict=True):
            if one is not None:
                _accumulate(sums, value, boxes.values[value], part, one)


def _laid_out(node: Node, dtype: torch.dtype) -> Any:
    return _as_numbers(node.lay_out(), dtype)


def _as_numbers(kept: Any, dtype: torch.dtype) -> Any:
    """Numbers that gradients are multiplied by, in their type."""
    return kept.to(dtype) if isinstance(kept, Tensor) and kept.is_floating_point() else kept


def _accumulate(sums: dict[int, Tensor], value: int, box: Box, part: Box, found: Tensor) -> None:
    """Add a contribution over ``part`` to the value's gradient over ``box``."""
    if value not in sums and part == box:
        sums[value] = found
        return
    (top, _), (left, _) = box
    inside = (..., slice(part[0][0] - top, part[0][1] - top), slice(part[1][0] - left, part[1][1] - left))
    rows, columns = box_size(box)
    total = found.new_zeros((*found.shape[:2], rows, columns)).contiguous(memory_format=torch.channels_last)
    total[inside] = found
    if value in sums:
        total += sums[value]
    sums[value] = total


def lanes_of(graph: Graph, reach: Reach) -> int:
    """As many targets at once as keep the largest layer's gradients in the caches (CPU) or in a part of memory (GPU)."""
    boxes = reach.tile(1)
    largest = {True: 1, False: 1}
    for node, box in zip(graph.nodes, boxes.values, strict=True):
        size = node.shape[0] * box_size(box)[0] * box_size(box)[1]
        largest[node.is_layer] = max(largest[node.is_layer], size)
    device, item = graph.like.device, graph.like.element_size()
    budget = CPU_BYTES if device.type == "cpu" else free_memory(device) // 16
    many = BLOCK_BYTES if device.type == "cpu" else budget
    return max(1, min(LARGEST, budget // (item * largest[True]), many // (item * largest[False])))
