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
        inside: whether what stands around the value in the other is not its own: positions beyond the value's border
            have one there, too.
    """

    value: int
    rows: Affine
    columns: Affine
    channels: tuple[int, int]
    shift: int
    inside: bool = False

    def numbers(self) -> Int[ndarray, "9"]:
        """For the kernels."""
        return np.array([*self.rows, *self.columns, *self.channels, self.shift], np.int64)

    def through(self, node: Node, place: int, sizes: tuple[int, int]) -> "Route":
        """The route of an input of a node, given the node's own.

        Args:
            node: whose route this is.
            place: of the input.
            sizes: rows and columns of the input.
        """
        rows = columns = (1, 0, 1)
        (first, stop), shift, inside = self.channels, self.shift, self.inside
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
                inside |= any(node.start[1 + k] < 0 or _shown(node, k)[1] > sizes[k] for k in (0, 1))
        return Route(self.value, _after(self.rows, rows), _after(self.columns, columns), (first, stop), shift, inside)

    def holds(self, window: Window, sizes: tuple[int, int]) -> bool:
        """Whether a window's input can be read through it, given the window's own route.

        Not if the window leaves out positions that, reckoned on through its border or between its steps, have a place
        in the other value after all: there stands somebody else's gradient.
        """
        left_out = any(window.start[1 + k] > 0 or _shown(window, k)[1] < sizes[k] for k in (0, 1))
        stepped = window.step[1:] != (1, 1)
        enlarged = self.rows[0] != 1 or self.columns[0] != 1
        return not (left_out and self.inside) and not (stepped and (enlarged or self.inside))


def _shown(window: Window, axis: int) -> tuple[int, int]:
    """First row (or column) of the input that a window shows, and the one after the last."""
    start, step, count = window.start[1 + axis], window.step[1 + axis], window.shape[1 + axis]
    return start, start + (count - 1) * step + 1


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
        loose: the values that stand in rows where units may be live that are dead in the value: the rows of a sum, in which
            the other summand's live units stand, too, and those of ``last``, which are all there.
    """

    last: int
    routes: dict[int, Route]
    contributions: dict[int, list[tuple[int, int]]]
    until: dict[int, int]
    loose: set[int]

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
    layout = Layout(last, {}, {}, {}, {last})
    for value in range(last, -1, -1):
        _place(graph, layout, value, users.get(value, []))
    return layout


def _place(graph: Graph, layout: Layout, value: int, users: list[tuple[int, int]]) -> None:
    own = Route(value, (1, 0, 1), (1, 0, 1), (0, graph.nodes[value].shape[0]), 0)
    if len(users) == 1 and value not in (layout.last, 0):
        index, place = users[0]
        user = graph.nodes[index]
        node = graph.nodes[value]
        route = layout.routes[index].through(user, place, node.shape[1:])
        lost = isinstance(node, Window) and not route.holds(node, graph.nodes[node.inputs[0]].shape[1:])
        if _is_part(user, index in layout.loose) and not lost:
            layout.routes[value] = route
            if index in layout.loose or isinstance(user, Add):
                layout.loose.add(value)
            return
    layout.routes[value] = own
    layout.contributions[value] = users
    for index, _ in users:
        layout.until[layout.routes[index].value] = value  # values are visited downwards: the lowest stays


def _is_part(user: Node, loose: bool) -> bool:
    """Whether an only user's gradient holds the value's as a part, without a calculation."""
    match user:
        case Add() | Concat() | Interleave():
            return True
        case Window():
            return user.all_channels
        case Pointwise():
            return user.is_mask and not loose
        case _:
            return False
