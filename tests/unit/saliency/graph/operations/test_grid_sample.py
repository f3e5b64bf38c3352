"""Sampling at fixed places, and at places that depend on the picture."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segdepth.saliency import Explainer
from segdepth.saliency.graph.operations.block import Block
from segdepth.saliency.graph.operations.grid_sample import GridSample

from .around import check, some


def grid(scale: float, rows: int = 5, columns: int = 6) -> Tensor:
    """Places around a regular grid, some of them outside where the scale is larger than 1."""
    draw = torch.Generator().manual_seed(2)
    regular = F.affine_grid(
        torch.eye(2, 3, dtype=torch.float64)[None] * scale, [1, 1, rows, columns], align_corners=False
    )
    return regular + 0.2 * torch.rand(regular.shape, dtype=torch.float64, generator=draw)


@pytest.mark.parametrize("aligned", some([True, False], 2))
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_fixed_places(mode: str, padding: str, aligned: bool) -> None:
    fixed = grid(1.3)
    check(
        lambda x: F.grid_sample(x, fixed, mode=mode, padding_mode=padding, align_corners=aligned),
        GridSample,
        quickly=(mode, padding) not in (("bilinear", "zeros"), ("bicubic", "reflection"), ("nearest", "border")),
    )


@pytest.mark.parametrize("scale", some([0.1, 1.0, 3.0], 3))
def test_near_and_far_places(scale: float) -> None:
    for padding in ("zeros", "border", "reflection"):
        fixed = grid(scale, 4, 3)
        check(lambda x: F.grid_sample(x, fixed, padding_mode=padding, align_corners=False), GridSample, alone=True)  # noqa: B023


@pytest.mark.parametrize("size", [(1, 1), (1, 5)])
def test_of_one_row(size: tuple[int, int]) -> None:
    fixed = grid(0.9, 3, 4)
    for aligned in (True, False):
        check(lambda x: F.grid_sample(x, fixed, align_corners=aligned), GridSample, size=size, channels=1)  # noqa: B023


def test_by_hand_with_a_fixed_flow() -> None:
    regular, flow = grid(1.0, 7, 10), torch.randn(1, 7, 10, 2, dtype=torch.float64) * 0.1
    check(lambda x: F.grid_sample(x, regular + flow, align_corners=True), GridSample)


def test_places_that_are_no_numbers() -> None:
    fixed = grid(1.0)
    fixed[0, 1, 2, 0] = torch.nan
    check(lambda x: F.grid_sample(x, fixed, align_corners=False), GridSample, quickly=True)


def test_places_stay_where_they_are_on_the_way_back_in_bfloat16() -> None:
    """In bfloat16 the places themselves would be up to three pixels off in a wide picture."""

    class Shifted(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            places = F.affine_grid(torch.eye(2, 3)[None], [1, 1, *x.shape[2:]], align_corners=False)
            return F.grid_sample(x.tanh(), places + 0.0007, align_corners=False)

    explainer = Explainer(Shifted()).at(torch.zeros(1, 8, 832))
    pixels = [(4, 0), (4, 415), (4, 801)]
    expected = explainer.jacobian(pixels, target=0)
    found = Explainer(Shifted()).at(torch.zeros(1, 8, 832), precision="bf16").jacobian(pixels, target=0)
    assert expected.abs().max() > 0.5
    assert (found - expected).abs().max() <= 0.005


def test_places_that_depend_on_the_picture() -> None:
    regular = grid(1.0, 7, 10)

    def forward(x: Tensor) -> Tensor:
        places = regular + 0.2 * x[:, 2:].tanh().permute(0, 2, 3, 1)
        return F.grid_sample(x[:, :2], places, align_corners=False)

    check(forward, Block, exactly=False)


def test_places_that_depend_on_it_without_a_gradient() -> None:
    regular = grid(1.0, 7, 10)

    def forward(x: Tensor) -> Tensor:
        places = regular + 0.2 * x[:, 2:].detach().tanh().permute(0, 2, 3, 1)
        return F.grid_sample(x[:, :2], places, align_corners=False)

    check(forward, Block, exactly=False)
