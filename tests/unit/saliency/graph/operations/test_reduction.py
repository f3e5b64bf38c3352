"""Sums, means, norms, maxima over positions, over channels, and over parts of both; axes kept or not."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from segdepth.saliency.graph.operations.channels import Channels
from segdepth.saliency.graph.operations.convolution import Convolution
from segdepth.saliency.graph.operations.node import Node
from segdepth.saliency.graph.operations.reduction import Reduction
from segdepth.saliency.graph.operations.separable import Separable

from .around import Operation, check, some, together
from .layouts import from_tokens, tokens

Reducing = Callable[..., Tensor]

#: Of ``(x, dim, keepdim)``.
REDUCTIONS: dict[str, Reducing] = {
    "sum": lambda x, d, k: x.sum(d, keepdim=k),
    "mean": lambda x, d, k: x.mean(d, keepdim=k),
    "variance": lambda x, d, k: x.var(d, keepdim=k),
    "variance, biased": lambda x, d, k: x.var(d, unbiased=False, keepdim=k),
    "deviation": lambda x, d, k: (x + x.detach().argsort().argsort()).std(d, keepdim=k),
    "maximum": lambda x, d, k: x.amax(d, keepdim=k),
    "minimum": lambda x, d, k: x.amin(d, keepdim=k),
    "norm": lambda x, d, k: torch.linalg.vector_norm(x + 1, dim=d, keepdim=k),
    "sum of sizes": lambda x, d, k: torch.linalg.vector_norm(x + 1, 1, d, keepdim=k),
    "largest size": lambda x, d, k: torch.linalg.vector_norm(x, float("inf"), d, keepdim=k),
    "old norm": lambda x, d, k: (x + 1).norm(3, d, keepdim=k),
    "log of sum of exponents": lambda x, d, k: x.logsumexp(d, keepdim=k),
}

ONE_AXIS: dict[str, Reducing] = {
    "maximum and where": lambda x, d, k: x.max(d, keepdim=k).values,
    "minimum and where": lambda x, d, k: x.min(d, keepdim=k).values,
    "product": lambda x, d, k: (x + 0.5).prod(d, keepdim=k),
}


AXES: dict[str, Callable[[Reducing], Operation]] = {
    "positions": lambda reduce: lambda x: reduce(x, (2, 3), True),
    "positions of tokens": lambda reduce: lambda x: reduce(tokens(x.sin()), 1, False)[..., None, None],
    "everything": lambda reduce: lambda x: reduce(x, (1, 2, 3), True),
}

ONE_AXIS_EACH: dict[str, Callable[[Reducing], Operation]] = {
    "channels": lambda reduce: lambda x: reduce(x, 1, True),
    "channels, last": lambda reduce: lambda x: reduce(x.permute(0, 2, 3, 1), -1, False)[None],
    "rows": lambda reduce: lambda x: reduce(x, 3, True),
    "columns": lambda reduce: lambda x: reduce(x, -2, False).unsqueeze(2),
}


@pytest.mark.parametrize("axes", AXES)
def test_over_positions(axes: str) -> None:
    """All at once: of what is wrong the graph says the name."""
    check(
        together(AXES[axes](reduce) for reduce in REDUCTIONS.values()),
        Separable,
        Reduction,
        exactly=False,
        quickly=True,
    )


@pytest.mark.parametrize("axes", ONE_AXIS_EACH)
def test_over_one_axis(axes: str) -> None:
    every = (REDUCTIONS | ONE_AXIS).values()
    kind = Convolution if "channels" in axes else Separable
    check(together(ONE_AXIS_EACH[axes](reduce) for reduce in every), Channels, kind, exactly=False, quickly=True)


#: What has no kernel, or reaches everything, with what is around it.
ONE_EACH: dict[str, tuple[Operation, type[Node]]] = {
    "mean of positions": (lambda x: x.mean((2, 3), keepdim=True), Separable),
    "largest of positions": (lambda x: x.amax((2, 3), keepdim=True), Reduction),
    "mean of channels": (lambda x: x.mean(1, keepdim=True), Convolution),
    "variance of channels": (lambda x: x.var(1, keepdim=True), Channels),
    "norm of everything": (lambda x: x / x.norm(), Reduction),
    "largest of channels": (lambda x: x.max(1, keepdim=True).values, Channels),
    "sum of rows": (lambda x: x.sum(3, keepdim=True), Separable),
}


@pytest.mark.parametrize("name", ONE_EACH)
def test_one(name: str) -> None:
    operation, kind = ONE_EACH[name]
    check(operation, kind, exactly=False)


def test_without_axes() -> None:
    ways: list[Operation] = [
        lambda x: x * x.sum(),
        lambda x: x - x.mean(),
        lambda x: x / (x.max() + 3),
        lambda x: x / (x.min() - 3),
        lambda x: x * (x.var() + 1e-5).rsqrt(),
        lambda x: x * x.std(),
        lambda x: x / x.norm(),
        lambda x: x * (1 + x / 9).prod(),
    ]
    check(together(ways), Separable, Reduction, exactly=False, quickly=True)


PARTS: dict[str, Callable[[Tensor], Tensor]] = {
    "of heads": lambda x: x.view(1, 2, 2, 7, 10).amax(1),
    "inside heads": lambda x: x.view(1, 2, 2, 7, 10).logsumexp(2),
    "channels and columns": lambda x: x.amax((1, 2), keepdim=True),
    "of rows and columns, one after the other": lambda x: x.amax(3).amax(2)[..., None, None],
    "of windows": lambda x: x.view(1, 4, 7, 2, 5).var(4),
    "of tokens": lambda x: from_tokens(tokens(x) - tokens(x).amax(2, keepdim=True), 7),
}

SUMS_OF_PARTS: dict[str, Callable[[Tensor], Tensor]] = {
    "of heads": lambda x: x.view(1, 2, 2, 7, 10).mean(1),
    "inside heads": lambda x: x.view(1, 2, 2, 7, 10).sum(2),
    "channels and columns": lambda x: x.mean((1, 2), keepdim=True),
    "of windows": lambda x: x.view(1, 4, 7, 2, 5).mean(4),
    "of tokens": lambda x: from_tokens(tokens(x) - tokens(x).mean(2, keepdim=True), 7),
}


@pytest.mark.parametrize("name", some(SUMS_OF_PARTS, 3))
def test_sums_over_parts_of_axes(name: str) -> None:
    check(SUMS_OF_PARTS[name], Convolution, exactly=False)


@pytest.mark.parametrize("name", some(PARTS, 2))
def test_over_parts_of_axes(name: str) -> None:
    check(PARTS[name], Channels, exactly=False)


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (5, 1)])
def test_of_one_row_column_or_position(size: tuple[int, int]) -> None:
    check(lambda x: x.amax((2, 3), keepdim=True) * x, size=size, exactly=False)
    check(lambda x: x.mean((2, 3), keepdim=True) * x, size=size, exactly=False)


def test_equal_numbers_share_the_gradient_of_their_maximum() -> None:
    check(lambda x: x.relu().amax((2, 3), keepdim=True) + (x * 0).amax((2, 3), keepdim=True), Reduction, exactly=False)


def test_variance_and_mean_at_once() -> None:
    def forward(x: Tensor) -> Tensor:
        deviation, mean = torch.std_mean(x, 1, keepdim=True)
        return (x - mean) / (deviation + 0.1)

    check(forward, Channels, Convolution, exactly=False)
    check(lambda x: torch.cat([*torch.var_mean(x, (2, 3), keepdim=True)], 1), Reduction, Separable, exactly=False)


def test_squeeze_and_excitation_of_four_spellings() -> None:
    layer = torch.nn.Linear(4, 4).double()
    ways: list[Callable[[Tensor], Tensor]] = [
        lambda x: x * layer(x.mean((2, 3))).sigmoid()[..., None, None],
        lambda x: x * layer(torch.nn.functional.adaptive_avg_pool2d(x, 1).flatten(1)).sigmoid().view(1, 4, 1, 1),
        lambda x: x * torch.nn.functional.conv2d(
            x.flatten(2).mean(2)[:, :, None, None], layer.weight[:, :, None, None], layer.bias
        ).sigmoid().expand_as(x),
        lambda x: x * torch.einsum("bchw,dc->bd", x, layer.weight).sigmoid().unsqueeze(-1).unsqueeze(-1),
    ]  # fmt: skip
    check(together(ways), Separable, exactly=False, quickly=True)
