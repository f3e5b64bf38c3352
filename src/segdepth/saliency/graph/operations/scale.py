"""One factor per channel: batch norm in eval mode, products with fixed numbers that are the same at all positions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, fx

from ..axes import Box
from ..lowering import Lowering, arguments_of
from ..views import CHANNELS, View
from .group_norm import lower_statistics
from .node import Gradient, Kernel, Mask, Node, Rows, Shape, cut
from .pointwise import lower_pointwise
from .rows import scaled

__all__ = ["LOWERS", "Scale", "scaled_by"]

aten = torch.ops.aten


@dataclass(eq=False)
class Scale(Node):
    """One factor per channel that has no convolution before it to go into.

    Attributes:
        factors: per channel.
    """

    factors: Float[Tensor, " c"]

    name = "factor per channel"
    keeps_channels = True

    def gradient(self, g: Gradient, box: Box, place: int, part: Box, state: None) -> Gradient:
        """See :meth:`Node.gradient`."""
        del place, state
        return cut(g, box, part) * self.factors[:, None, None].to(g.dtype)

    def reaching(self, inputs: Sequence[Mask], shapes: Sequence[Shape], kept: None) -> Mask:
        """See :meth:`Node.reaching`."""
        del shapes, kept
        return inputs[0]

    def carried(self, mask: Mask, place: int, shape: Shape, kept: None) -> Mask:
        """See :meth:`Node.carried`."""
        del place, shape, kept
        return mask

    def kernel(self, kept: None, rows: Rows) -> Kernel:
        """See :meth:`Node.kernel`."""
        del kept, rows
        return scaled(np.ascontiguousarray(self.factors.numpy()[None]))

    def takes_factors(self) -> bool:
        """See :meth:`Node.takes_factors`."""
        return True

    def with_factors(self, factors: Float[Tensor, " c"]) -> "tuple[Scale, None]":
        """See :meth:`Node.with_factors`."""
        return replace(self, factors=self.factors * factors), None


def _batch_norm(low: Lowering, node: fx.Node) -> None:
    a = arguments_of(node)
    if a.get("training"):
        lower_statistics(low, node)
        return
    low.refuse_weights(a["bias"])
    factors = (low.constant(a["running_var"]) + a.get("eps", a.get("epsilon"))).rsqrt()
    if a["weight"] is not None:
        factors = factors * low.constant(a["weight"])
    value = low.map(a["input"])
    low.put_map(node, Scale((value,), low.shape(value), factors.detach()))


def scaled_by(low: Lowering, view: View, factor: float) -> View:
    """A tensor times a number."""
    if factor == 1:
        return view
    (value,) = view.values
    shape = low.shape(value)
    return View((low.append(Scale((value,), shape, low.like.new_full(shape[:1], factor))),), view.axes)


def _product(low: Lowering, node: fx.Node) -> None:
    """Times, or divided by, fixed numbers; numbers that differ from position to position go the general way."""
    x, other = node.args if low.carries(node.args[0]) else node.args[::-1]
    if low.carries(other) or not low.is_fixed(other) or (x is node.args[1] and node.target in _QUOTIENTS):
        lower_pointwise(low, node)
        return
    numbers = low.constant(other)
    numbers = numbers.detach().to(low.like) if isinstance(numbers, Tensor) else low.like.new_tensor(numbers)
    view = low.enlarged(x, node)
    factors = _per_channel(view, numbers, low.shape(view.values[0])[0])
    if factors is None:
        lower_pointwise(low, node)
        return
    factors = 1 / factors if node.target in _QUOTIENTS else factors
    low.put_like(node, view, Scale(view.values, low.shape(view.values[0]), factors))


def _per_channel(view: View, numbers: Tensor, channels: int) -> Float[Tensor, " c"] | None:
    """Numbers that a tensor is multiplied by, as one for each channel of its map; None where they are not that."""
    numbers = numbers.reshape((1,) * (len(view.axes) - numbers.dim()) + numbers.shape)
    axes = []
    for dim, axis in enumerate(view.axes):
        varied = {atom.axis for atom in axis}
        if numbers.shape[dim] > 1 and varied != {CHANNELS}:
            return None
        if varied == {CHANNELS}:
            numbers = numbers.expand(*numbers.shape[:dim], view.sizes[dim], *numbers.shape[dim + 1 :])
        axes.append(axis if varied == {CHANNELS} else ())
    found = View(view.values, tuple(axes)).to_map(numbers).flatten()
    return found if len(found) == channels else found.expand(channels) if len(found) == 1 else None


def _negative(low: Lowering, node: fx.Node) -> None:
    low.put(node, scaled_by(low, low.single(node.args[0]), -1))


#: Where the second argument is divided by.
_QUOTIENTS = (aten.div.Scalar, aten.div.Tensor)

LOWERS: dict[Any, Callable[[Lowering, fx.Node], None]] = {
    **dict.fromkeys((aten.div.Scalar, aten.div.Tensor, aten.mul.Scalar, aten.mul.Tensor), _product),
    aten.neg.default: _negative,
    aten._native_batch_norm_legit_no_training.default: _batch_norm,
    aten.cudnn_batch_norm.default: _batch_norm,
    aten.native_batch_norm.default: _batch_norm,
}
