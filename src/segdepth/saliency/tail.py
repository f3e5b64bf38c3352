"""Where a network ends in fixed linear up-sampling, neighbouring targets share a few coarse cells' gradients."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from torch import Tensor

from .boxes import Boxes, Reach
from .graph import Box, Graph, State
from .graph.axes import hull
from .seeds import Seeds
from .target import Pixel
from .tiles import tile_pixels

__all__ = ["CellSeeds", "Held", "Tail", "chosen", "combine", "group_by_cells", "identity_seeds", "still_needed"]

#: Targets whose seeds are taken through the tail together.
TOGETHER = 64

#: How many targets a cell has to stand for: sums of cells take time, too.
WORTH = 1.3


class Tail:
    """The operations after the last one that mixes channels: cheap, and the same chain for every target.

    Args:
        graph: the network.
        state: the forward pass's derivatives at the picture.

    Attributes:
        last: the value before the tail; the output itself where there is no tail.
    """

    def __init__(self, graph: Graph, state: State) -> None:
        self._graph = graph
        self._at_picture = state
        self._chain = _chain(graph)
        self.last = graph.nodes[self._chain[-1]].inputs[0] if self._chain else len(graph.nodes) - 1
        self._state = {
            index: graph.nodes[index].prepare(state[index], graph.nodes[graph.nodes[index].inputs[0]].shape[1:])
            for index in self._chain
            if index in state
        }

    @property
    def resizes(self) -> bool:
        """Whether several outputs share the cells of a coarser map."""
        return any(self._graph.nodes[index].resizes for index in self._chain)

    def back(self, seeds: Float[Tensor, "n c h w"], boxes: Boxes) -> Float[Tensor, "n _c _h _w"]:
        """Seeds over the output's box to seeds over the box of :attr:`last`."""
        for index in self._chain:
            node, part = self._graph.nodes[index], boxes.parts[index][0]
            seeds = node.gradient(seeds, boxes.values[index], 0, part, self._state.get(index))
        return seeds

    def cells(self, seeds: Seeds, reach: Reach) -> "CellSeeds | None":
        """The seeds of all targets as weights of cells; None where that is not worth it."""
        if not self.resizes or any(callable(target) for target in seeds.targets):
            return None
        found = [self._some_cells(seeds, reach, tile) for tile in tile_pixels(seeds.pixels, TOGETHER)]
        targets, cells, weights = (np.concatenate(parts) for parts in zip(*found, strict=True))
        order = np.argsort(targets, kind="stable")
        starts = np.searchsorted(targets[order], np.arange(len(seeds.pixels) + 1))
        result = CellSeeds(starts, cells[order], weights[order], self._graph.nodes[self.last].shape)
        return result if self.is_worth_sharing(len(np.unique(cells)), len(seeds.pixels)) else None

    def is_worth_sharing(self, cells: int, targets: int) -> bool:
        """Whether to take so many cells back, and sum them up, instead of these targets."""
        return WORTH * cells < targets and self._is_linear

    @cached_property
    def _is_linear(self) -> bool:
        return self._graph.is_linear(self._at_picture)

    def _some_cells(self, seeds: Seeds, reach: Reach, tile: list[int]) -> tuple[ndarray, ndarray, ndarray]:
        """Target, cell and weight, of the targets of a tile."""
        boxes, values = seeds.behind(tile, reach)
        at_cells = self.back(values, boxes).cpu()  # a GPU is waited for once
        (top, _), (left, _) = boxes.values[self.last]
        n, c, r, q = at_cells.nonzero().T
        _, height, width = self._graph.nodes[self.last].shape
        cells = (c * height + r + top) * width + q + left
        return np.array(tile)[n.numpy()], cells.numpy(), at_cells[n, c, r, q].numpy()


@dataclass(frozen=True, eq=False)
class CellSeeds:
    """Each target as a weighted sum of cells: rows of a sparse matrix.

    Attributes:
        starts: per target, where its cells begin; one more at the end.
        cells: number of the cell, ``(channel * rows + row) * columns + column``.
        weights: of the cells.
        shape: channels, rows and columns of the coarse map.
    """

    starts: Int[ndarray, " targets_and_one"]
    cells: Int[ndarray, " n"]
    weights: Float[ndarray, " n"]
    shape: tuple[int, int, int]

    def of(self, targets: Sequence[int]) -> Int[ndarray, " n"]:
        """The cells that some targets need, each once, ascending."""
        return np.unique(np.concatenate([self.cells[self.starts[t] : self.starts[t + 1]] for t in targets]))

    def last_uses(self, groups: Sequence[Sequence[int]]) -> Callable[[Int[ndarray, " n"]], Int[ndarray, " n"]]:
        """Gives the number of the last group of targets that needs a cell."""
        known = np.unique(self.cells)
        last = np.zeros(len(known), np.int64)
        for number, group in enumerate(groups):
            last[np.searchsorted(known, self.of(group))] = number
        return lambda cells: last[np.searchsorted(known, cells)]

    def places(self, cells: Int[ndarray, " n"]) -> list[Pixel]:
        """Row and column of cells."""
        _, height, width = self.shape
        return [(int(cell // width % height), int(cell % width)) for cell in cells]

    def matrix(self, targets: Sequence[int], cells: Int[ndarray, " n"]) -> Float[ndarray, "t n"]:
        """The weights of some cells in some targets."""
        order = np.argsort(cells)
        matrix = np.zeros((len(targets), len(cells)), self.weights.dtype)
        for row, target in zip(matrix, targets, strict=True):
            own = slice(self.starts[target], self.starts[target + 1])
            places = order[np.searchsorted(cells, self.cells[own], sorter=order).clip(max=len(cells) - 1)]
            here = cells[places] == self.cells[own]
            row[places[here]] = self.weights[own][here]
        return matrix


def group_by_cells(seeds: CellSeeds, pixels: Sequence[Pixel], largest: int) -> Iterator[list[int]]:
    """Compact groups of targets that need at most ``largest`` cells together, as far as groups can be split."""
    waiting = [list(range(len(pixels)))]
    while waiting:
        group = waiting.pop()
        parts = -(-len(seeds.of(group)) // largest)
        if parts <= 1 or len(group) == 1:
            yield group
            continue
        spans = [max(pixels[i][k] for i in group) - min(pixels[i][k] for i in group) for k in (0, 1)]
        long = 0 if spans[0] > spans[1] else 1
        group.sort(key=lambda i: (pixels[i][long], pixels[i][1 - long]))
        cut = max(1, len(group) * (parts // 2) // parts)
        waiting += [group[cut:], group[:cut]]


def _chain(graph: Graph) -> list[int]:
    """The tail's nodes, the output first: each reads one value, and that value has no other reader."""
    readers = [0] * len(graph.nodes)
    for node in graph.nodes:
        for value in node.inputs:
            readers[value] += 1
    chain: list[int] = []
    index = len(graph.nodes) - 1
    while (node := graph.nodes[index]).keeps_channels and readers[node.inputs[0]] == 1:
        chain.append(index)
        index = node.inputs[0]
    return chain


def identity_seeds(
    shape: tuple[int, int, int], cells: Int[ndarray, " n"], like: Tensor
) -> tuple[tuple[tuple[int, int], tuple[int, int]], Float[Tensor, "n c _h _w"]]:
    """A seed of 1 at each cell, and the box that holds all of them."""
    _, height, width = shape
    rows, columns = cells // width % height, cells % width
    box = (int(rows.min()), int(rows.max()) + 1), (int(columns.min()), int(columns.max()) + 1)
    seeds = like.new_zeros((len(cells), shape[0], box[0][1] - box[0][0], box[1][1] - box[1][0]))
    seeds[np.arange(len(cells)), cells // (width * height), rows - box[0][0], columns - box[1][0]] = 1
    return box, seeds


class Held(NamedTuple):
    """The picture's gradients of some cells.

    Attributes:
        cells: their numbers.
        box: rows and columns of the picture.
        gradients: over the box.
    """

    cells: Int[ndarray, " n"]
    box: Box
    gradients: Float[Tensor, "n _c _h _w"]

    def of(self, wanted: Bool[ndarray, " n"]) -> "Held":
        """Some of them; a copy unless they are all."""
        if wanted.all():
            return self
        return Held(self.cells[wanted], self.box, self.gradients[torch.from_numpy(wanted).to(self.gradients.device)])


def still_needed(
    held: list[Held], needed: Callable[[Int[ndarray, " n"]], Bool[ndarray, " n"]], most: int
) -> list[Held]:
    """What is worth its memory: cells that are needed later, of more than ``most`` the latest."""
    kept: list[Held] = []
    for one in reversed(held):
        wanted = needed(one.cells)
        wanted &= wanted.cumsum() <= most - sum(len(other.cells) for other in kept)
        if wanted.any():
            kept.append(one.of(wanted))
    return kept[::-1]


def chosen(held: list[Held], cells: Int[ndarray, " n"]) -> Held | None:
    """Some cells of those that are held, over one box; None where none of them reaches the picture's window."""
    pieces = [one.of(wanted) for one in held if (wanted := np.isin(one.cells, cells)).any() and one.gradients.numel()]
    if not pieces:
        return None
    rows, columns = pieces[0].box
    for piece in pieces:
        rows, columns = hull(rows, piece.box[0]), hull(columns, piece.box[1])
    found, first = np.concatenate([piece.cells for piece in pieces]), pieces[0].gradients
    channels, height, width = first.shape[1], rows[1] - rows[0], columns[1] - columns[0]
    if first.stride(0) == 1:
        gradients = first.new_zeros((height, width, channels, len(found))).permute(3, 2, 0, 1)
    else:
        gradients = first.new_zeros((len(found), channels, height, width))
    start = 0
    for piece in pieces:
        (top, bottom), (left, right) = piece.box
        inside = slice(top - rows[0], bottom - rows[0]), slice(left - columns[0], right - columns[0])
        gradients[start : start + len(piece.cells), :, *inside] = piece.gradients
        start += len(piece.cells)
    return Held(found, (rows, columns), gradients)


def combine(matrix: Float[ndarray, "t n"], gradients: Float[Tensor, "n _c _h _w"]) -> Float[Tensor, "t _c _h _w"]:
    """Weighted sums of gradients, laid out as these: the sparse engine has targets innermost in memory."""
    weights = torch.from_numpy(matrix).to(gradients)
    if not gradients.sum().isfinite():  # what is no number stays in the targets that depend on it
        rows = [(row[row != 0] @ gradients[row != 0].flatten(1)).view(gradients.shape[1:]) for row in weights]
        return torch.stack(rows)
    if gradients.stride(0) != 1:
        return (weights @ gradients.flatten(1)).view(-1, *gradients.shape[1:])
    last = gradients.permute(2, 3, 1, 0)
    summed: Tensor = last.reshape(-1, last.shape[-1]) @ weights.T
    return summed.view(*last.shape[:-1], len(weights)).permute(3, 2, 0, 1)
