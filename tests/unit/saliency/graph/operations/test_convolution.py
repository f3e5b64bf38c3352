"""Convolutions, transposed ones, and matrix products with fixed weights in every layout."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segdepth.saliency.graph.operations.block import Block
from segdepth.saliency.graph.operations.convolution import Convolution
from segdepth.saliency.graph.operations.rearrange import Rearrange

from .around import check, some, using
from .layouts import from_tokens, from_windows, tokens, windows

CONVOLUTIONS = [
    (3, 1, {}, (7, 10)),
    (3, 3, {"padding": 1}, (7, 10)),
    (3, (3, 2), {"padding": (2, 0), "stride": (2, 1)}, (7, 10)),
    (3, (1, 4), {"padding": (0, 3), "stride": (1, 3)}, (5, 11)),
    (3, 3, {"padding": 4, "dilation": (3, 2)}, (7, 10)),
    (3, 2, {"dilation": (1, 4), "stride": (3, 2), "padding": (1, 2)}, (8, 9)),
    (4, 3, {"groups": 4, "padding": 1}, (7, 10)),
    (6, 3, {"groups": 2, "padding": (0, 1), "stride": 2}, (7, 10)),
    (3, 1, {"stride": 2}, (7, 10)),
    (3, 1, {"padding": 1}, (4, 5)),
    (3, 1, {"groups": 1, "stride": (1, 2), "padding": (1, 0)}, (4, 5)),
    (2, 7, {"padding": 3}, (1, 1)),
    (2, (1, 7), {"padding": (0, 3)}, (1, 9)),
    (70, 5, {"padding": 2, "stride": (1, 2)}, (6, 7)),  # all taps in one matrix product
]


@pytest.mark.parametrize(("outputs", "kernel", "options", "size"), some(CONVOLUTIONS, 2))
def test_convolution(outputs: int, kernel: Any, options: dict[str, Any], size: tuple[int, int]) -> None:
    check(nn.Conv2d(4, outputs, kernel, **options).double(), Convolution, size=size)


def test_a_single_channel() -> None:
    check(nn.Conv2d(1, 1, 3, padding=1, stride=2).double(), Convolution, channels=1)


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_padding_by_name(padding: str) -> None:
    check(nn.Conv2d(4, 3, 3, padding=padding, dilation=2).double(), Convolution)


TRANSPOSED = [
    (3, 2, {"stride": 2}, (4, 5)),
    (3, 3, {"stride": 2, "padding": 1, "output_padding": 1}, (4, 5)),
    (3, (4, 1), {"stride": (3, 2), "padding": (1, 0), "output_padding": (2, 1)}, (4, 5)),
    (6, 3, {"groups": 2, "dilation": 2, "stride": 2}, (3, 4)),
    (4, 3, {"groups": 4, "padding": 2}, (6, 5)),
    (3, 1, {}, (4, 5)),
    (2, 3, {"padding": 1}, (1, 1)),
]


@pytest.mark.parametrize(("outputs", "kernel", "options", "size"), some(TRANSPOSED, 2))
def test_transposed_convolution(outputs: int, kernel: Any, options: dict[str, Any], size: tuple[int, int]) -> None:
    check(nn.ConvTranspose2d(4, outputs, kernel, **options).double(), Convolution, size=size)


def linear(inputs: int, outputs: int, *, bias: bool = True) -> nn.Linear:
    return nn.Linear(inputs, outputs, bias=bias).double()


@pytest.mark.parametrize("bias", some([True, False], 2))
class TestLinearOnChannels:
    def test_of_tokens(self, bias: bool) -> None:
        layer = linear(4, 3, bias=bias)
        check(lambda x: from_tokens(layer(tokens(x)), 7), Convolution)

    def test_of_a_matrix_of_tokens(self, bias: bool) -> None:
        layer = linear(4, 3, bias=bias)
        check(lambda x: from_tokens(layer(tokens(x)[0])[None], 7), Convolution)

    def test_of_channels_last(self, bias: bool) -> None:
        layer = linear(4, 3, bias=bias)
        check(lambda x: layer(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2), Convolution)

    def test_without_a_batch(self, bias: bool) -> None:
        layer = linear(4, 3, bias=bias)
        check(lambda x: layer(x[0].permute(2, 1, 0)).permute(2, 1, 0)[None], Convolution)

    def test_of_windows(self, bias: bool) -> None:
        layer = linear(4, 3, bias=bias)
        check(lambda x: from_windows(layer(windows(x, 3)), 3, 6), Convolution, size=(6, 9))

    def test_of_heads(self, bias: bool) -> None:
        """Half of the channels each, with the same weights."""
        layer = linear(2, 3, bias=bias)
        check(lambda x: from_tokens(layer(tokens(x).unflatten(2, (2, 2))).flatten(2), 7), Convolution, Rearrange)

    def test_of_one_position(self, bias: bool) -> None:
        layer = linear(4, 3, bias=bias)
        check(lambda x: layer(x.flatten(1))[:, :, None, None], Convolution, size=(1, 1))

    def test_to_one_channel(self, bias: bool) -> None:
        layer = linear(4, 1, bias=bias)
        check(lambda x: from_tokens(layer(tokens(x)), 7), Convolution)

    def test_of_one_channel(self, bias: bool) -> None:
        layer = linear(1, 3, bias=bias)
        check(lambda x: from_tokens(layer(tokens(x)), 7), Convolution, channels=1)


def test_a_matrix_product_along_rows() -> None:
    layer = linear(10, 5)
    check(layer, Convolution, Rearrange)


def test_a_matrix_product_along_columns() -> None:
    layer = linear(7, 5)
    check(lambda x: layer(x.transpose(2, 3)).transpose(2, 3), Convolution, Rearrange)


def test_a_fully_connected_layer() -> None:
    layer = linear(4 * 3 * 5, 6)
    check(lambda x: layer(x.flatten(1)).view(1, 2, 1, 3), Convolution, Rearrange, size=(3, 5))


PRODUCTS = {
    "from the left": (using(lambda x, w: (w @ x.flatten(2)).unflatten(2, (7, 10)), (3, 4)), ()),
    "from the left, of a matrix": (using(lambda x, w: (w @ x[0].flatten(1)).view(1, 3, 7, 10), (3, 4)), ()),
    "by einsum": (using(lambda x, w: torch.einsum("oc,bchw->bohw", w, x), (3, 4)), ()),
    "by einsum, channels last": (
        using(lambda x, w: torch.einsum("bhwc,co->bohw", x.permute(0, 2, 3, 1), w), (4, 3)), (),
    ),
    "one for each half": (
        using(lambda x, w: torch.bmm(x.view(2, 2, 70).transpose(1, 2), w).transpose(1, 2).reshape(1, 6, 7, 10), (2, 2, 3)), (),
    ),
    "one for each half, from the left": (
        using(lambda x, w: torch.bmm(w, x.view(2, 2, 70)).view(1, 6, 7, 10), (2, 3, 2)), (),
    ),
    "of one number": (using(lambda x, w: torch.bmm(w, x.view(2, 2, 70)).view(1, 2, 7, 10), (2, 1, 2)), ()),
    "one for each row": (
        using(lambda x, w: torch.bmm(x[0].permute(1, 2, 0), w).permute(2, 0, 1)[None], (7, 4, 3)), (Rearrange,),
    ),
    "and a bias": (
        using(lambda x, w, b: torch.baddbmm(b, w, x.flatten(2)).unflatten(2, (7, 10)), (1, 3, 4), (1, 3, 1)), (),
    ),
}  # fmt: skip


@pytest.mark.parametrize("product", some(PRODUCTS, 2))
def test_a_product_with_a_fixed_matrix(product: str) -> None:
    operation, others = PRODUCTS[product]
    check(operation, Convolution, *others)


def test_batch_norm_is_folded_in() -> None:
    norm = nn.BatchNorm2d(3).double().eval()
    norm.running_var.uniform_(0.5, 2)
    check(nn.Sequential(nn.Conv2d(4, 3, 3).double(), norm).eval(), Convolution)
    norm.running_var.uniform_(0.5, 2)
    check(nn.Sequential(nn.ConvTranspose2d(4, 3, 3, 2).double(), norm).eval(), Convolution)
    layer = linear(4, 3)

    def forward(x: Tensor) -> Tensor:
        return norm(from_tokens(layer(tokens(x)), 7).contiguous())

    check(forward, Convolution)


UNKNOWN = {
    "two that depend on the picture": lambda x: (x[0].flatten(1) @ x[0].flatten(1).T)[None, None],
    "a bias that depends on it": using(
        lambda x, w: torch.addmm(x[0, 0, :4, :4], x[0, 1, :4, :4], w)[None, None], (4, 4)
    ),
    "with factors": using(lambda x, w: torch.addmm(w, x[0, 1, :4, :4], w, alpha=2, beta=0.5)[None, None], (4, 4)),
    "a convolution's bias that depends on it": using(lambda x, w: F.conv2d(x, w, x.mean((0, 2, 3))[:3]), (3, 4, 3, 3)),
    "a convolution's weight that depends on it": lambda x: F.conv2d(x, x[..., :3, :3]),
    "a convolution of volumes": lambda x: F.conv3d(x[None], torch.ones(1, 1, 3, 3, 3, dtype=x.dtype))[0],
}


def along_channels(x: Tensor) -> Tensor:
    """As efficient channel attention weighs them."""
    weight = torch.tensor([[[0.5, 1, -0.5]]], dtype=x.dtype)
    return x * F.conv1d(x.mean((2, 3))[:, None], weight, padding=1).sigmoid().view(1, 4, 1, 1)


ROWS = {
    "of tokens": using(lambda x, w: F.conv1d(x.flatten(2), w, padding=1).view(x.shape), (4, 4, 3)),
    "along channels": along_channels,
    "transposed": using(
        lambda x, w: F.conv_transpose1d(x.flatten(2), w, stride=2, padding=1, output_padding=1).view(1, 3, 14, 10),
        (4, 3, 3),
    ),
    "of one row, with steps": using(
        lambda x, w: F.conv1d(x[:, :, 2], w, stride=2, dilation=2, groups=2).unsqueeze(2), (4, 2, 3)
    ),
}


@pytest.mark.parametrize("name", some(ROWS, 2))
def test_convolution_of_rows_of_numbers(name: str) -> None:
    check(ROWS[name], Convolution, exactly=False)


@pytest.mark.parametrize("product", some(UNKNOWN, 2))
def test_what_is_a_block(product: str) -> None:
    check(UNKNOWN[product], Block, exactly=False)
