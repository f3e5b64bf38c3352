"""Batch norm's factors go into the weights of the convolution before it, also through a reordering of channels."""

from collections import Counter
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from .nodes import Concat, Convolution, Interleave, Node, Permute, Scale, Shuffle, Unpool, Window

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
    if users[value] != 1 or not isinstance(node, (Convolution, Concat, Interleave, Permute, Shuffle, Window)):
        return False
    if isinstance(node, Window) and not node.all_channels:
        return False
    return isinstance(node, Convolution) or all(_foldable(nodes, users, below) for below in node.inputs)


def _fold(nodes: list[Node], value: int, factors: Float[Tensor, " c"]) -> None:
    node = nodes[value]
    match node:
        case Convolution():
            nodes[value] = replace(node, weight=_scaled(node, factors))
        case Concat():
            for below, part in zip(node.inputs, factors.split(node.channels), strict=True):
                _fold(nodes, below, part)
        case Permute():
            original = torch.empty_like(factors)
            original[node.order] = factors
            _fold(nodes, node.inputs[0], original)
        case Window() | Interleave():
            for below in node.inputs:
                _fold(nodes, below, factors)
        case Shuffle():
            _fold(nodes, node.inputs[0], factors.repeat_interleave(node.factor**2))


def _scaled(node: Convolution, factors: Float[Tensor, " c"]) -> Float[Tensor, "_o _i _kh _kw"]:
    if not node.transposed:
        return node.weight * factors[:, None, None, None]
    inputs, outputs = node.weight.shape[:2]
    per_group = factors.view(node.groups, 1, outputs, 1, 1)
    return (node.weight.view(node.groups, inputs // node.groups, *node.weight.shape[1:]) * per_group).view_as(
        node.weight
    )


def _used(nodes: list[Node], output: int) -> list[Node]:
    """Only what the output is made of, numbered anew; the picture stays first."""
    used = {0, output}
    for index in range(output, 0, -1):
        if index in used:
            node = nodes[index]
            used.update((*node.inputs, node.pool) if isinstance(node, Unpool) else node.inputs)
    kept = sorted(used)
    number = {old: new for new, old in enumerate(kept)}
    return [_renumbered(nodes[old], number) for old in kept]


def _renumbered(node: Node, number: dict[int, int]) -> Node:
    inputs = tuple(number[value] for value in node.inputs)
    if isinstance(node, Unpool):
        return replace(node, inputs=inputs, pool=number[node.pool])
    return replace(node, inputs=inputs)
