"""Whether a network's units are switched off often enough for the sparse engine to be the faster one."""

from .boxes import Reach, box_size

__all__ = ["sparse_pays"]

#: The share of the arithmetic whose results are switched on and off from which on the sparse engine wins.
SWITCHED = 0.5


def sparse_pays(reach: Reach) -> bool:
    """Whether most of the arithmetic behind a pixel is of units that a ReLU or a max pooling may switch off.

    Where nothing is switched off (GELU, SiLU), there is nothing to leave out, and PyTorch's own kernels are the faster ones.

    Args:
        reach: the graph's connectivity.
    """
    nodes = reach.graph.nodes
    switched = [False] * len(nodes)
    readers: list[list[int]] = [[] for _ in nodes]
    for index, node in enumerate(nodes):
        for value in node.inputs:
            readers[value].append(index)
    for index in range(len(nodes) - 1, -1, -1):
        switched[index] = bool(readers[index]) and all(
            nodes[reader].switches or (nodes[reader].holds_parts(loose=False) and switched[reader])
            for reader in readers[index]
        )
    _, height, width = nodes[-1].shape
    boxes = reach.back(((height // 2, height // 2 + 1), (width // 2, width // 2 + 1)))
    total = some = 0
    for index, node in enumerate(nodes):
        parts = boxes.parts[index]
        if parts and box_size(boxes.values[index]) != (0, 0):
            work = node.multiply_adds(boxes.values[index], parts[0])
            total += work
            some += work if switched[index] else 0
    return some >= SWITCHED * total
