"""Where a network ends in fixed linear up-sampling, neighbouring targets share a few coarse cells' gradients."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from .boxes import Boxes, Reach
from .graph import Graph, State
from .seeds import Seeds
from .target import Pixel
from .tiles import tile_pixels

__all__ = ["CellSeeds", "Tail", "group_by_cells"]

#: Targets whose seeds are taken through the tail together.
TOGETHER = 64


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
        if not self.resizes or not self._graph.is_linear or any(callable(target) for target in seeds.targets):
            return None
        found = [self._some_cells(seeds, reach, tile) for tile in tile_pixels(seeds.pixels, TOGETHER)]
        targets, cells, weights = (np.concatenate(parts) for parts in zip(*found, strict=True))
        order = np.argsort(targets, kind="stable")
        starts = np.searchsorted(targets[order], np.arange(len(seeds.pixels) + 1))
        result = CellSeeds(starts, cells[order], weights[order], self._graph.nodes[self.last].shape)
        return result if 1.3 * len(np.unique(cells)) < len(seeds.pixels) else None

    def _some_cells(self, seeds: Seeds, reach: Reach, tile: list[int]) -> tuple[ndarray, ndarray, ndarray]:
        """Target, cell and weight, of the targets of a tile."""
        boxes, values = seeds.behind(tile, reach)
        at_cells = self.back(values, boxes)
        (top, _), (left, _) = boxes.values[self.last]
        n, c, r, q = at_cells.nonzero().T
        _, height, width = self._graph.nodes[self.last].shape
        cells = (c * height + r + top) * width + q + left
        return np.array(tile)[n.cpu().numpy()], cells.cpu().numpy(), at_cells[n, c, r, q].cpu().numpy()


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

    def places(self, cells: Int[ndarray, " n"]) -> list[Pixel]:
        """Row and column of cells."""
        _, height, width = self.shape
        return [(int(cell // width % height), int(cell % width)) for cell in cells]

    def matrix(self, targets: Sequence[int], cells: Int[ndarray, " n"]) -> Float[ndarray, "t n"]:
        """The weights of some cells (ascending) in some targets."""
        matrix = np.zeros((len(targets), len(cells)), self.weights.dtype)
        for row, target in zip(matrix, targets, strict=True):
            own = slice(self.starts[target], self.starts[target + 1])
            places = np.searchsorted(cells, self.cells[own]).clip(max=len(cells) - 1)
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


def combine(matrix: Float[ndarray, "t n"], gradients: Float[Tensor, "n _c _h _w"]) -> Float[Tensor, "t _c _h _w"]:
    """Weighted sums of gradients; both stand in memory with targets innermost, as the sparse engine has them."""
    weights = torch.from_numpy(matrix).to(gradients)
    last = gradients.permute(2, 3, 1, 0)
    return (last.reshape(-1, last.shape[-1]) @ weights.T).view(*last.shape[:-1], len(weights)).permute(3, 2, 0, 1)
