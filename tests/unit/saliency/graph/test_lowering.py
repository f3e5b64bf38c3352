"""What the operations' files are told of an operation's arguments."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, fx, nn

from segdepth.saliency.graph import UnsupportedOperationError
from segdepth.saliency.graph.lowering import arguments_of, pair, reshaped
from segdepth.saliency.graph.trace import trace
from segdepth.saliency.graph.views import View


class Function(nn.Module):
    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def operation(function: Callable[[Tensor], Tensor], name: str) -> fx.Node:
    net = Function(function)
    traced = trace(net, net, torch.rand(1, 3, 4, 5), lambda: None, [])
    return next(node for node in traced.graph.nodes if name in str(node.target))


def test_arguments_have_names_and_defaults() -> None:
    node = operation(lambda x: torch.nn.functional.softplus(x, beta=2), "softplus")
    found = arguments_of(node)
    assert (found["beta"], found["threshold"]) == (2, 20)
    assert isinstance(found["self"], fx.Node)
    given = arguments_of(node, (torch.ones(1), 5))
    assert given["beta"] == 5
    node = operation(lambda x: x.sum((2, 3), keepdim=True), "sum")
    assert arguments_of(node)["dim"] == [2, 3]
    assert arguments_of(node)["keepdim"] is True
    assert arguments_of(node)["dtype"] is None


@pytest.mark.parametrize(
    ("value", "default", "found"),
    [(3, None, (3, 3)), ([2, 5], None, (2, 5)), ([4], None, (4, 4)), ([], (2, 1), (2, 1))],
)
def test_one_number_stands_for_rows_and_columns(value: object, default: object, found: tuple[int, int]) -> None:
    assert pair(value, default) == found


def test_a_view_that_cuts_pieces_unevenly_is_unsupported() -> None:
    view = View.of_map(0, (6, 4, 1)).permuted([0, 2, 1, 3])
    assert reshaped(view, [2, 12]).sizes == (2, 12)
    with pytest.raises(UnsupportedOperationError, match="a view across the borders of axes"):
        reshaped(view, [3, 8])
    with pytest.raises(UnsupportedOperationError, match="my words"):
        reshaped(view, [3, 8], "my words")
