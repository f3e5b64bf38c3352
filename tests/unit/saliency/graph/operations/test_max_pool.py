"""Max pooling, and unpooling with its winners."""

import pytest
import torch.nn.functional as F
from torch import Tensor

from segdepth.saliency.graph.operations.block import Block
from segdepth.saliency.graph.operations.max_pool import MaxPool
from segdepth.saliency.graph.operations.max_unpool import Unpool

from .around import check, some


@pytest.mark.parametrize("alone", some([False, True], 2))
@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({"kernel_size": 2}, (7, 9)),
        ({"kernel_size": (3, 2), "stride": (2, 1), "padding": (1, 0)}, (7, 10)),
        ({"kernel_size": 3, "stride": 3, "padding": 1, "ceil_mode": True}, (8, 11)),
        ({"kernel_size": (2, 3), "stride": 1, "dilation": (3, 2), "padding": (1, 1)}, (7, 10)),
        ({"kernel_size": 2, "stride": 4}, (9, 10)),
        ({"kernel_size": 1, "stride": 2}, (5, 4)),
        ({"kernel_size": 3, "stride": 1, "padding": 1}, (1, 1)),
    ],
)
def test_max_pooling(options: dict[str, int], size: tuple[int, int], alone: bool) -> None:
    check(lambda x: F.max_pool2d(x, **options), MaxPool, size=size, alone=alone)


def test_of_equal_numbers_one_wins() -> None:
    check(lambda x: F.max_pool2d(x.relu() * 0 + x.relu(), 3, 2), MaxPool, channels=1, exactly=False)


def unpool(x: Tensor, kernel: int, stride: int, padding: int = 0, **options: bool) -> Tensor:
    y, winners = F.max_pool2d(x, kernel, stride, padding, return_indices=True, **options)
    return F.max_unpool2d(y.flip(1), winners, kernel, stride, padding, output_size=x.shape[-2:])


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "ceil_mode", "size"),
    [
        (2, 2, 0, False, (7, 9)),
        (2, 2, 0, True, (7, 9)),
        (3, 3, 1, False, (8, 7)),
        (2, 3, 1, False, (7, 10)),
        (1, 1, 0, False, (1, 1)),
    ],
)
def test_unpooling(kernel: int, stride: int, padding: int, ceil_mode: bool, size: tuple[int, int]) -> None:
    check(lambda x: unpool(x, kernel, stride, padding, ceil_mode=ceil_mode), MaxPool, Unpool, size=size, exactly=False)


def test_unpooling_of_something_else() -> None:
    """Other channels than those that were pooled, of the same size."""

    def forward(x: Tensor) -> Tensor:
        y, winners = F.max_pool2d(x[:, :2], 2, return_indices=True)
        return F.max_unpool2d(F.avg_pool2d(x[:, 2:], 2) * y, winners, 2, output_size=x.shape[-2:])

    check(forward, MaxPool, Unpool, exactly=False)


def test_windows_that_overlap() -> None:
    """Two windows may have one winner: PyTorch writes one of the two values there."""
    check(lambda x: unpool(x, 3, 1, 1), MaxPool, exactly=False)


def test_winners_of_another_size_are_a_block() -> None:
    def forward(x: Tensor) -> Tensor:
        y, winners = F.max_pool2d(x, 2, return_indices=True)
        return F.max_unpool2d(y, winners, 2, output_size=(8, 11))

    check(forward, Block, exactly=False, size=(8, 10))
