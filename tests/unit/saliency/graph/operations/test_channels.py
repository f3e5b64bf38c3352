"""Functions of the channels of one position, in every layout."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segdepth.saliency.graph.operations.block import Block
from segdepth.saliency.graph.operations.channels import Channels
from segdepth.saliency.graph.operations.convolution import Convolution
from segdepth.saliency.graph.operations.rearrange import Rearrange
from segdepth.saliency.graph.operations.reduction import Reduction

from .around import Operation, check, some, using
from .layouts import from_tokens, from_windows, tokens, windows


def drawn(norm: nn.Module) -> nn.Module:
    for parameter in norm.parameters():
        nn.init.normal_(parameter)
    return norm.double()


LAYER, RMS, WITHOUT = drawn(nn.LayerNorm(4)), drawn(nn.RMSNorm(4)), nn.LayerNorm(4, elementwise_affine=False)

OVER_CHANNELS: dict[str, Operation] = {
    "softmax": lambda x: x.softmax(1),
    "log softmax": lambda x: x.log_softmax(1),
    "softmin of tokens": lambda x: from_tokens(F.softmin(tokens(x), -1), 7),
    "layer norm of tokens": lambda x: from_tokens(LAYER(tokens(x)), 7),
    "layer norm without weights": lambda x: from_tokens(WITHOUT(tokens(x)), 7),
    "layer norm without a bias": using(
        lambda x, w: F.layer_norm(x.permute(0, 2, 3, 1), (4,), w).permute(0, 3, 1, 2), (4,)
    ),
    "layer norm of windows": lambda x: from_windows(LAYER(windows(x, 2)), 2, 6),
    "layer norm without a batch": lambda x: LAYER(x[0].permute(2, 1, 0)).permute(2, 1, 0)[None],
    "sums so far": lambda x: x.cumsum(1),
    "gated halves": lambda x: F.glu(x, 1),
    "gated halves of tokens": lambda x: from_tokens(F.glu(tokens(x)), 7),
}  # fmt: skip


@pytest.mark.parametrize("name", some(OVER_CHANNELS, 2))
def test_over_channels(name: str) -> None:
    check(OVER_CHANNELS[name], Channels, size=(6, 10) if "windows" in name else (7, 10), exactly="min" not in name)


def test_root_mean_square_norm() -> None:
    """A norm over channels, or what PyTorch makes of it: a mean of squares and products."""
    check(lambda x: from_tokens(RMS(tokens(x)), 7), exactly=False)


def test_of_one_channel_and_one_position() -> None:
    check(lambda x: x.softmax(1), Channels, channels=1)
    check(lambda x: x.softmax(1), Channels, size=(1, 1), alone=True)


ELSEWHERE: dict[str, Operation] = {
    "softmax along rows": lambda x: x.softmax(-1),
    "log softmax along columns": lambda x: x.log_softmax(2),
    "softmax over all positions": lambda x: x.flatten(2).softmax(-1).view(x.shape),
    "softmax over heads": lambda x: x.view(1, 2, 2, 7, 10).softmax(1).view(x.shape),
    "softmax inside heads": lambda x: x.view(1, 2, 2, 7, 10).softmax(2).view(x.shape),
    "sums along columns": lambda x: x.cumsum(2),
    "gates along rows": lambda x: F.glu(x, -1),
}


@pytest.mark.parametrize("name", some(ELSEWHERE, 2))
def test_over_other_axes(name: str) -> None:
    check(ELSEWHERE[name], Channels, Rearrange)


def test_layer_norm_of_everything() -> None:
    check(lambda x: F.layer_norm(x, x.shape[1:]), Channels, Rearrange)


def test_layer_norm_of_rows() -> None:
    check(using(lambda x, w, b: F.layer_norm(x, x.shape[2:], w, b), (7, 10), (7, 10)), Channels, Rearrange)


def test_soft_argmax() -> None:
    """The mean of fixed depths, weighed by a softmax."""
    depths = torch.linspace(1, 9, 4, dtype=torch.float64)
    check(lambda x: (x.softmax(1) * depths[:, None, None]).sum(1, keepdim=True), Channels, exactly=False)


def test_a_weight_that_depends_on_the_picture() -> None:
    def forward(x: Tensor) -> Tensor:
        return from_tokens(F.layer_norm(tokens(x), (4,), x[0, :, 0, 0]), 7)

    check(forward, Block, exactly=False)


def test_global_response_norm() -> None:
    """Of ConvNeXt V2, over positions and then over channels."""
    weight = torch.randn(4, dtype=torch.float64)

    def forward(x: Tensor) -> Tensor:
        y = x.permute(0, 2, 3, 1)
        size = torch.linalg.vector_norm(y, dim=(1, 2), keepdim=True)
        return (y * (size / (size.mean(-1, keepdim=True) + 1e-6)) * weight + y).permute(0, 3, 1, 2)

    check(forward, Reduction, Convolution, exactly=False)
