"""Which values keep rows of their own, and which are read as a part of another value's."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from ..graph import Graph

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

    def at(self, rows: Affine, columns: Affine) -> "Route":
        """The route of a value whose positions are these of the one that this is of."""
        return replace(self, rows=_after(self.rows, rows), columns=_after(self.columns, columns))


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
    """Decide for every value between the picture and ``last``."""
    users: dict[int, list[tuple[int, int]]] = {}
    for index, node in enumerate(graph.nodes[: last + 1]):
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
        user, node = graph.nodes[index], graph.nodes[value]
        route = user.through(layout.routes[index], place, node.shape[1:])
        leads = node.leads(route, graph.nodes[node.inputs[0]].shape[1:])
        if user.holds_parts(index in layout.loose) and leads:
            layout.routes[value] = route
            if index in layout.loose or user.loosens:
                layout.loose.add(value)
            return
    layout.routes[value] = own
    layout.contributions[value] = users
    for index, _ in users:
        layout.until[layout.routes[index].value] = value  # values are visited downwards: the lowest stays
