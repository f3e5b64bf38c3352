"""Functions of single numbers, of one map and of several, with all ways to broadcast; sums; factors per channel."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segdepth.saliency.graph.operations.add import Add
from segdepth.saliency.graph.operations.block import Block
from segdepth.saliency.graph.operations.convolution import Convolution
from segdepth.saliency.graph.operations.node import Node
from segdepth.saliency.graph.operations.pointwise import Pointwise
from segdepth.saliency.graph.operations.scale import Scale
from segdepth.saliency.graph.operations.separable import Separable
from segdepth.saliency.graph.operations.window import Window

from .around import Operation, check, some, together, using
from .layouts import from_tokens, tokens

#: Of one map; what is defined for some numbers only is given such.
OF_ONE: dict[str, Operation] = {
    "abs": torch.abs,
    "acos": lambda x: (x.tanh() * 0.9).acos(),
    "asinh": torch.asinh,
    "atan": torch.atan,
    "atanh": lambda x: (x.tanh() * 0.9).atanh(),
    "celu": F.celu,
    "clamp": lambda x: x.clamp(-0.3, 0.6),
    "clamp from below": lambda x: x.clamp(min=0.2),
    "clamp from above by a map": lambda x: x.clamp(max=torch.linspace(0, 1, 10, dtype=x.dtype)),
    "cos, cosh": lambda x: x.cos().cosh(),
    "divided by whole numbers": lambda x: torch.div(x, 0.3, rounding_mode="floor") + x,
    "elu": F.elu,
    "erf, erfc": lambda x: x.erf() + x.erfc() * x,
    "erfinv": lambda x: (x.tanh() * 0.9).erfinv(),
    "exp": lambda x: x.exp() + x.exp2() + x.expm1(),
    "fmod": lambda x: x.fmod(0.7),
    "frac": lambda x: x.frac() + x.floor() + x.round(),
    "gelu": lambda x: F.gelu(x) + F.gelu(x, approximate="tanh"),
    "hard": lambda x: F.hardshrink(x) + F.hardsigmoid(x) + F.hardswish(x) + F.hardtanh(x),
    "leaky relu": lambda x: F.leaky_relu(x, 0.1),
    "log": lambda x: (x.abs() + 0.5).log() + (x.abs() + 0.5).log2() + (x.abs() + 0.5).log10() + x.abs().log1p(),
    "logit": lambda x: x.sigmoid().logit(0.2),
    "logsigmoid": F.logsigmoid,
    "masked": lambda x: x.masked_fill(torch.eye(10, dtype=torch.bool)[:7], 2.0),
    "mish": F.mish,
    "nan to num": lambda x: torch.nan_to_num(x) * 2,
    "over": lambda x: 1 / (1 + x * x),
    "lgamma": lambda x: (x.abs() + 1).digamma() + (x.abs() + 1).lgamma(),
    "powers": lambda x: (x.abs() + 0.1) ** 1.7 + x**3 + 2**x,
    "prelu": nn.PReLU(4, 0.3).double(),
    "relu6": F.relu6,
    "remainder": lambda x: x.remainder(0.7),
    "rsqrt": lambda x: (x.abs() + 0.1).rsqrt(),
    "selu": F.selu,
    "sigmoid": torch.sigmoid,
    "sign": lambda x: x.sign() * x,
    "silu": F.silu,
    "sin, sinh, sinc": lambda x: x.sin() + x.sinh() + x.sinc(),
    "softplus": lambda x: F.softplus(x, 3, 1.5),
    "softshrink": lambda x: F.softshrink(x, 0.2),
    "softsign": F.softsign,
    "sqrt": lambda x: (x.abs() + 0.1).sqrt() + x.square(),
    "tan": lambda x: (x.tanh() * 0.9).tan(),
    "tanh": torch.tanh,
    "tanhshrink": F.tanhshrink,
    "threshold": lambda x: F.threshold(x, 0.3, 5.0),
    "where": lambda x: torch.where(x > 0.3, x, 0.1 * x),
}


@pytest.mark.parametrize("start", range(0, len(OF_ONE), 8))
def test_of_one_map(start: int) -> None:
    """Several at once: of what is wrong the graph says the name."""
    check(together([*OF_ONE.values()][start : start + 8]), Pointwise, exactly=False, quickly=True)


def test_relu_is_a_mask() -> None:
    check(F.relu, Pointwise)
    check(lambda x: from_tokens(tokens(x).relu(), 7), Pointwise)
    check(lambda x: (x + 1).relu_(), Pointwise, size=(1, 1), channels=1)


def two(operation: Callable[[Tensor, Tensor], Tensor]) -> Operation:
    """Of a map and of another one."""
    return lambda x: operation(x, x.flip(1) * 0.7 + 0.1)


IDENTITY = torch.eye(4, dtype=torch.float64)[:, :, None, None]

OF_TWO: dict[str, Operation] = {
    "atan2": two(torch.atan2),
    "copysign": two(torch.copysign),
    "addcdiv": lambda x: torch.addcdiv(x, x.sin(), x.cos() + 2, value=0.3),
    "addcmul": lambda x: torch.addcmul(x, x.sin(), x.cos(), value=0.3),
    "fmod": two(lambda a, b: a.fmod(b.abs() + 0.3)),
    "hypot": two(torch.hypot),
    "lerp": lambda x: torch.lerp(x, x.sin(), x.sigmoid()) + torch.lerp(x, x.sin(), 0.3),
    "logaddexp": two(torch.logaddexp),
    "maximum": two(torch.maximum),
    "minimum": two(torch.minimum),
    "power": two(lambda a, b: (a.abs() + 0.2) ** b),
    "product": two(torch.mul),
    "quotient": two(lambda a, b: a / (b.abs() + 0.5)),
    "where": lambda x: torch.where(x.flip(2) > 0, x * 2, x.tanh()),
    "xlogy": two(lambda a, b: torch.xlogy(a, b.abs() + 0.5)),
}


@pytest.mark.parametrize("start", range(0, len(OF_TWO), 8))
def test_of_two_maps(start: int) -> None:
    check(together([*OF_TWO.values()][start : start + 8]), Pointwise, exactly=False, quickly=True)


def channel(x: Tensor) -> Tensor:
    return x[:, :1].tanh()


def row(x: Tensor) -> Tensor:
    return x[..., :1, :].tanh()


def mean(x: Tensor) -> Tensor:
    return x.mean((2, 3), keepdim=True)


#: Both depend on the picture; what has an axis of length 1 is repeated along it.
BROADCAST: dict[str, tuple[Operation, set[type[Node]]]] = {
    "a map and one channel": (lambda x: x * channel(x), {Convolution, Window}),
    "one channel and a map": (lambda x: channel(x) * x, {Convolution, Window}),
    "a map and a mean": (lambda x: mean(x) * x, {Separable}),
    "one channel and a mean": (lambda x: channel(x) * mean(x), {Convolution, Window, Separable}),
    "a map and one row": (lambda x: x * row(x), {Separable, Window}),
    "one row and one column": (lambda x: row(x) * x[..., 3:4], {Separable, Window}),
    "a map and a map without a batch": (lambda x: x * x[0].flip(0), {Convolution}),
    "a map and a row of numbers": (lambda x: x * x[0, 0, 0].tanh(), {Convolution, Separable, Window}),
    "tokens and a mean": (lambda x: from_tokens(tokens(x) * tokens(x).mean(1, keepdim=True), 7), {Separable}),
    "tokens and gates": (
        lambda x: from_tokens(tokens(x) * tokens(x)[..., :1].sigmoid(), 7), {Convolution, Window},
    ),
    "tokens and a map": (
        lambda x: from_tokens(tokens(x) * x.tanh().permute(0, 2, 3, 1).reshape(1, 70, 4), 7), set(),
    ),
    "channels last and channels": (
        lambda x: (x.permute(0, 2, 3, 1) * x.mean((2, 3))).permute(0, 3, 1, 2), {Separable},
    ),
    "one position": (lambda x: mean(x) * mean(x).flip(1), {Separable, Convolution}),
    "a map and all of it": (lambda x: x * x.mean((1, 2, 3), keepdim=True), set()),
    "a number and a map": (lambda x: x[0, 1, 2, 3] * x, {Convolution, Separable, Window}),
    "all pairs of rows and columns": (
        lambda x: x[:, :1, :, 3].unsqueeze(-1).maximum(x[:, :1, 2].unsqueeze(-2)), {Separable, Window},
    ),
    "rows by columns": (lambda x: x[:, :1].amax(3).unsqueeze(3) * x[:, :1].amax(2).unsqueeze(2), {Separable}),
}  # fmt: skip


@pytest.mark.parametrize("name", some(BROADCAST, 2))
def test_broadcasting_of_two_that_depend_on_the_picture(name: str) -> None:
    operation, others = BROADCAST[name]
    check(operation, Pointwise, *others, exactly=False)


def test_fixed_numbers_of_every_form() -> None:
    fixed = torch.randn(4, 7, 10, dtype=torch.float64)
    check(lambda x: x * fixed - fixed[:, :1], Pointwise)
    check(lambda x: x[:, :1] * fixed, Pointwise, Window, Convolution)
    check(lambda x: mean(x) / fixed, Pointwise, Separable)
    check(lambda x: from_tokens(tokens(x) * fixed.flatten(1).T, 7), Pointwise)
    check(lambda x: fixed / (x.abs() + 1), Pointwise)


#: One number for each channel.
CHANNELWISE: dict[str, Operation] = {
    "a number": lambda x: x * 2,
    "divided by a number": lambda x: x / 2,
    "negative": lambda x: -x,
    "one minus": lambda x: 1 - x,
    "less twice": lambda x: torch.sub(torch.ones_like(x), x, alpha=2),
    "a scale for each channel": using(lambda x, w: x * w, (4, 1, 1)),
    "divided by each": using(lambda x, w: x / w, (1, 4, 1, 1)),
    "of tokens": using(lambda x, w: from_tokens(tokens(x) * w, 7), (4,)),
    "of channels last": using(lambda x, w: (w * x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2), (4,)),
    "of halves": using(lambda x, w: (x.view(1, 2, 2, 70) * w[..., None]).view(x.shape), (2, 1)),
    "of whole numbers": lambda x: x * torch.tensor([[[1]], [[2]], [[3]], [[0]]]),
    "a truth": lambda x: x * torch.tensor([[[True]], [[False]], [[True]], [[True]]]),
}


@pytest.mark.parametrize("name", some(CHANNELWISE, 3))
def test_factors_of_channels_go_into_a_convolution_before(name: str) -> None:
    check(CHANNELWISE[name], Scale)
    check(lambda x: CHANNELWISE[name](F.conv2d(x, IDENTITY)), Convolution)
    check(CHANNELWISE[name], Scale, alone=True)


SUMS: dict[str, tuple[Operation, tuple[type[Node], ...]]] = {
    "with itself": (lambda x: x + x, (Add,)),
    "of several": (lambda x: x + x.tanh() + 1.5 * x, (Add, Pointwise, Scale)),
    "with factors": (lambda x: torch.add(x, x.tanh(), alpha=0.3), (Add, Pointwise, Scale)),
    "differences": (lambda x: torch.sub(x, x.tanh(), alpha=0.3) - x.sin(), (Add, Pointwise, Scale)),
    "differences, the other way round": (lambda x: torch.rsub(x, x.tanh(), alpha=0.3), (Add, Pointwise, Scale)),
    "less a mean": (lambda x: x - mean(x), (Add, Scale, Separable)),
    "a mean less all": (lambda x: mean(x) - x, (Add, Scale, Separable)),
    "with fixed numbers": (lambda x: 2 + x + torch.ones(7, 10, dtype=x.dtype), ()),
    "with a mean": (lambda x: x + mean(x), (Add, Separable)),
    "with one channel": (lambda x: channel(x) + x, (Add, Convolution, Pointwise, Window)),
    "of two means": (lambda x: mean(x) + row(x).mean(3, keepdim=True), (Add, Pointwise, Window, Separable)),
    "with fixed numbers of a larger size": (lambda x: mean(x) + torch.ones(7, 10, dtype=x.dtype), (Separable,)),
    "with tokens": (lambda x: from_tokens(tokens(x) + tokens(x.flip(1)), 7), (Add, Convolution)),
    "a bias": (lambda x: x + torch.arange(4.0, dtype=x.dtype)[:, None, None] - 1, ()),
}


@pytest.mark.parametrize("name", some(SUMS, 2))
def test_sums(name: str) -> None:
    operation, kinds = SUMS[name]
    check(operation, *kinds, exactly=name != "of two means")


def batch_norm(channels: int = 4, **options: bool) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(channels, **options).double().eval()
    torch.nn.init.uniform_(norm.running_var, 0.3, 2)
    torch.nn.init.normal_(norm.running_mean)
    if norm.affine:
        torch.nn.init.normal_(norm.weight)
    return norm


@pytest.mark.parametrize("options", [{}, {"affine": False}])
def test_batch_norm_without_a_convolution_before_it(options: dict[str, bool]) -> None:
    check(batch_norm(**options), Scale)
    check(batch_norm(1, **options), Scale, channels=1, size=(1, 3), alone=True)


def test_two_batch_norms_are_one() -> None:
    check(nn.Sequential(batch_norm(), batch_norm()), Scale)


def test_batch_norm_through_a_concatenation_and_a_slice() -> None:
    """Factors go on to what is before, in their order."""
    double, half = batch_norm(8), batch_norm(2)
    check(lambda x: double(torch.cat([x.sin(), x.cos()], 1)), Scale, exactly=False)
    check(lambda x: half(x[:, 1:3].tanh()), Scale, exactly=False)


def test_numbers_of_another_type_are_a_block() -> None:
    check(lambda x: x.float().sin().double() + x, Block, exactly=False, quickly=True)
