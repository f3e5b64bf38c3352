"""Which operations carry a gradient, and which go together as one block."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, fx, nn

from segdepth.saliency.graph.regions import Regions, between, carrying
from segdepth.saliency.graph.trace import trace


class Function(nn.Module):
    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def operations(function: Callable[[Tensor], Tensor]) -> list[fx.Node]:
    """Without the first, which copies the picture."""
    net = Function(function)
    first, *others = carrying(trace(net, net, torch.rand(1, 3, 4, 5), lambda: None, []))
    assert names([first]) == ["clone"]
    return others


def names(nodes: list[fx.Node]) -> list[str]:
    return [node.target.__name__.split(".")[0] for node in nodes]


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: x.sin().cos(), ["sin", "cos"]),
        (lambda x: x.sin() + x.cos().detach(), ["sin", "add"]),
        (lambda x: x.sin() * (x > 0), ["sin", "mul"]),
        (lambda x: x.sin() + torch.zeros_like(x.cos()), ["sin", "add"]),
        (lambda x: x.sin() + torch.ones(3, 1, 1).exp(), ["sin", "add"]),
        (lambda x: x.sin() + 0 * x.argmax(), ["sin", "add"]),
    ],
)
def test_only_what_a_gradient_goes_through_carries_it(
    function: Callable[[Tensor], Tensor], expected: list[str]
) -> None:
    assert names(operations(function)) == expected


def regions_of(function: Callable[[Tensor], Tensor], *unknown: str) -> tuple[Regions, list[set[str]]]:
    found = operations(function)
    regions = Regions(found, [node for node in found if names([node])[0] in unknown])
    numbers = dict.fromkeys(regions.of.values())
    return regions, [set(names(regions.members(number))) for number in numbers]


def test_neighbours_are_one_block_and_others_another() -> None:
    _, blocks = regions_of(lambda x: (x.sin().cos().exp() * 2).tanh(), "sin", "cos", "tanh")
    assert blocks == [{"sin", "cos"}, {"tanh"}]


def test_what_stands_between_a_block_s_operations_is_in_it() -> None:
    """sin, then on one way exp, then both together: exp cannot come before the block, nor after it."""

    def function(x: Tensor) -> Tensor:
        y = x.sin()
        return y.cos() + (y * y.exp()).cos()

    regions, blocks = regions_of(function, "sin", "cos", "mul")
    assert blocks == [{"sin", "cos", "mul", "exp"}]
    assert len(regions.order) == 2  # the block and the sum
    assert names([node for node in regions.order if isinstance(node, fx.Node)]) == ["add"]


def test_the_order_has_everything_after_what_it_needs() -> None:
    found = operations(lambda x: x.sin().exp().cos() + x.tanh().sin())
    regions = Regions(found, [node for node in found if names([node])[0] in ("sin", "cos")])
    done: set[fx.Node] = set()
    for unit in regions.order:
        members = regions.members(unit) if isinstance(unit, int) else [unit]
        for node in members:
            needed = {n for n in node.all_input_nodes if n in found}
            assert needed <= done | set(members)
        done |= set(members)
    assert done == set(found)


def test_one_result_of_several_goes_with_the_operation() -> None:
    regions, (block,) = regions_of(lambda x: x.topk(2, dim=3)[0].sin(), "topk")
    assert block == {"topk", "getitem"}
    assert len(regions.of) == 2


def test_between_is_what_depends_on_one_and_leads_to_one() -> None:
    def function(x: Tensor) -> Tensor:
        y = x.sin()
        return y.cos().exp().tanh() + y.sigmoid()

    found = operations(function)
    by_name = dict(zip(names(found), found, strict=True))
    inside = between(found, {by_name["sin"], by_name["exp"]})
    assert set(names(list(inside))) == {"sin", "cos", "exp"}
    assert between(found, set()) == set()
