"""Max pooling, and unpooling with its winners."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from jaxtyping import Int, UInt8
from torch import Tensor, fx

from ..axes import Axis, Box
from ..lowering import Lowering, arguments_of, pair
from .node import Gradient, Kernel, Mask, Node, Pair, Rows, Shape, by_stride, cut, own_places, tap_axes, times, zeros
from .rows import winners
from .window import strip

__all__ = ["LOWERS", "MaxPool", "at_winners", "tap_masks", "taps", "to_winners"]

aten = torch.ops.aten


@dataclass(eq=False)
class MaxPool(Node):
    """Max pooling.

    Attributes:
        kernel_size: rows and columns of the window; as the others.
        stride: distance of the windows.
        padding: before (and after) the input; it never wins.
        dilation: distance of the taps.
    """

    kernel_size: Pair
    stride: Pair
    padding: Pair
    dilation: Pair

    name = "max pooling"

    def axes(self, place: int, sizes: Pair) -> tuple[Axis, Axis]:
        """See :meth:`Node.axes`."""
        del place
        return self.reach(Axis.affine, sizes, self.shape)

    def reach(self, build: Callable[..., Axis], sizes: Pair, shape: Shape) -> tuple[Axis, Axis]:
        """The reach of its windows, from a value of this shape into an input of these sizes; see :func:`tap_axes`."""
        return tap_axes(
            build,
            sizes,
            shape,
            kernel=self.kernel_size,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
        )

    def keep(self, arguments: tuple[Any, ...], result: Any) -> Int[Tensor, "c h w"]:
        """Who won: places in the input map."""
        del arguments
        winning: Int[Tensor, "c h w"] = result[1][0]
        return winning

    def prepare(self, kept: Int[Tensor, "c h w"], sizes: Pair) -> UInt8[Tensor, "taps c h w"]:
        """Per tap, whether that tap won."""
        masks = tap_masks(self, kept, sizes).to(torch.uint8)
        return masks.movedim(-3, -1).contiguous().movedim(-1, -3)

    def gradient(self, g: Gradient, box: Box, place: int, part: Box, state: UInt8[Tensor, "taps c _h _w"]) -> Gradient:
        """See :meth:`Node.gradient`."""
        del place
        result = zeros(g, g.shape[1], part)
        for tap, windows, rows, columns in taps(self, box, part):
            result[..., rows, columns] += cut(g, box, windows) * state[tap][own_places(windows)]
        return result

    @property
    def switches(self) -> bool:
        """See :meth:`Node.switches`."""
        return True

    def reaching(self, inputs: Sequence[Mask], shapes: Sequence[Shape], kept: Int[Tensor, "c h w"]) -> Mask:
        """See :meth:`Node.reaching`."""
        del shapes
        return None if inputs[0] is None else at_winners(inputs[0], kept)

    def carried(self, mask: Mask, place: int, shape: Shape, kept: Int[Tensor, "c h w"]) -> Mask:
        """See :meth:`Node.carried`."""
        del place
        return to_winners(mask, kept, shape)

    def kernel(self, kept: Int[Tensor, "c h w"], rows: Rows) -> Kernel:
        """See :meth:`Node.kernel`."""
        form = (*self.kernel_size, *self.stride, *self.padding, *self.dilation, 0)
        return Kernel("add_by_taps", (np.empty((0, 0), rows.dtype), winners(kept), form, self.shape[2]))

    def label(self, sizes: Pair) -> str:
        """See :meth:`Node.label`."""
        del sizes
        return f"max pooling {times(self.kernel_size)}{by_stride(self.stride)}"

    def steps(self, sizes: Pair) -> tuple[Fraction, Fraction]:
        """See :meth:`Node.steps`."""
        del sizes
        return Fraction(self.stride[0]), Fraction(self.stride[1])


def tap_masks(pool: MaxPool, winning: Int[Tensor, "c h w"], sizes: Pair) -> Tensor:
    """Which tap of its window each output took, as booleans ``[taps, c, h, w]``."""
    height, width = sizes
    _, rows, columns = winning.shape
    tops = torch.arange(rows, device=winning.device)[:, None] * pool.stride[0] - pool.padding[0]
    lefts = torch.arange(columns, device=winning.device) * pool.stride[1] - pool.padding[1]
    masks = []
    for i in range(pool.kernel_size[0]):
        for j in range(pool.kernel_size[1]):
            row, column = tops + i * pool.dilation[0], lefts + j * pool.dilation[1]
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            masks.append((winning == row * width + column) & inside)
    return torch.stack(masks)


def taps(pool: MaxPool, coarse: Box, fine: Box) -> "list[tuple[int, Box, slice, slice]]":
    """Per tap: its number, the windows in ``coarse`` for which it lies in ``fine``, and its places there."""
    found = []
    for i in range(pool.kernel_size[0]):
        rows, fine_rows = strip(i * pool.dilation[0] - pool.padding[0], pool.stride[0], coarse[0], fine[0])
        for j in range(pool.kernel_size[1]):
            columns, fine_columns = strip(j * pool.dilation[1] - pool.padding[1], pool.stride[1], coarse[1], fine[1])
            if rows[1] > rows[0] and columns[1] > columns[0]:
                found.append((i * pool.kernel_size[1] + j, (rows, columns), fine_rows, fine_columns))
    return found


def at_winners(mask: Tensor, winning: Int[Tensor, "c h w"]) -> Tensor:
    """Of each window, whether the unit that won is in the mask."""
    return mask.flatten(1).gather(1, winning.flatten(1)).view(winning.shape)


def to_winners(mask: Mask, winning: Int[Tensor, "c h w"], shape: Shape) -> Tensor:
    """The units that won a window in the mask."""
    values = torch.ones_like(winning, dtype=torch.bool) if mask is None else mask
    result = torch.zeros(shape, dtype=torch.uint8).flatten(1)
    result.scatter_reduce_(1, winning.flatten(1), values.flatten(1).to(torch.uint8), "amax")
    return result.view(shape).bool()


def _max_pool(low: Lowering, node: fx.Node) -> None:
    a = arguments_of(node)
    kernel = pair(a["kernel_size"])
    low.put_map(
        node,
        MaxPool(
            (low.map(a["self"]),),
            low.map_shape(node),
            kernel_size=kernel,
            stride=pair(a["stride"] or (), kernel),
            padding=pair(a["padding"]),
            dilation=pair(a["dilation"]),
        ),
    )


LOWERS = {aten.max_pool2d_with_indices.default: _max_pool}
