"""Joining along every axis, slices, padding, parts written in place."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from segdepth.saliency.graph.operations.add import Add
from segdepth.saliency.graph.operations.concat import Concat
from segdepth.saliency.graph.operations.node import Node
from segdepth.saliency.graph.operations.rearrange import Rearrange
from segdepth.saliency.graph.operations.window import Window

from .around import Operation, check, some
from .layouts import from_tokens, tokens


def ones(*sizes: int) -> Tensor:
    return torch.ones(sizes, dtype=torch.float64)


JOINED: dict[str, tuple[Operation, set[type[Node]]]] = {
    "channels": (lambda x: torch.cat([x, x.tanh()], 1), {Concat}),
    "channels of several sizes": (lambda x: torch.cat([x.tanh(), x[:, :1], x[:, 1:]], 1), {Concat, Window}),
    "one thrice": (lambda x: torch.cat([x, x, x], 1), {Concat}),
    "rows": (lambda x: torch.cat([x, x.tanh()[..., :2, :]], 2), {Window, Add}),
    "columns": (lambda x: torch.cat([x, x.tanh()[..., 3:], x], -1), {Window, Add}),
    "fixed channels between": (lambda x: torch.cat([x, ones(1, 2, 7, 10), x.tanh()], 1), {Window, Add}),
    "fixed channels before": (lambda x: torch.cat([ones(1, 2, 7, 10), x], 1), {Window}),
    "fixed channels after": (lambda x: torch.cat([x.tanh(), x, ones(1, 2, 7, 10)], 1), {Window, Add}),
    "fixed rows between": (lambda x: torch.cat([x, ones(1, 4, 2, 10), x.tanh()], 2), {Window, Add}),
    "fixed columns around": (lambda x: torch.cat([ones(1, 4, 7, 1), x, ones(1, 4, 7, 2)], 3), {Window}),
    "nothing and something": (lambda x: torch.cat([x[:, :0], x.tanh(), x[:, :2]], 1), {Concat, Window}),
    "channels of tokens": (lambda x: from_tokens(torch.cat([tokens(x), tokens(x.tanh())], 2), 7), {Concat}),
    "a token more, and less": (
        lambda x: from_tokens(torch.cat([ones(1, 1, 4), tokens(x)], 1)[:, 1:], 7), {Window, Rearrange},
    ),
    "tokens": (lambda x: from_tokens(torch.cat([tokens(x), tokens(x.tanh())], 1), 14), {Window, Add, Rearrange}),
    "channels last": (
        lambda x: torch.cat([x, x.tanh()], 1).permute(0, 2, 3, 1).roll(1, 3).permute(0, 3, 1, 2), {Concat},
    ),
    "columns, channels last": (
        lambda x: torch.cat([t := x.permute(0, 2, 3, 1), t.tanh()], 2).permute(0, 3, 1, 2), {Window, Add},
    ),
    "without a batch": (lambda x: torch.cat([x[0], x[0].tanh()])[None], {Concat}),
    "two channels": (lambda x: torch.cat([x[:, :1], x[:, 2:3]], 1), {Concat, Window}),
    "means": (
        lambda x: torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)[..., None, None].expand(-1, -1, 7, 10), {Concat},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", some(JOINED, 3))
def test_joined(name: str) -> None:
    operation, kinds = JOINED[name]
    check(operation, *kinds, exactly=False)


@pytest.mark.parametrize("size", some([((1, 1),), ((1, 4),), ((4, 1),)], 3))
def test_joined_along_axes_of_length_1(size: tuple[int, int]) -> None:
    for dim in (1, 2, 3):
        check(lambda x: torch.cat([x, x.tanh()], dim), size=size, channels=2, exactly=False)  # noqa: B023
        check(lambda x: torch.cat([x.tanh(), x], dim), size=size, channels=1, exactly=False)  # noqa: B023


def test_joined_and_folded() -> None:
    """Windows of fixed numbers of one side stay windows of zeros on the way back."""
    check(lambda x: torch.cat([x, x.flip(1)], 1).view(1, 2, 4, 7, 10).sum(1), Concat, exactly=False)


SLICES: dict[str, tuple[Operation, set[type[Node]]]] = {
    "channels": (lambda x: x[:, 1:3], {Window}),
    "every other channel": (lambda x: x[:, ::2], {Window}),
    "the last": (lambda x: x[..., -3:, -1:], {Window}),
    "every other": (lambda x: x[..., 1::2, ::3], {Window}),
    "of all axes": (lambda x: x[:, 1::2, 2:, :-2:2], {Window}),
    "beyond the end": (lambda x: x[:, :9, :99], set()),
    "narrow": (lambda x: x.narrow(2, 1, 4).narrow(3, -3, 2), {Window}),
    "one channel": (lambda x: x[:, 1][None], {Window}),
    "one row": (lambda x: x[:, :, 3].unsqueeze(2), {Window}),
    "one row, as another": (lambda x: x[:, :, -2].unsqueeze(3).expand(-1, -1, -1, 2), {Window}),
    "one number of each map": (lambda x: x[:, :, 1, 2].view(1, 4, 1, 1), {Window}),
    "padding": (lambda x: F.pad(x, (1, 2, 3, 0)), {Window}),
    "padding with ones": (lambda x: F.pad(x, (1, 2, 0, 1), value=1.0), {Window}),
    "negative padding": (lambda x: F.pad(x, (-1, 2, -2, -1)), {Window}),
    "padding of channels": (lambda x: F.pad(x, (0, 0, 0, 0, 1, -2)), {Window}),
    "padding away all but one": (lambda x: F.pad(x, (-4, -5, 0, 0)), {Window}),
    "slices of slices": (lambda x: x[..., 1:, 1:][..., ::2, ::2][..., :-1, 1:], {Window}),
    "halves": (lambda x: x.chunk(2, 1)[1] * x.chunk(2, 1)[0], {Window}),
    "parts of several sizes": (lambda x: torch.mul(*x.split([3, 1, 3], 2)[::2]), {Window}),
    "parts of one size and the rest": (lambda x: x.split(4, 3)[2] + x.split(4, 3)[0][..., :2], {Window}),
    "unbound": (lambda x: torch.stack(x.unbind(1)[1:3], 1), {Window}),
    "unbound rows": (lambda x: (x.unbind(2)[1] * x.unbind(2)[4]).unsqueeze(2), {Window}),
    "queries and keys": (lambda x: (t := x.view(1, 2, 2, 7, 10))[:, 0] * t[:, 1], {Window}),
    "half of a head": (lambda x: (t := x.view(1, 2, 2, 7, 10))[:, :, 0] * t[:, :, 1], {Window, Rearrange}),
    "tokens": (lambda x: from_tokens(tokens(x)[:, 10:50], 4), {Window, Rearrange}),
    "channels of tokens": (lambda x: from_tokens(tokens(x)[..., 1:], 7), {Window}),
    "one token for all": (lambda x: x * tokens(x)[:, 0, :, None, None], {Window}),
    "windows": (lambda x: x.view(1, 4, 7, 2, 5)[:, :, :, 1], {Window}),
    "columns of windows": (lambda x: x.view(1, 4, 7, 2, 5)[..., 3], {Window, Rearrange}),
}  # fmt: skip


@pytest.mark.parametrize("name", some(SLICES, 3))
def test_slices(name: str) -> None:
    operation, kinds = SLICES[name]
    check(operation, *kinds, exactly=False)


@pytest.mark.parametrize("name", some(["every other", "padding", "negative padding", "of all axes"], 3))
def test_at_the_end(name: str) -> None:
    check(SLICES[name][0], Window, alone=True)


def test_of_one_position_and_channel() -> None:
    check(lambda x: F.pad(x[..., :1, :1], (1, 0, 0, 2)), Window, size=(1, 1), channels=1)
    check(lambda x: x[..., ::2, ::2], size=(1, 1), channels=1)


def test_padded_so_far_that_nothing_is_left_in_a_window() -> None:
    check(lambda x: F.pad(F.pad(x, (12, -12, 0, 0)), (-12, 12, 0, 0)), Window, size=(3, 14))


def written(x: Tensor, how: str) -> Tensor:
    y = x.clone()
    if how == "rows":
        y[..., 2:4, :] = x[..., :2, :].tanh()
    elif how == "a channel":
        y[:, 1] = x[:, 0] * 2
    elif how == "a box":
        y[:, 1:3, 2:5, 3:] = x[:, :2, 1:4, :7].tanh()
    elif how == "fixed":
        y[..., :3] = 1.0
    elif how == "into fixed":
        y = torch.zeros_like(x)
        y[..., 2:] = x[..., 2:].tanh()
    elif how == "every other":
        y[..., ::2, :] = x[..., ::2, :].tanh()
    elif how == "every other row and column":
        y[..., 1::2, ::3] = x[..., 1::2, ::3].tanh()
    elif how == "added to":
        y[:, :2] += x[:, 2:].sin()
    elif how == "copied":
        y[:, :1].copy_(x[:, 1:2].tanh())
    elif how == "a number":
        y[:, :, 3, 4] = x[:, :, 0, 0]
    elif how == "nothing":
        y[:, 1:3].zero_()
    elif how == "repeated":
        y[:, 1:3] = x[:, :1]
    elif how == "a row, everywhere":
        y[:] = x[:, :, :1]
    return y


@pytest.mark.parametrize(
    "how",
    [
        "rows", "a channel", "a box", "fixed", "into fixed", "every other", "every other row and column", "added to", "copied",
        "a number", "nothing", "repeated", "a row, everywhere",
    ],
)  # fmt: skip
def test_parts_written_in_place(how: str) -> None:
    check(lambda x: written(x, how), exactly=False)


def test_written_and_read_before() -> None:
    def forward(x: Tensor) -> Tensor:
        y = x + 1
        z = y * 2
        y[:, :2] = x[:, 2:]
        return y + z

    check(forward, exactly=False)
