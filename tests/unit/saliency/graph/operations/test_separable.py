"""Fixed linear maps along rows and columns: resizing, average pooling, borders, rolls, flips, chosen and repeated positions."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from segdepth.saliency.graph.operations.block import Block
from segdepth.saliency.graph.operations.convolution import Convolution
from segdepth.saliency.graph.operations.separable import Separable

from .around import Operation, check, some
from .layouts import from_tokens, tokens

RESIZES: dict[str, Operation] = {
    "nearest": lambda x: F.interpolate(x, (11, 6)),
    "nearest, by factors": lambda x: F.interpolate(x, scale_factor=(1.7, 0.6)),
    "nearest, exactly": lambda x: F.interpolate(x, (5, 23), mode="nearest-exact"),
    "bilinear": lambda x: F.interpolate(x, (13, 6), mode="bilinear"),
    "bilinear, corners aligned": lambda x: F.interpolate(x, (13, 6), mode="bilinear", align_corners=True),
    "bilinear, by factors": lambda x: F.interpolate(x, scale_factor=(2, 1.3), mode="bilinear"),
    "bilinear, by recomputed factors": lambda x: F.interpolate(
        x, scale_factor=1.45, mode="bilinear", recompute_scale_factor=True
    ),
    "bilinear, smoothed": lambda x: F.interpolate(x, (3, 19), mode="bilinear", antialias=True),
    "bicubic": lambda x: F.interpolate(x, (13, 6), mode="bicubic"),
    "bicubic, corners aligned": lambda x: F.interpolate(x, (4, 15), mode="bicubic", align_corners=True),
    "bicubic, smoothed": lambda x: F.interpolate(x, (4, 5), mode="bicubic", antialias=True),
    "area": lambda x: F.interpolate(x, (3, 4), mode="area"),
    "to one position": lambda x: F.interpolate(x, (1, 1), mode="bilinear"),
}


@pytest.mark.parametrize("alone", some([False, True], 2))
@pytest.mark.parametrize("name", RESIZES)
def test_resizing(name: str, alone: bool) -> None:
    check(RESIZES[name], Separable, alone=alone, quickly=alone)


@pytest.mark.parametrize("name", ["nearest", "bilinear", "bilinear, corners aligned", "bicubic", "bilinear, smoothed"])
@pytest.mark.parametrize("size", some([((1, 1),), ((1, 6),)], 2))
def test_resizing_of_one_row(name: str, size: tuple[int, int]) -> None:
    check(RESIZES[name], Separable, channels=1, size=size)


def test_resizing_to_the_same_size() -> None:
    check(lambda x: F.interpolate(x, (7, 10), mode="bilinear"), Separable)


AVERAGES: dict[str, Operation] = {
    "plain": lambda x: F.avg_pool2d(x, 2),
    "odd": lambda x: F.avg_pool2d(x, (3, 2), (2, 3), (1, 0), ceil_mode=True),
    "without the border": lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False),
    "without the border, and ceiled": lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False),
    "overlapping": lambda x: F.avg_pool2d(x, (1, 4), 1),
    "adaptive": lambda x: F.adaptive_avg_pool2d(x, (3, 4)),
    "adaptive, larger": lambda x: F.adaptive_avg_pool2d(x, (11, 13)),
    "adaptive, rows only": lambda x: F.adaptive_avg_pool2d(x, (None, 1)),
    "of everything": lambda x: F.adaptive_avg_pool2d(x, 1),
    "of everything, back to its size": lambda x: F.adaptive_avg_pool2d(x, 1).expand_as(x),
    "by powers": lambda x: F.lp_pool2d(x.abs() + 0.1, 2, 2),
}


@pytest.mark.parametrize("name", some(AVERAGES, 2))
def test_average_pooling(name: str) -> None:
    check(AVERAGES[name], Separable, exactly=False)


BORDERS: dict[str, Operation] = {
    "mirrored": lambda x: F.pad(x, (2, 1, 0, 3), mode="reflect"),
    "repeated": lambda x: F.pad(x, (3, 0, 2, 1), mode="replicate"),
    "repeated, negative": lambda x: F.pad(x, (-1, 2, 1, -2), mode="replicate"),
    "round": lambda x: F.pad(x, (2, 1, 1, 3), mode="circular"),
    "round by hand": lambda x: torch.cat([x[..., -2:], x, x[..., :1]], 3),
}


@pytest.mark.parametrize("name", BORDERS)
def test_borders(name: str) -> None:
    check(BORDERS[name], exactly=False)
    check(lambda x: torch.nn.functional.conv2d(BORDERS[name](x), WEIGHT), Convolution, exactly=False, quickly=True)


WEIGHT = torch.randn(2, 4, 3, 3, dtype=torch.float64)

TRUTHS = torch.tensor([True, False, True, True])

MOVES: dict[str, Operation] = {
    "rolled": lambda x: x.roll((2, -3), (2, 3)),
    "rolled once along rows": lambda x: x.roll(1, 3),
    "rolled round and round": lambda x: x.roll((16, -23), (2, 3)),
    "rolled channels": lambda x: x.roll(1, 1),
    "rolled, channels last": lambda x: x.permute(0, 2, 3, 1).roll((1, 2), (1, 2)).permute(0, 3, 1, 2),
    "rolled tokens": lambda x: from_tokens(tokens(x).roll(3, 1), 7),
    "flipped": lambda x: x.flip(3),
    "flipped rows and channels": lambda x: x.flip((1, 2)),
    "chosen rows": lambda x: x[:, :, [3, 0, 0, 6]],
    "chosen channels": lambda x: x[:, torch.tensor([2, -1, 2])],
    "chosen columns": lambda x: x.index_select(3, torch.tensor([9, 1])),
    "chosen by truths": lambda x: x[:, TRUTHS],
    "taken along rows": lambda x: x[..., torch.arange(9, -1, -1)],
    "repeated": lambda x: x[:, :1].repeat(1, 3, 1, 1),
    "repeated tiles": lambda x: x.repeat(1, 2, 1, 2),
    "each repeated": lambda x: x.repeat_interleave(2, 3),
    "each channel repeated": lambda x: x.repeat_interleave(3, 1),
    "expanded": lambda x: x.mean((2, 3), keepdim=True).expand(-1, -1, 3, 5),
    "expanded channels": lambda x: x[:, 1:2].expand(-1, 4, -1, -1),
    "expanded numbers": lambda x: x.amax((2, 3))[..., None, None].expand(1, 4, 2, 3),
    "expanded and flattened": lambda x: x[:, :, None].expand(-1, -1, 2, -1, -1).flatten(1, 2),
    "nearest by hand": lambda x: x[:, :, :, None, :, None].expand(-1, -1, -1, 2, -1, 2).reshape(1, 4, 14, 20),
}


@pytest.mark.parametrize("name", some(MOVES, 3))
def test_moves(name: str) -> None:
    check(MOVES[name], exactly=False)


def test_a_divisor_of_its_own() -> None:
    check(lambda x: F.avg_pool2d(x, 2, divisor_override=3), Block, exactly=False)


def test_a_mean_of_a_mean() -> None:
    def forward(x: Tensor) -> Tensor:
        size = x.shape[-2:]
        small = F.interpolate(F.adaptive_avg_pool2d(x, (3, 2)), (1, 5), mode="bilinear")
        return F.interpolate(small, size, mode="bilinear", align_corners=True)

    check(forward, Separable, alone=True)


@pytest.mark.parametrize(
    "operation",
    [
        lambda x: x.roll(5),
        lambda x: x.rot90(1, (2, 3)),
        lambda x: x[:, :, [0, 2, 5], [1, 1, 7]].unsqueeze(3),
        lambda x: x.gather(3, (torch.arange(280).view(1, 4, 7, 10) * 7) % 10),
        lambda x: x.tril(1),
    ],
)
def test_moves_that_are_blocks(operation: Operation) -> None:
    check(operation, Block, exactly=False)
