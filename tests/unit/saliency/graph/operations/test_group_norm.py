"""Norms by a picture's own statistics."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segdepth.saliency.graph.operations.block import Block
from segdepth.saliency.graph.operations.group_norm import GroupNorm
from segdepth.saliency.graph.operations.rearrange import Rearrange

from .around import check, some
from .layouts import from_tokens, tokens


@pytest.mark.parametrize("affine", some([True, False], 2))
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_group_norm(groups: int, affine: bool) -> None:
    norm = nn.GroupNorm(groups, 4, affine=affine).double()
    for parameter in norm.parameters():
        nn.init.normal_(parameter)
    check(norm, GroupNorm)


@pytest.mark.parametrize("alone", some([True, False], 2))
@pytest.mark.parametrize("options", [{}, {"affine": True}, {"affine": True, "eps": 0.1}])
def test_instance_norm(options: dict[str, float], alone: bool) -> None:
    check(nn.InstanceNorm2d(4, **options).double(), GroupNorm, alone=alone)


def test_instance_norm_that_remembers_is_batch_norm() -> None:
    """In eval mode by remembered statistics: a factor for each channel."""
    norm = nn.InstanceNorm2d(4, track_running_stats=True).double().eval()
    nn.init.uniform_(norm.running_var, 0.5, 2)
    check(norm, alone=True, exactly=False)


def test_of_one_channel_and_one_row() -> None:
    check(nn.GroupNorm(1, 1).double(), GroupNorm, channels=1, size=(1, 5))


def test_of_tokens() -> None:
    norm = nn.GroupNorm(2, 4).double()
    check(lambda x: from_tokens(norm(tokens(x).transpose(1, 2)).transpose(1, 2), 7), GroupNorm, Rearrange)


def test_of_flat_channels() -> None:
    check(lambda x: F.group_norm(x.flatten(1), 2).view(x.shape), Block, exactly=False)


def test_a_weight_that_depends_on_the_picture() -> None:
    def forward(x: Tensor) -> Tensor:
        return F.group_norm(x, 2, x.mean((0, 2, 3)), x.amax((0, 2, 3)))

    check(forward, Block, exactly=False)


def test_by_hand_it_is_two_means_and_products() -> None:
    def forward(x: Tensor) -> Tensor:
        var, mean = torch.var_mean(x, (2, 3), keepdim=True)
        return (x - mean) * torch.rsqrt(var + 1e-5)

    check(forward, exactly=False)
