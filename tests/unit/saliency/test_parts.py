"""What became of a network's parts, in a user's words."""

import pytest
import torch
from torch import Tensor, nn

from segdepth.saliency.apart import take_apart
from segdepth.saliency.parts import Part, _common, parts_of


class Sorted(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.sort(dim=3)[0]


def parts(net: nn.Module) -> list[Part]:
    net = net.double().eval()
    return parts_of(take_apart(net, net, torch.rand(3, 8, 9, dtype=torch.float64)))


def test_operations_that_are_known_are_named_with_their_modules() -> None:
    found = parts(nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Sequential(nn.Conv2d(4, 2, 1))))
    assert {part.how for part in found} == {"native"}
    assert {part.reason for part in found} == {""}
    assert [part.module for part in found] == ["0", "1", "2.0"]


def test_a_batch_norm_that_went_into_a_convolution_is_no_part() -> None:
    found = parts(nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1)))
    assert [part.module for part in found] == ["0", "2"]


def test_a_block_says_what_it_costs_and_where_it_is() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Sequential(nn.ReLU(), Sorted()), nn.Conv2d(4, 2, 1))
    (block,) = (part for part in parts(net) if part.how == "block")
    assert block.module == "1.1"
    assert block.operation == "sort"
    assert block.reason.startswith("autograd takes the whole map at once back: ")
    assert block.reason.endswith("of the network's arithmetic")


def test_several_modules_in_a_block_are_those_that_hold_them() -> None:
    inner = nn.Sequential(Sorted(), Sorted())
    (block,) = (part for part in parts(nn.Sequential(nn.Conv2d(3, 2, 1), inner)) if part.how == "block")
    assert block.module == "1"


@pytest.mark.parametrize(
    ("paths", "common"),
    [
        (["a.b.c"], "a.b.c"),
        (["a.b.c", "a.b.d"], "a.b"),
        (["a.b", "a.bc"], "a"),
        (["a", "b"], ""),
        (["a.b", "a"], "a"),
        ([""], ""),
        ([], ""),
    ],
)
def test_the_innermost_module_that_holds_all(paths: list[str], common: str) -> None:
    assert _common(paths) == common
