"""What no operation knows: of one position or all, of several inputs and results, with derivatives of users' own."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segdepth.saliency.graph.operations.block import Block, Leaving
from segdepth.saliency.graph.operations.channels import Channels
from segdepth.saliency.graph.operations.convolution import Convolution
from segdepth.saliency.graph.operations.node import Node
from segdepth.saliency.graph.operations.pointwise import Pointwise
from segdepth.saliency.graph.operations.window import Window
from segdepth.saliency.graphs import Function

from .around import Around, Operation, check, some
from .layouts import from_tokens, tokens


class Doubled(torch.autograd.Function):
    """Twice the derivative that it has."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        return 2 * g * ctx.saved_tensors[0].cos()


class Clipped(torch.autograd.Function):
    """A derivative that is no linear function of what comes back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x * 3

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        return (3 * g).clamp(-0.05, 0.05)


class Both(torch.autograd.Function):
    """Two of two."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(a, b)
        return a * b, a.flip(2)

    @staticmethod
    def backward(ctx: Any, g: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        a, b = ctx.saved_tensors
        return g * b + h.flip(2), -g * a


def attention(x: Tensor) -> Tensor:
    q = tokens(x)[None]
    return from_tokens(F.scaled_dot_product_attention(q, q.sin(), q.cos())[0], x.shape[2])


def attention_by_hand(x: Tensor) -> Tensor:
    q = tokens(x)
    return from_tokens((q @ q.transpose(1, 2) / 2).softmax(-1) @ q.tanh(), x.shape[2])


#: Whether each position depends on itself alone, and what is natively beside the block.
ONE: dict[str, tuple[Operation, bool, set[type[Node]]]] = {
    "sorted channels": (lambda x: x.sort(1).values, True, set()),
    "the two largest": (lambda x: x.topk(2, 1).values, True, set()),
    "the middle one": (lambda x: x.median(1, keepdim=True).values, True, set()),
    "products so far": (lambda x: x.cumprod(1), True, set()),
    "the largest so far": (lambda x: x.cummax(1).values, True, set()),
    "products of channels": (lambda x: torch.bmm(t := x[0].permute(1, 2, 0), t.mT).permute(1, 2, 0)[None], False, set()),
    "sorted channels of tokens": (lambda x: from_tokens(tokens(x).sort(2).values, 7), True, set()),
    "sorted channels of windows": (lambda x: x.view(1, 4, 7, 2, 5).sort(1).values.flatten(3), True, set()),
    "single precision": (lambda x: (x.float() * 2).sin().double(), True, set()),
    "a user's own": (lambda x: Doubled.apply(x), True, set()),
    "a user's own, not linear": (lambda x: Clipped.apply(x), False, set()),
    "sorted rows": (lambda x: x.sort(3).values, False, set()),
    "local response norm": (lambda x: F.local_response_norm(x, 3), True, set()),
    "pooled by the largest, adaptively": (lambda x: F.adaptive_max_pool2d(x, (3, 4)), False, set()),
    "patches along rows": (lambda x: x.unfold(3, 3, 1).amax(-1), False, set()),
    "attention": (attention, False, {Pointwise}),
    "attention by hand": (attention_by_hand, False, set()),
    "a spectrum": (lambda x: torch.fft.rfft2(x).abs(), False, set()),
    "filtered in the spectrum": (lambda x: torch.fft.irfft2(torch.fft.rfft2(x) * 2, s=x.shape[2:]), False, set()),
    "deformed": (
        lambda x: F.grid_sample(x, x[:, :2].tanh().permute(0, 2, 3, 1), align_corners=False), False, set(),
    ),
    "a convolution with weights of its own": (lambda x: F.conv2d(x, x[:, :, :3, :3].tanh()), False, {Pointwise, Window}),
    "a recurrence": (lambda x: recurrent(x), False, set()),
}  # fmt: skip


def recurrent(x: Tensor) -> Tensor:
    h = x[..., 0]
    rows = []
    for column in x.unbind(3):
        h = torch.cosh(torch.einsum("bch,bdh->bcd", h, column).softmax(-1) @ column)
        rows.append(h)
    return torch.stack(rows, 3)


@pytest.mark.parametrize("name", some(ONE, 2))
def test_a_block(name: str) -> None:
    operation, own, beside = ONE[name]
    check(operation, Block, *beside, exactly=False, size=(5, 6) if name == "a recurrence" else (7, 10))
    net = Around(operation, 4, (7, 10)).eval()
    image = torch.randn(4, 7, 10, dtype=torch.float64)
    graph = Function(net, net).graph(image)
    assert [block.own for block in graph.blocks] == [own] * len(graph.blocks)
    assert graph.is_linear(graph.forward(image)[1]) == (not name.startswith("a user's own"))


def two_of_one_size(x: Tensor) -> Tensor:
    large, small = x.sort(1).values, x.sort(1, descending=True).values.tanh()
    return large + 0.5 * small


def two_results(x: Tensor) -> Tensor:
    a, b = Both.apply(x, x.tanh())
    return torch.cat([F.conv2d(a, IDENTITY), b.sin()], 1)


def of_several_sizes(x: Tensor) -> Tensor:
    found = torch.fft.rfft2(x)
    return F.interpolate(found.real, x.shape[2:]) * found.abs().mean((2, 3), keepdim=True) + found.imag[..., :1]


def queries(x: Tensor) -> Tensor:
    """As MaskFormer answers: products of queries, which see everything, and of embedded pixels."""
    t = tokens(F.avg_pool2d(x, 2))
    q = (t @ t.transpose(1, 2)).softmax(-1)[:, :3] @ t
    return torch.einsum("bqc,bchw->bqhw", q, x.tanh())


def branches(x: Tensor) -> Tensor:
    """Two blocks beside each other, one that is local and one that is not."""
    return torch.cat([x.sort(1).values, attention(x)], 1)


SEVERAL: dict[str, tuple[Operation, set[type[Node]]]] = {
    "two of one size": (two_of_one_size, set()),
    "two results of two inputs": (two_results, {Pointwise}),
    "of several sizes": (of_several_sizes, {Leaving}),
    "queries": (queries, set()),
    "branches": (branches, set()),
    "one after the other": (lambda x: attention(F.gelu(attention(x))), set()),
    "around a block": (lambda x: attention(x) * x.sigmoid() + x, set()),
    "what is between blocks belongs to them": (lambda x: attention(F.softmax(attention(x), 1) + x), set()),
    "a local one between": (lambda x: F.conv2d(x.sort(1).values, IDENTITY), {Convolution}),
    "after a norm": (lambda x: attention(x.softmax(1)), {Channels}),
}


@pytest.mark.parametrize("name", some(SEVERAL, 2))
def test_several_inputs_and_results(name: str) -> None:
    operation, kinds = SEVERAL[name]
    check(operation, Block, *kinds, exactly=False)


IDENTITY = torch.eye(4, dtype=torch.float64)[:, :, None, None]


@pytest.mark.parametrize("size", [(1, 1), (1, 4)])
def test_of_one_row(size: tuple[int, int]) -> None:
    check(attention_by_hand, Block, size=size, exactly=False)
    check(lambda x: x.sort(1).values, Block, size=size, channels=2, alone=True)


def test_the_answer_is_a_block() -> None:
    check(attention_by_hand, Block, alone=True, exactly=False)
    check(lambda x: Both.apply(x, x.tanh())[1], Block, alone=True, exactly=False)


def test_a_module_of_a_transformer() -> None:
    layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True, dropout=0.0).double().eval()
    check(lambda x: from_tokens(layer(tokens(x)), 7), Block, exactly=False)
