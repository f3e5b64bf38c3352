"""Which engine is the faster one for a network, by what can be left out of the arithmetic."""

from .boxes import Boxes, Reach
from .graph import Box, Graph

__all__ = ["sparse_pays", "windows_pay"]

#: The share of the arithmetic whose results are switched on and off from which on the sparse engine wins.
SWITCHED = 0.5

#: The share of the arithmetic inside a pixel's windows up to which windows win: a whole backward pass is faster per number.
INSIDE = 0.6


def sparse_pays(reach: Reach) -> bool:
    """Whether most of the arithmetic behind a pixel is of units that a ReLU or a max pooling may switch off.

    Where nothing is switched off (GELU, SiLU), there is nothing to leave out, and PyTorch's own kernels are the faster ones.

    Args:
        reach: the graph's connectivity.
    """
    switched = _switched(reach.graph)
    works = reach.multiply_adds(_behind_a_pixel(reach))
    return sum(work for work, some in zip(works, switched, strict=True) if some) >= SWITCHED * sum(works)


def windows_pay(reach: Reach) -> bool:
    """Whether a pixel's windows leave out enough of the arithmetic of what is taken apart.

    They do not where a norm over all positions, or many dilated layers, make every pixel depend on the whole picture.

    Args:
        reach: the graph's connectivity.
    """
    _, height, width = reach.graph.nodes[-1].shape
    whole = sum(reach.multiply_adds(reach.back(((0, height), (0, width)))))
    return sum(reach.multiply_adds(_behind_a_pixel(reach))) <= INSIDE * whole


def _behind_a_pixel(reach: Reach) -> Boxes:
    """The boxes behind the middle of the answer."""
    _, height, width = reach.graph.nodes[-1].shape
    middle: Box = (height // 2, height // 2 + 1), (width // 2, width // 2 + 1)
    return reach.back(middle)


def _switched(graph: Graph) -> list[bool]:
    """Per value, whether whatever reads it may switch its units off."""
    readers: list[list[int]] = [[] for _ in graph.nodes]
    for index, node in enumerate(graph.nodes):
        for value in node.inputs:
            readers[value].append(index)
    switched = [False] * len(graph.nodes)
    for index in range(len(graph.nodes) - 1, -1, -1):
        switched[index] = bool(readers[index]) and all(
            graph.nodes[reader].switches or (graph.nodes[reader].holds_parts(loose=False) and switched[reader])
            for reader in readers[index]
        )
    return switched
