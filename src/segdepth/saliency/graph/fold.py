"""Batch norm's factors go into the weights of the convolution before it, also through a reordering of channels."""

from collections import Counter
from dataclasses import replace

from jaxtyping import Float
from torch import Tensor

from .operations.node import Node
from .operations.scale import Scale

__all__ = ["fold_scales"]


def fold_scales(nodes: list[Node]) -> list[Node]:
    """The same graph without the scales that can be folded, and without what is not used."""
    nodes = list(nodes)
    users = Counter(value for node in nodes for value in node.inputs)
    instead = list(range(len(nodes)))
    for index, node in enumerate(nodes):
        nodes[index] = node = replace(node, inputs=tuple(instead[value] for value in node.inputs))
        if isinstance(node, Scale) and _foldable(nodes, users, node.inputs[0]):
            _fold(nodes, node.inputs[0], node.factors)
            users[node.inputs[0]] = users[index]
            instead[index] = node.inputs[0]
    return _used(nodes, instead[-1])


def _foldable(nodes: list[Node], users: Counter[int], value: int) -> bool:
    node = nodes[value]
    if users[value] != 1 or not node.takes_factors():
        return False
    return not node.passes_factors or all(_foldable(nodes, users, below) for below in node.inputs)


def _fold(nodes: list[Node], value: int, factors: Float[Tensor, " c"]) -> None:
    nodes[value], passed = nodes[value].with_factors(factors)
    for below, part in zip(nodes[value].inputs, passed or (), strict=False):
        _fold(nodes, below, part)


def _used(nodes: list[Node], output: int) -> list[Node]:
    """Only what the output is made of, numbered anew; the picture stays first."""
    used = {0, output}
    for index in range(output, 0, -1):
        if index in used:
            used.update((*nodes[index].inputs, nodes[index].keeper(index)))
    number = {old: new for new, old in enumerate(sorted(used))}
    return [nodes[old].renumbered(number) for old in number]
