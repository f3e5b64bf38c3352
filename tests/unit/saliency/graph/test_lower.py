"""Operations in forms that are rare."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from ..held import attack, held


@pytest.mark.parametrize(
    "function",
    [
        lambda part, x: x / x.norm(),
        lambda part, x: x / x.std(),
        lambda part, x: (torch.complex(x, x.sin()) * torch.exp(1j * x)).abs(),
        lambda part, x: part.norm(x[:, :, None])[:, :, 0],
    ],
    ids=["norm", "std", "complex", "batch norm of volumes"],
)
def test_operations_in_rare_forms(function: Callable[..., Tensor]) -> None:
    attack(held(function, norm=nn.BatchNorm3d(4)))
