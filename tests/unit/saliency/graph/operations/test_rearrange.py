"""The same numbers as other maps: shuffles, tokens, windows, patches, stacks."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from segdepth.saliency.graph.operations.block import Block
from segdepth.saliency.graph.operations.concat import Concat
from segdepth.saliency.graph.operations.convolution import Convolution
from segdepth.saliency.graph.operations.interleave import Interleave
from segdepth.saliency.graph.operations.pointwise import Pointwise
from segdepth.saliency.graph.operations.rearrange import Rearrange
from segdepth.saliency.graphs import Function

from .around import Alone, Operation, check, some
from .layouts import from_tokens, from_windows, tokens, windows

SIZE = (6, 12)

ONE: dict[str, Operation] = {
    "pixel shuffle": lambda x: F.pixel_shuffle(x, 2),
    "pixel unshuffle": lambda x: F.pixel_unshuffle(x, 2),
    "pixel unshuffle by three": lambda x: F.pixel_unshuffle(x, 3),
    "pixel shuffle by hand": lambda x: x.view(1, 1, 2, 2, 6, 12).permute(0, 1, 4, 2, 5, 3).reshape(1, 1, 12, 24),
    "channel shuffle": lambda x: F.channel_shuffle(x, 2),
    "channel shuffle by hand": lambda x: x.view(1, 2, 2, 6, 12).transpose(1, 2).reshape(1, 4, 6, 12),
    "transposed": lambda x: x.transpose(2, 3),
    "turned by a quarter": lambda x: x.permute(0, 1, 3, 2),
    "rows as channels": lambda x: x.transpose(1, 2),
    "channels as columns": lambda x: x.permute(0, 3, 2, 1),
    "rows by pairs": lambda x: x.view(1, 4, 3, 2, 12).transpose(2, 3).reshape(1, 4, 6, 12),
    "columns folded into rows": lambda x: x.view(1, 4, 6, 3, 4).permute(0, 1, 3, 2, 4).reshape(1, 4, 18, 4),
    "rows folded into channels": lambda x: x.view(1, 4, 3, 2, 12).permute(0, 1, 3, 2, 4).reshape(1, 8, 3, 12),
    "channels unfolded into columns": lambda x: x.view(1, 2, 2, 6, 12).permute(0, 1, 3, 4, 2).reshape(1, 2, 6, 24),
    "all as channels": lambda x: x.reshape(1, -1, 1, 1),
    "all as rows": lambda x: x.reshape(1, 1, -1, 1),
    "tokens as channels": lambda x: x.flatten(2).transpose(1, 2).unsqueeze(3),
    "cut unevenly": lambda x: x.reshape(1, 9, 8, 4),
    "patches": lambda x: F.unfold(x, (3, 2), stride=(3, 2)).view(1, 24, 2, 6),
    "patches one after the other": lambda x: F.unfold(x, 2, stride=2)[..., None],
    "maps of patches": lambda x: F.fold(x.view(1, 4, 72)[..., :72], (12, 24), 2, stride=2)[:, :, :6],
    "flat, by another size": lambda x: x.flatten().view(1, 2, 12, 12),
    "a view of another shape": lambda x: x.view(1, 2, -1, 12),
}  # fmt: skip


@pytest.mark.parametrize("name", some(ONE, 3))
def test_one_other_order(name: str) -> None:
    check(ONE[name], Rearrange, size=SIZE, exactly=False)


@pytest.mark.parametrize(
    "operation",
    [
        lambda x: from_tokens(tokens(x), 6),
        lambda x: from_windows(windows(x, 3), 3, 6),
        lambda x: F.pixel_shuffle(F.pixel_unshuffle(x, 2), 2),
        lambda x: F.pixel_unshuffle(F.pixel_shuffle(x, 2), 2),
        lambda x: x[0].permute(1, 2, 0).contiguous().permute(2, 0, 1).unsqueeze(0),
        lambda x: x.squeeze(0).unsqueeze(0).flatten().view(x.shape),
        lambda x: F.channel_shuffle(F.channel_shuffle(x, 2), 2),
        lambda x: F.fold(F.unfold(x, (2, 3), stride=(2, 3)), (6, 12), (2, 3), stride=(2, 3)),
        lambda x: x.transpose(2, 3).mT.swapaxes(1, 2).movedim(1, 2),
    ],
)
def test_there_and_back_is_nothing(operation: Operation) -> None:
    check(operation, size=SIZE)


@pytest.mark.parametrize(
    "operation",
    [
        lambda x: from_tokens(tokens(x).tanh(), 6),
        lambda x: from_windows(windows(x, 3).tanh(), 3, 6),
        lambda x: F.pixel_shuffle(F.pixel_unshuffle(x, 2).tanh(), 2),
        lambda x: (
            x.reshape(1, 1, 8, 3, 3, 4).permute(0, 4, 2, 5, 1, 3).tanh().permute(0, 4, 2, 5, 1, 3).reshape(x.shape)
        ),
    ],
)
def test_functions_of_numbers_do_not_care(operation: Operation) -> None:
    check(operation, Pointwise, size=SIZE, exactly=False)


@pytest.mark.parametrize("size", some([((1, 1),), ((1, 4),), ((4, 1),)], 3))
def test_axes_of_length_1(size: tuple[int, int]) -> None:
    check(lambda x: F.pixel_shuffle(x, 2), Rearrange, size=size)
    check(lambda x: from_tokens(tokens(x), size[0]), size=size)
    check(lambda x: x.transpose(2, 3), size=size, channels=1, exactly=False)
    check(lambda x: F.channel_shuffle(x, 4), size=size, exactly=False)


STACKS: dict[str, tuple[Operation, set[type]]] = {
    "four maps as one": (
        lambda x: F.pixel_shuffle(torch.stack([x, x.sin(), x.cos(), x.tanh()], 2).flatten(1, 2), 2), {Interleave},
    ),
    "four maps as one, by hand": (
        lambda x: torch.stack([torch.stack([x, x.sin()], 4), torch.stack([x.cos(), x.tanh()], 4)], 3).flatten(4).flatten(2, 3),
        set(),
    ),
    "nine maps as one": (
        lambda x: F.pixel_shuffle(torch.stack([x * k for k in range(1, 10)], 2).flatten(1, 2), 3), {Interleave},
    ),
    "two maps": (lambda x: torch.stack([x, x.tanh()], 1).flatten(1, 2), {Concat}),
    "two maps, channel by channel": (lambda x: torch.stack([x, x.tanh()], 2).flatten(1, 2), {Concat, Rearrange}),
    "two maps, row by row": (lambda x: torch.stack([x, x.tanh()], 3).flatten(2, 3), {Concat, Rearrange}),
    "the larger of two": (lambda x: torch.stack([x, x.flip(3)]).amax(0), set()),
    "the sum of two": (lambda x: torch.stack([x, x.flip(3)], -1).sum(-1), set()),
    "with a fixed one": (lambda x: torch.stack([x, torch.ones_like(x)], 1).flatten(1, 2), set()),
    "one of two": (lambda x: torch.stack([x, x.tanh()], 1)[:, 1], set()),
    "of rows": (lambda x: torch.stack([x[:, :, k] for k in (3, 1, 2)], 2), set()),
    "of channels": (lambda x: torch.stack([x[:, k] for k in (3, 1, 2)], 1), set()),
    "of one": (lambda x: torch.stack([x], 2).flatten(1, 2), set()),
    "of numbers": (lambda x: torch.stack([x.mean((2, 3)), x.amax((2, 3))], 2).view(1, 8, 1, 1), set()),
    "attention over branches": (
        lambda x: (torch.stack([x, x.tanh()], 1) * torch.stack([x.mean((2, 3)), x.amax((2, 3))], 1).softmax(1)[..., None, None])
        .sum(1), set(),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", some(STACKS, 2))
def test_stacks(name: str) -> None:
    operation, kinds = STACKS[name]
    check(operation, *kinds, size=SIZE, exactly=False)


PATCHES: dict[str, Operation] = {
    "overlapping": lambda x: F.unfold(x, 3, padding=1).view(1, 36, 6, 12),
    "with a border left out": lambda x: F.unfold(x, (4, 5), stride=(4, 5)).unflatten(2, (1, 2)),
    "at every other place": lambda x: F.unfold(x, (2, 3), dilation=(1, 2), padding=(1, 0), stride=(2, 3)).unflatten(
        2, (4, -1)
    ),
    "and their sum": lambda x: F.fold(F.unfold(x, 3, padding=1).tanh(), (6, 12), 3, padding=1),
    "a sum of other patches": lambda x: F.fold(x.flatten(2)[..., :9], (4, 4), 2),
    "for a convex combination": lambda x: (
        F.unfold(x[:, :2], 3, padding=1).view(1, 2, 9, 6, 12) * x[:, 2:3].unsqueeze(1).sigmoid()
    ).sum(2),
}


@pytest.mark.parametrize("name", some(PATCHES, 2))
def test_patches(name: str) -> None:
    check(PATCHES[name], Convolution, size=SIZE, exactly=False)


def test_patches_along_one_axis() -> None:
    check(lambda x: x.unfold(2, 3, 2).amax(-1), Block, size=SIZE, exactly=False)


@pytest.mark.parametrize(
    ("operation", "label", "steps"),
    [
        (lambda x: F.pixel_shuffle(x, 2), "interleaving 2x2", (0.5, 0.5)),
        (lambda x: F.pixel_unshuffle(x, 3), "folding 3x3", (3, 3)),
        (lambda x: F.channel_shuffle(x, 2), "", (1, 1)),
    ],
)
def test_labels(operation: Operation, label: str, steps: tuple[float, float]) -> None:
    net = Alone(operation).eval()
    node = Function(net, net).graph(torch.randn(4, *SIZE, dtype=torch.float64)).nodes[1]
    assert node.label(SIZE) == label
    assert node.steps(SIZE) == steps


def test_windows_with_a_linear_layer_and_roll() -> None:
    """As a Swin block has them, but for its attention."""
    layer = torch.nn.Linear(4, 4).double()

    def forward(x: Tensor) -> Tensor:
        y = x.permute(0, 2, 3, 1).roll((-1, -2), (1, 2)).permute(0, 3, 1, 2)
        y = from_windows(F.gelu(layer(windows(y, 3))), 3, 6)
        return y.roll((1, 2), (2, 3)) + x

    check(forward, Convolution, size=SIZE, exactly=False)


def test_factors_go_on_through_a_shuffle() -> None:
    norm = torch.nn.BatchNorm2d(1).double().eval()
    torch.nn.init.uniform_(norm.running_var, 0.3, 2)
    conv = torch.nn.Conv2d(4, 4, 3, padding=1).double()
    check(lambda x: norm(F.pixel_shuffle(conv(x), 2)), Rearrange, Convolution)
    torch.nn.init.uniform_(norm.running_var, 0.3, 2)
    check(lambda x: conv(F.pixel_unshuffle(norm(x), 2)), Rearrange, channels=1, size=(4, 6), exactly=False)
