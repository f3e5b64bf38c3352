"""A small network, a picture for it, and what a user sees."""

from collections.abc import Iterator

import pytest
import torch
from jaxtyping import config
from torch import Tensor

from .small import HEIGHT, WIDTH, Small


@pytest.fixture
def net() -> Small:
    return Small().double()


@pytest.fixture
def image() -> Tensor:
    return torch.randn(3, HEIGHT, WIDTH, dtype=torch.float64)


@pytest.fixture
def no_checker() -> Iterator[None]:
    """What a user sees: nobody checks the annotations."""
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", False)
