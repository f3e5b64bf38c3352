"""Which values keep rows of their own: a gradient that stands in another's is read there."""

import pytest
import torch
from torch import Tensor, nn

from segdepth.saliency.apart import take_apart
from segdepth.saliency.sparse.routes import Layout, lay_out


class Net(nn.Module):
    """Two convolutions, what is made of their answers, and a convolution."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.a, self.b, self.how = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(3, 4, 3, padding=1), how
        self.last = nn.Conv2d(8 if how == "concatenated" else 4, 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.a(x), self.b(x)
        if self.how == "concatenated":
            y = torch.cat([a, b], 1)
        elif self.how == "added":
            y = a + b
        else:
            y = a.tanh() + b
        return self.last(y)


def layout_of(how: str) -> tuple[Layout, list[str]]:
    torch.manual_seed(0)
    net = Net(how).double().eval()
    graph = take_apart(net, net, torch.rand(3, 8, 9, dtype=torch.float64))
    return lay_out(graph, len(graph.nodes) - 1), [type(node).__name__ for node in graph.nodes]


def test_parts_of_a_concatenation_are_read_as_its_channels() -> None:
    layout, kinds = layout_of("concatenated")
    joined = kinds.index("Concat")
    parts = [value for value, route in layout.routes.items() if route.value == joined != value]
    routes = sorted(layout.routes[value].channels for value in parts)
    assert routes == [(0, 4), (4, 8)]
    assert sorted(layout.routes[value].shift for value in parts) == [0, 4]
    assert layout.owners == {0, joined, len(kinds) - 1}
    assert layout.loose == {layout.last}


def test_summands_stand_in_their_sum() -> None:
    layout, kinds = layout_of("added")
    total = kinds.index("Add")
    parts = [value for value, route in layout.routes.items() if route.value == total != value]
    assert len(parts) == 2
    assert set(parts) <= layout.loose  # units may be live there that are dead in one of the two
    assert layout.owners == {0, total, len(kinds) - 1}


def test_what_is_changed_has_rows_of_its_own() -> None:
    layout, kinds = layout_of("changed")
    (before,) = (index for index, kind in enumerate(kinds) if kind == "Pointwise")
    assert before not in layout.owners or layout.routes[before].value == before
    readers = {index for users in layout.contributions.values() for index, _ in users}
    assert before in readers  # its input takes its gradient from it by a step
    assert layout.owners == layout.contributions.keys()


@pytest.mark.parametrize("how", ["concatenated", "added", "changed"])
def test_rows_are_there_until_their_last_reader(how: str) -> None:
    layout, _ = layout_of(how)
    for owner in layout.owners:
        readers = [
            value
            for value, users in layout.contributions.items()
            if any(layout.routes[index].value == owner for index, _ in users)
        ]
        assert layout.until.get(owner) == min(readers, default=None)
    rows = {value: value + 1 for value in layout.owners}
    assert layout.most(rows) == most_at_once(layout, rows)


def most_at_once(layout: Layout, rows: dict[int, int]) -> int:
    """From the output on: a value's rows are made, then what nothing below reads is given up."""
    most, there = 0, set[int]()
    for value in sorted(layout.owners, reverse=True):
        there.add(value)
        most = max(most, sum(rows[one] for one in there))
        there = {
            one
            for one in there
            if one == value or any(
                below < value and layout.routes[index].value == one
                for below, users in layout.contributions.items()
                for index, _ in users
            )
        }  # fmt: skip
    return most
