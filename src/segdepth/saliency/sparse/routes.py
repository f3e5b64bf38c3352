"""Which values keep rows of their own, and which are read as a part of another value's."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..graph import Graph
from ..graph.route import Route

__all__ = ["Layout", "lay_out"]


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

    def is_done_with(self, owner: int, value: int) -> bool:
        """Whether nothing below a value reads the rows of another one."""
        return owner != value and self.until.get(owner, -1) >= value

    def most(self, rows: Mapping[int, int]) -> int:
        """Rows that are there at once, at most.

        Args:
            rows: of each value with rows of its own.
        """
        there: dict[int, int] = {}
        most = 0
        for value in sorted(self.owners, reverse=True):
            there[value] = rows[value]
            most = max(most, sum(there.values()))
            there = {owner: count for owner, count in there.items() if not self.is_done_with(owner, value)}
        return most


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
