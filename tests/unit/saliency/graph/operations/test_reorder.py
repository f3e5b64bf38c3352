"""Long axes in another order: the node by itself, against a matrix with a one for each index."""

from itertools import product

import pytest
import torch
from torch import Tensor

from segdepth.saliency.graph.axes import Box
from segdepth.saliency.graph.operations.node import cut
from segdepth.saliency.graph.operations.reorder import Reorder
from segdepth.saliency.graph.views import CHANNELS, COLUMNS, ROWS

SHAPE = (3, 6, 7)
#: Reversed; some of them, one twice; rolled.
ORDERS = [
    lambda n: torch.arange(n).flip(0),
    lambda n: torch.tensor([0, 2, 2, n - 1]),
    lambda n: torch.arange(n).roll(2),
]


def node(axis: int, order: Tensor) -> Reorder:
    shape = list(SHAPE)
    shape[axis] = len(order)
    return Reorder((0,), (shape[0], shape[1], shape[2]), axis, order, SHAPE[axis])


def spans(size: int) -> list[tuple[int, int]]:
    return [(0, size), (1, size - 1), (2, 3)]


@pytest.mark.parametrize("axis", [CHANNELS, ROWS, COLUMNS])
@pytest.mark.parametrize("order", ORDERS)
def test_gradients_go_back_to_where_numbers_came_from(axis: int, order: object) -> None:
    one = node(axis, order(SHAPE[axis]))
    x = torch.zeros(2, *SHAPE, requires_grad=True)
    whole = torch.randn(2, *one.shape)
    for rows, columns in product(spans(one.shape[1]), spans(one.shape[2])):
        box: Box = (rows, columns)
        inside = torch.zeros(2, *one.shape)
        inside[:, :, slice(*rows), slice(*columns)] = whole[:, :, slice(*rows), slice(*columns)]
        (expected,) = torch.autograd.grad(x.index_select(1 + axis, one.order), x, inside)
        axes = one.axes(0, SHAPE[1:])
        part: Box = box if axes is None else (axes[0].back(rows), axes[1].back(columns))
        found = one.gradient(cut(whole, ((0, one.shape[1]), (0, one.shape[2])), box), box, 0, part, None)
        assert torch.equal(found, expected[:, :, slice(*part[0]), slice(*part[1])])
        outside = expected.clone()
        outside[:, :, slice(*part[0]), slice(*part[1])] = 0
        assert not outside.any()  # the box holds all that it touches


def test_a_part_of_what_it_touches_may_be_asked_for() -> None:
    one = node(ROWS, torch.arange(6).flip(0))
    g = torch.randn(2, 3, 6, 7)
    found = one.gradient(g, ((0, 6), (0, 7)), 0, ((1, 3), (2, 5)), None)
    assert torch.equal(found, g.flip(2)[:, :, 1:3, 2:5])


def test_it_is_said_as_what_it_is() -> None:
    assert node(ROWS, torch.arange(6)).label((6, 7)) == "reordering"
