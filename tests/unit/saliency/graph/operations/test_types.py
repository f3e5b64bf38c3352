"""Single precision, and the windowed engine's way back in bfloat16, through a node of every kind."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segdepth.saliency import Explainer

from .around import Around, Operation
from .layouts import from_tokens, tokens


def attention(x: Tensor) -> Tensor:
    q = tokens(x)
    return from_tokens((q @ q.transpose(1, 2) / 2).softmax(-1) @ q.tanh(), x.shape[2])


def unpooled(x: Tensor) -> Tensor:
    y, winners = F.max_pool2d(x, 2, return_indices=True)
    return F.max_unpool2d(y.tanh(), winners, 2, output_size=x.shape[2:])


GRID = torch.rand(1, 6, 7, 2) * 2 - 1

OPERATIONS: dict[str, Operation] = {
    "convolution": nn.Conv2d(4, 4, 3, 2, groups=2),
    "transposed convolution": nn.ConvTranspose2d(4, 4, 3, 2),
    "wide convolution": nn.Conv2d(4, 70, 5, padding=2),
    "linear on tokens": lambda x: from_tokens(tokens(x) @ torch.eye(4, dtype=x.dtype), 7),
    "pooling and unpooling": unpooled,
    "numbers": lambda x: F.gelu(x) * x.flip(1).sigmoid(),
    "batch norm": nn.BatchNorm2d(4).eval(),
    "group norm": nn.GroupNorm(2, 4),
    "softmax": lambda x: x.softmax(1),
    "layer norm": lambda x: from_tokens(F.layer_norm(tokens(x), (4,)), 7),
    "reduction": lambda x: x * x.std((2, 3), keepdim=True),
    "mean": lambda x: x - x.mean((2, 3), keepdim=True),
    "concatenation": lambda x: torch.cat([x, x.tanh()], 1)[..., 1:, ::2],
    "shuffle": lambda x: F.pixel_shuffle(x, 2),
    "interleaving": lambda x: F.pixel_shuffle(torch.stack([x, x.sin(), x.cos(), x.tanh()], 2).flatten(1, 2), 2),
    "resizing": lambda x: F.interpolate(x, (11, 6), mode="bicubic"),
    "sampling": lambda x: F.grid_sample(x, GRID.to(x.dtype), align_corners=False),
    "a local block": lambda x: x.sort(1).values,
    "a block": attention,
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_in_single_precision_and_with_a_way_back_in_bfloat16(name: str) -> None:
    operation = OPERATIONS[name]
    if isinstance(operation, nn.Module):
        operation = operation.double()
    net = Around(operation, 4, (7, 10)).eval()
    image = torch.randn(4, 7, 10, dtype=torch.float64)
    height, width = net(image[None]).shape[-2:]
    pixels = [(0, 0), (height // 2, width // 2), (height - 1, width - 1)]
    expected = Explainer(net, engine="reference").at(image).jacobian(pixels, target=1)
    image, net = image.float(), net.float()
    assert all(part.how != "whole" for part in Explainer(net).at(image).parts)
    single = {e: Explainer(net, engine=e).at(image).jacobian(pixels, target=1) for e in ("windowed", "sparse")}
    half = Explainer(net).at(image, precision="bf16").jacobian(pixels, target=1)
    for found, largest in ((single["windowed"], 1e-5), (single["sparse"], 1e-5), (half, 0.05)):
        assert found.dtype == torch.float32
        assert (found - expected).abs().max() <= largest * expected.abs().max()
