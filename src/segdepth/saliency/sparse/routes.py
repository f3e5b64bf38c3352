"""Which values keep rows of their own, and which are read as a part of another value's."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from ..graph import Graph, UnsupportedOperationError
from ..graph.nodes import Add, Concat, Interleave, Node, Permute, Pointwise, Shuffle, Window

__all__ = ["Layout", "Route", "lay_out"]

#: Multiplier, offset and divisor.
Affine = tuple[int, int, int]


@dataclass(frozen=True)
class Route:
    """Where a value's gradient stands in another's: position ``r`` is position ``(r m + o) / d``, where that is whole.

    Attributes:
        value: whose rows these are.
        rows: ``m``, ``o`` and ``d`` of rows.
        columns: of columns.
        channels: first channel and the one after the last.
        shift: what a channel of the value has to be raised by to be the other's.
    """

    value: int
    rows: Affine
    columns: Affine
    channels: tuple[int, int]
    shift: int

    def numbers(self) -> Int[ndarray, "9"]:
        """For the kernels."""
        return np.array([*self.rows, *self.columns, *self.channels, self.shift], np.int64)

    def through(self, node: Node, place: int) -> "Route":
        """The route of an input of a node, given the node's own."""
        rows = columns = (1, 0, 1)
        (first, stop), shift = self.channels, self.shift
        match node:
            case Concat():
                first += sum(node.channels[:place])
                stop = first + node.channels[place]
                shift = first
            case Interleave():
                row, column = divmod(place, node.factor)
                rows, columns = (node.factor, row, 1), (node.factor, column, 1)
            case Window():
                rows, columns = (1, -node.start[1], node.step[1]), (1, -node.start[2], node.step[2])
                shift -= node.start[0]
        return Route(self.value, _after(self.rows, rows), _after(self.columns, columns), (first, stop), shift)


def _after(outer: Affine, inner: Affine) -> Affine:
    (m2, o2, d2), (m1, o1, d1) = outer, inner
    return m1 * m2, o1 * m2 + o2 * d1, d1 * d2


@dataclass(frozen=True, eq=False)
class Layout:
    """How gradients are kept.

    Attributes:
        last: the value from which gradients start; what comes after it is the tail.
        routes: per value that has a gradient, where it stands; in its own rows if the route's value is itself.
        contributions: per value with rows of its own, the nodes and places through which its gradient comes.
        until: per value with rows of its own, the last (lowest) value that reads them.
    """

    last: int
    routes: dict[int, Route]
    contributions: dict[int, list[tuple[int, int]]]
    until: dict[int, int]

    @property
    def owners(self) -> set[int]:
        """The values with rows of their own."""
        return {value for value, route in self.routes.items() if route.value == value}


def lay_out(graph: Graph, last: int) -> Layout:
    """Decide for every value between the picture and ``last``.

    Raises:
        UnsupportedOperationError: at a kind of node for which there is no kernel.
    """
    nodes = graph.nodes
    users: dict[int, list[tuple[int, int]]] = {}
    for index, node in enumerate(nodes[: last + 1]):
        if isinstance(node, (Permute, Shuffle)) or (
            isinstance(node, Window) and not node.all_channels and node.step[0] != 1
        ):
            raise UnsupportedOperationError(f"a reordering of channels ({type(node).__name__.lower()})")
        for place, value in enumerate(node.inputs):
            users.setdefault(value, []).append((index, place))
    layout = Layout(last, {}, {}, {})
    summed: dict[
        int, bool
    ] = {}  # whether a value's route passes a sum: then units may be there that it did not let live
    for value in range(last, -1, -1):
        _place(graph, layout, summed, value, users.get(value, []))
    return layout


def _place(graph: Graph, layout: Layout, summed: dict[int, bool], value: int, users: list[tuple[int, int]]) -> None:
    own = Route(value, (1, 0, 1), (1, 0, 1), (0, graph.nodes[value].shape[0]), 0)
    if len(users) == 1 and value not in (layout.last, 0):
        index, place = users[0]
        user = graph.nodes[index]
        if _is_part(user, summed[index]):
            layout.routes[value] = layout.routes[index].through(user, place)
            summed[value] = summed[index] or isinstance(user, Add)
            return
    layout.routes[value] = own
    summed[value] = False
    layout.contributions[value] = users
    for index, _ in users:
        layout.until[layout.routes[index].value] = value  # values are visited downwards: the lowest stays


def _is_part(user: Node, summed: bool) -> bool:
    """Whether an only user's gradient holds the value's as a part, without a calculation."""
    match user:
        case Add() | Concat() | Interleave():
            return True
        case Window():
            return user.all_channels
        case Pointwise():
            return user.is_mask and not summed
        case _:
            return False
