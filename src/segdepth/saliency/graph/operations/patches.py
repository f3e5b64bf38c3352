"""Patches of a map, and maps of patches: rearrangements where they tile it, convolutions with single taps where they overlap."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, fx

from ..lowering import Lowering, arguments_of, pair, reshaped
from ..views import View
from .convolution import Convolution
from .node import Pair, Shape

__all__ = ["LOWERS"]

aten = torch.ops.aten


class _Patches(NamedTuple):
    """As an operation has them: of rows and columns each."""

    kernel: Pair
    stride: Pair
    padding: Pair
    dilation: Pair

    def number(self, sizes: Pair) -> Pair:
        """How many there are of a map of these rows and columns."""
        rows, columns = (
            (sizes[k] + 2 * self.padding[k] - self.dilation[k] * (self.kernel[k] - 1) - 1) // self.stride[k] + 1
            for k in (0, 1)
        )
        return rows, columns

    def tile(self, sizes: Pair) -> bool:
        """Whether each position is in one of them."""
        whole = sizes[0] % self.kernel[0] == sizes[1] % self.kernel[1] == 0
        return whole and self.stride == self.kernel and self.padding == (0, 0) and self.dilation == (1, 1)

    def taps(self, low: Lowering, channels: int) -> Float[Tensor, "o 1 kh kw"]:
        """The weight of a convolution that has each tap of each channel as a channel."""
        return low.eye(self.kernel[0] * self.kernel[1]).view(-1, 1, *self.kernel).repeat(channels, 1, 1, 1)


def _of(node: fx.Node) -> _Patches:
    a = arguments_of(node)
    return _Patches(*(pair(a[name]) for name in ("kernel_size", "stride", "padding", "dilation")))


def _patches(low: Lowering, node: fx.Node) -> None:
    """``[1, c, h, w]`` to ``[1, c kh kw, patches]``."""
    argument: Any = node.args[0]
    patches, (_, channels, *size) = _of(node), argument.meta["val"].shape
    rows, columns = patches.number((size[0], size[1]))
    if patches.tile((size[0], size[1])):
        kernel = patches.kernel
        split = _reshaped(low.view(argument), (1, channels, rows, kernel[0], columns, kernel[1]))
        low.put(node, _reshaped(split.permuted((0, 1, 3, 5, 2, 4)), node.meta["val"].shape))
        return
    weight = patches.taps(low, channels)
    shape = (len(weight), rows, columns)
    index = _convolution(low, low.map(argument), shape, weight, patches, channels, transposed=False)
    low.put(node, _reshaped(View.of_map(index, shape), node.meta["val"].shape))


def _from_patches(low: Lowering, node: fx.Node) -> None:
    """Their sum, the other way round."""
    patches, shape = _of(node), low.map_shape(node)
    rows, columns = patches.number(shape[1:])
    if patches.tile(shape[1:]):
        split = _reshaped(low.view(node.args[0]), (1, shape[0], *patches.kernel, rows, columns))
        low.put(node, _reshaped(split.permuted((0, 1, 4, 2, 5, 3)), node.meta["val"].shape))
        return
    weight = patches.taps(low, shape[0])
    value = low.map_of(_reshaped(low.view(node.args[0]), (1, len(weight), rows, columns)))
    index = _convolution(low, value, shape, weight, patches, shape[0], transposed=True)
    low.put(node, View.of_map(index, shape))


def _convolution(
    low: Lowering, value: int, shape: Shape, weight: Tensor, patches: _Patches, groups: int, *, transposed: bool
) -> int:
    return low.append(
        Convolution(
            (value,), shape, weight=weight, stride=patches.stride, padding=patches.padding, dilation=patches.dilation,
            groups=groups, transposed=transposed,
        )
    )  # fmt: skip


def _reshaped(view: View, sizes: Sequence[int]) -> View:
    return reshaped(view, sizes, "patches in another order")


LOWERS = {
    aten.col2im.default: _from_patches,
    aten.im2col.default: _patches,
}
