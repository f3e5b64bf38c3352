"""Which operations of a trace are taken back together, as one block."""

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

import torch
from torch import Tensor, fx

from .results import ends, is_item
from .trace import DETACH

__all__ = ["Regions", "carrying"]

aten = torch.ops.aten

#: What depends on the picture not at all, or in a way that autograd does not follow.
WITHOUT_GRADIENT = (
    *DETACH, aten.empty_like.default, aten.full_like.default, aten.new_empty.default, aten.new_full.default,
    aten.new_ones.default, aten.new_zeros.default, aten.ones_like.default, aten.zeros_like.default, aten.rand_like.default,
    aten.randn_like.default, aten.zero.default,
)  # fmt: skip

#: What all numbers of a value are replaced by comes second.
FILL = (aten.fill.Scalar, aten.fill.Tensor)


def carrying(traced: fx.GraphModule) -> list[fx.Node]:
    """The operations through which a gradient goes from the output to the picture, in order; the picture is not among them."""
    placeholder, output = ends(traced)
    forward = {placeholder}
    for node in traced.graph.nodes:
        if node.op == "call_function" and node.target not in WITHOUT_GRADIENT and _has_derivative(node):
            forward |= {node} if not forward.isdisjoint(_followed(node)) else set()
    backward: set[fx.Node] = set()
    waiting = [output]
    while waiting:
        node = waiting.pop()
        if node in forward and node not in backward:
            backward.add(node)
            waiting += _followed(node)
    return [node for node in traced.graph.nodes if node in backward and node is not placeholder]


def _followed(node: fx.Node) -> list[fx.Node]:
    """The arguments that have a derivative: not what is overwritten as a whole."""
    return [n for n in node.args[1:] if isinstance(n, fx.Node)] if node.target in FILL else node.all_input_nodes


def _has_derivative(node: fx.Node) -> bool:
    value = node.meta.get("val")
    values = value if isinstance(value, (tuple, list)) else [value]
    found = [one for one in values if isinstance(one, Tensor) and one.numel()]
    return any(one.is_floating_point() or one.is_complex() for one in found)


class Regions:
    """Operations that no file knows, in connected groups; between two of these is none that depends on one and leads to the same.

    Args:
        operations: all that carry a gradient, in order.
        unknown: those that are in a block.
    """

    def __init__(self, operations: list[fx.Node], unknown: Iterable[fx.Node]) -> None:
        self._operations = operations
        members = set(unknown)
        members |= {node.args[0] for node in members if is_item(node)}  # type: ignore[misc]
        for node in operations:  # a result of several goes with what it is a result of
            if is_item(node) and node.args[0] in members:
                members.add(node)
        self.of: dict[fx.Node, int] = {}
        for node in operations:
            if node in members:
                self._join(node, [n for n in node.all_input_nodes if n in self.of])
        self._make_convex()

    def _join(self, node: fx.Node, neighbours: list[fx.Node]) -> None:
        numbers = {self.of[n] for n in neighbours}
        number = min(numbers, default=len(self._operations) + len(self.of))
        self.of[node] = number
        for other in [n for n, k in self.of.items() if k in numbers]:
            self.of[other] = number

    def _unit(self, node: fx.Node) -> "int | fx.Node":
        return self.of.get(node, node)

    def _make_convex(self) -> None:
        while True:
            try:
                self.order = self._sorted()
            except CycleError as error:
                cycle = set(error.args[1])
                number = min(unit for unit in cycle if isinstance(unit, int))
                for node in self._operations:
                    if self._unit(node) in cycle:
                        self.of[node] = number
            else:
                return

    def _sorted(self) -> "list[int | fx.Node]":
        known = set(self._operations)
        depends: dict[int | fx.Node, set[int | fx.Node]] = {}
        for node in self._operations:
            unit = self._unit(node)
            before = depends.setdefault(unit, set())
            before.update(self._unit(n) for n in node.all_input_nodes if n in known and self._unit(n) != unit)
        return list(TopologicalSorter(depends).static_order())

    def members(self, number: int) -> list[fx.Node]:
        """Of one block, in order."""
        return [node for node in self._operations if self.of.get(node) == number]


def between(operations: list[fx.Node], ends: Mapping[fx.Node, object] | set[fx.Node]) -> set[fx.Node]:
    """The operations that depend on one of ``ends`` and lead to one, these themselves included."""
    after: set[fx.Node] = set()
    for node in operations:
        if node in ends or not after.isdisjoint(node.all_input_nodes):
            after.add(node)
    before: set[fx.Node] = set()
    for node in reversed(operations):
        if node in ends or not before.isdisjoint(node.users):
            before.add(node)
    return after & before
