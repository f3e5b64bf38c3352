"""Convolutions, transposed ones, and linear layers over channels, which are convolutions of single positions."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor, fx

from ..axes import Axis, Box
from ..lowering import Lowering, arguments_of, pair
from ..unsupported import UnsupportedOperationError
from ..views import CHANNELS, Atom, View
from .node import Gradient, Kernel, Node, Pair, Rows, Work, by_stride, cut, fit, tap_axes, times, zeros
from .rows import nobody

__all__ = ["LOWERS", "Convolution"]

aten = torch.ops.aten

#: From this many taps on a matrix product is the fastest, this many positions at a time: it reads the weights once.
MANY_TAPS, FEW_POSITIONS = 25, 256


@dataclass(eq=False)
class Convolution(Node):
    """A convolution, or a transposed one.

    Attributes:
        weight: of a convolution ``[out, in / groups, kh, kw]``, of a transposed one ``[in, out / groups, kh, kw]``; the
            network's own, which takes no more memory.
        stride: of rows and columns; as the others.
        padding: zeros before (and after) the input; of a transposed convolution, what is cut from the output.
        dilation: distance of the taps.
        groups: of channels.
        transposed: which of the two it is.
        factors: that each channel of the value is multiplied by, as in a batch norm that follows; None: by nothing.
    """

    weight: Float[Tensor, "_o _i _kh _kw"]
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1
    transposed: bool = False
    factors: Float[Tensor, " out"] | None = None

    name = "convolution"

    @property
    def kernel_size(self) -> Pair:
        """Rows and columns of the weight."""
        return self.weight.shape[2], self.weight.shape[3]

    def axes(self, place: int, sizes: Pair) -> tuple[Axis, Axis] | None:
        """See :meth:`Node.axes`."""
        del place
        if self._is_product:
            return None
        return tap_axes(
            Axis.transposed if self.transposed else Axis.affine, sizes, self.shape,
            kernel=self.kernel_size, stride=self.stride, padding=self.padding, dilation=self.dilation,
        )  # fmt: skip

    @property
    def _is_product(self) -> bool:
        """Whether the gradient is one matrix product of positions and channels."""
        return self.kernel_size == self.stride == (1, 1) and self.padding == (0, 0) and self.groups == 1

    @property
    def _is_folded(self) -> bool:
        """Whether the kernel is so large, as of a fully connected layer made a convolution, that weights are the cost."""
        many = self.kernel_size[0] * self.kernel_size[1] >= MANY_TAPS
        return not self.transposed and self.groups == 1 and many and self.shape[0] > 64

    @property
    def _is_depthwise(self) -> bool:
        """Whether channels stay apart."""
        return self.weight.shape[1] == 1 and self.groups == self.shape[0] == len(self.weight)

    @property
    def _scaled_weight(self) -> Float[Tensor, "_o _i _kh _kw"]:
        """The weight with the factors in it."""
        if self.factors is None:
            return self.weight
        if not self.transposed:
            return self.weight * self.factors[:, None, None, None]
        inputs, outputs, *kernel = self.weight.shape
        grouped = self.weight.reshape(self.groups, inputs // self.groups, outputs, *kernel)
        return (grouped * self.factors.view(self.groups, 1, outputs, 1, 1)).view_as(self.weight)

    def lay_out(self) -> Tensor:
        """The weight as the gradient needs it: swapped and turned around where a plain convolution does the work."""
        weight = self._scaled_weight
        if self._is_product:
            matrix = weight[:, :, 0, 0]
            return (matrix if self.transposed else matrix.T).contiguous()
        if self._is_folded:
            return weight.flatten(1).contiguous()
        if not self.transposed and self.stride == (1, 1):
            groups, (outputs, inputs, *kernel) = self.groups, weight.shape
            weight = weight.view(groups, outputs // groups, inputs, *kernel).transpose(1, 2)
            weight = weight.reshape(groups * inputs, outputs // groups, *kernel).flip(2, 3)
        return weight.contiguous(memory_format=torch.channels_last)

    def gradient(self, g: Gradient, box: Box, place: int, part: Box, state: Tensor) -> Gradient:
        """See :meth:`Node.gradient`."""
        del place
        if self._is_product:
            return F.linear(cut(g, box, part).permute(0, 2, 3, 1), state).permute(0, 3, 1, 2)
        if self._is_folded:
            return self._by_taps(g, box, part, state)
        if self.transposed:
            g = fit(g, box, *self._reached(part))
            return F.conv2d(g, state, stride=self.stride, dilation=self.dilation, groups=self.groups)
        if self.stride != (1, 1):
            full = F.conv_transpose2d(g, state, stride=self.stride, dilation=self.dilation, groups=self.groups)
            return fit(full, self._reached(box), *part)
        spans = [
            (part[k][0] + self.padding[k] - (self.kernel_size[k] - 1) * self.dilation[k], part[k][1] + self.padding[k])
            for k in (0, 1)
        ]
        return F.conv2d(fit(g, box, *spans), state, dilation=self.dilation, groups=self.groups)

    def _by_taps(self, g: Gradient, box: Box, part: Box, weight: Float[Tensor, "_o _taps"]) -> Gradient:
        """All taps of every position in one matrix product, then summed where they overlap; a part of positions at a time."""
        rows = max(1, FEW_POSITIONS // (len(g) * g.shape[3]))
        result = zeros(g, self.weight.shape[1], part)
        for top in range(0, g.shape[2], rows):
            some = g[:, :, top : top + rows]
            strip: Box = ((box[0][0] + top, box[0][0] + top + some.shape[2]), box[1])
            taps = (some.flatten(2).transpose(1, 2).contiguous() @ weight).transpose(1, 2)
            reached = self._reached(strip)
            size = (reached[0][1] - reached[0][0], reached[1][1] - reached[1][0])
            full = F.fold(taps, size, self.kernel_size, dilation=self.dilation, stride=self.stride)
            result += fit(full, reached, *part)
        return result

    def _reached(self, box: Box) -> Box:
        """The inputs that a box of outputs reads, those in the padding included."""
        rows, columns = (
            (
                box[k][0] * self.stride[k] - self.padding[k],
                (box[k][1] - 1) * self.stride[k] - self.padding[k] + (self.kernel_size[k] - 1) * self.dilation[k] + 1,
            )
            for k in (0, 1)
        )
        return rows, columns

    def kernel(self, kept: None, rows: Rows) -> Kernel:
        """See :meth:`Node.kernel`; the sparse engine begins sums with one that mixes channels."""
        del kept
        if self._is_depthwise:
            return Kernel("add_by_taps", (rows.lay_out(_by_taps), nobody(), _form(self), self.shape[2]))
        return Kernel("back_convolution", rows.lay_out(_in_blocks, rows.weight_bytes))

    def takes_factors(self) -> bool:
        """See :meth:`Node.takes_factors`."""
        return True

    def with_factors(self, factors: Float[Tensor, " c"]) -> "tuple[Convolution, None]":
        """See :meth:`Node.with_factors`."""
        return replace(self, factors=factors if self.factors is None else self.factors * factors), None

    def work(self, box: Box, part: Box) -> Work:
        """See :meth:`Node.work`."""
        rows, columns = part if self.transposed else box
        amount = (rows[1] - rows[0]) * (columns[1] - columns[0]) * self.weight.numel()
        if self._is_depthwise:
            return Work(apart=amount)
        return Work(products=amount) if self._is_product else Work(mixed=amount)

    def label(self, sizes: Pair) -> str:
        """See :meth:`Node.label`."""
        del sizes
        name = "transposed convolution" if self.transposed else "convolution"
        dilated = f" dilation {times(self.dilation)}" if self.dilation != (1, 1) else ""
        return f"{name} {times(self.kernel_size)}{by_stride(self.stride)}{dilated}"

    def steps(self, sizes: Pair) -> tuple[Fraction, Fraction]:
        """See :meth:`Node.steps`."""
        del sizes
        if self.transposed:
            return Fraction(1, self.stride[0]), Fraction(1, self.stride[1])
        return Fraction(self.stride[0]), Fraction(self.stride[1])


def _by_taps(node: Convolution) -> Float[ndarray, "taps channels"]:
    """The weights of a depthwise convolution."""
    found: Float[ndarray, "taps channels"] = np.ascontiguousarray(node._scaled_weight.flatten(1).T.numpy())
    return found


def _form(node: Convolution) -> tuple[int, ...]:
    return *node.kernel_size, *node.stride, *node.padding, *node.dilation, int(node.transposed)


def _in_blocks(node: Convolution, weight_bytes: int) -> tuple[Float[ndarray, "blocks _"], tuple[int, ...]]:
    """The weights in blocks ``[group and block of inputs, tap, output, input in the block]``, and the numbers."""
    weight, groups = node._scaled_weight.numpy(), node.groups
    taps = weight.shape[2] * weight.shape[3]
    order = (0, 1, 3, 2) if node.transposed else (0, 2, 3, 1)
    arranged = weight.reshape(groups, weight.shape[0] // groups, weight.shape[1], taps).transpose(order)
    _, inputs, _, outputs = arranged.shape
    per_input = taps * outputs * weight.itemsize
    block = min(-(-inputs // 16) * 16, max(16, weight_bytes // per_input // 16 * 16))
    count = -(-inputs // block)
    padded = np.zeros((groups, count * block, taps, outputs), weight.dtype)
    padded[:, :inputs] = arranged
    blocks = padded.reshape(groups, count, block, taps, outputs).transpose(0, 1, 3, 4, 2)
    numbers = (*_form(node), inputs, outputs, block)
    return np.ascontiguousarray(blocks).reshape(groups * count, -1), numbers


def _convolution(low: Lowering, node: fx.Node) -> None:
    """Of maps, or of rows of numbers, which are maps of one column."""
    a = arguments_of(node)
    missing = 2 - len(a["stride"])
    if missing not in (0, 1):
        raise UnsupportedOperationError("a convolution in other than 1 or 2 dimensions")
    low.refuse_weights(a["bias"])
    weight = low.constant(a["weight"]).detach()
    stride, padding, dilation = (
        pair([*a[name], *[usual] * missing]) for name, usual in (("stride", 1), ("padding", 0), ("dilation", 1))
    )
    low.put_map(
        node,
        Convolution(
            (low.map(a["input"]),),
            low.map_shape(node),
            weight=weight[..., None] if missing else weight,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=a["groups"],
            transposed=a["transposed"],
        ),
    )


def _product(low: Lowering, node: fx.Node) -> None:
    """A product with a fixed matrix, or with one for each batch (and a bias): the axis that is summed over is channels."""
    *bias, left, right = node.args
    if node.kwargs or low.carries(left) == low.carries(right) or any(low.carries(one) for one in bias):
        raise UnsupportedOperationError("a product of two matrices that depend on the picture")
    x, matrix, dim = (left, right, -1) if low.carries(left) else (right, left, -2)
    weight = low.constant(matrix).detach()
    weight = weight.transpose(-1, -2) if dim == -1 else weight
    if weight.dim() == 3 and weight.eq(weight[:1]).all():
        weight = weight[0]
    if weight.dim() == 3:
        _grouped_product(low, node, x, dim, weight)
        return
    view = low.with_channels(x, (dim,))
    (value,) = view.values
    outputs = len(weight)
    index = low.append(Convolution((value,), (outputs, *low.shape(value)[1:]), weight=weight[:, :, None, None]))
    low.put(node, low.channels_replaced(view, index, dim, outputs))


def _grouped_product(low: Lowering, node: fx.Node, x: Any, dim: int, weight: Float[Tensor, "b o i"]) -> None:
    """Of each batch by its own matrix."""
    view = low.with_channels(x, (0, dim))
    (value,) = view.values
    groups, outputs, _ = weight.shape
    shape = (groups * outputs, *low.shape(value)[1:])
    index = low.append(Convolution((value,), shape, weight=weight.flatten(0, 1)[:, :, None, None], groups=groups))
    axes = list(view.axes)
    axes[0] = (Atom(CHANNELS, outputs, groups),)
    axes[dim] = (Atom(CHANNELS, 1, outputs),) if outputs > 1 else ()
    low.put(node, View((index,), tuple(axes)))


LOWERS = {
    aten.convolution.default: _convolution,
    aten.addmm.default: _product,
    aten.baddbmm.default: _product,
    aten.bmm.default: _product,
    aten.mm.default: _product,
}
