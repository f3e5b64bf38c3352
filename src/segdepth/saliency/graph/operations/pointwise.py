"""Functions of single numbers, of one or several maps; their derivatives are taken by autograd when the picture is known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx

from ...modes import recording
from ..axes import Box
from ..lowering import Lowering
from ..results import first_of
from ..views import View
from .node import Gradient, Kernel, Mask, Node, Pair, Rows, Shape, both, cut, own_places
from .rows import moved, scaled

__all__ = ["LOWERS", "Pointwise", "lower_pointwise"]

aten = torch.ops.aten


@dataclass(eq=False)
class Pointwise(Node):
    """A function of each number by itself, of several maps at the same place for example: its derivative by one of them.

    Attributes:
        derivative: from the operation's arguments and its result to the derivative, in the shape of the result (a mask where
            it is 0 or 1).
        view: how the result lies in the map.
        is_mask: whether the derivative is 0 or 1 everywhere.
    """

    derivative: Callable[[tuple[Any, ...], Tensor], Tensor]
    view: View
    is_mask: bool = False

    name = "function of single numbers"
    keeps_channels = True

    def keep(self, arguments: tuple[Any, ...], result: Tensor) -> Tensor:
        """The derivative ``[c, h, w]``."""
        return self.view.to_map(self.derivative(arguments, result))

    def prepare(self, kept: Tensor, sizes: Pair) -> Tensor:
        """Channels last in memory; masks as the type that PyTorch multiplies numbers by twice as fast."""
        del sizes
        kept = kept.to(torch.uint8) if kept.dtype == torch.bool else kept
        return kept.movedim(-3, -1).contiguous().movedim(-1, -3)

    def gradient(self, g: Gradient, box: Box, place: int, part: Box, state: Tensor) -> Gradient:
        """See :meth:`Node.gradient`."""
        del place
        return cut(g, box, part) * state[own_places(part)]

    def reaching(self, inputs: Sequence[Mask], shapes: Sequence[Shape], kept: Tensor) -> Mask:
        """See :meth:`Node.reaching`."""
        del shapes
        return both(self._nonzero(kept), inputs[0])

    def carried(self, mask: Mask, place: int, shape: Shape, kept: Tensor) -> Mask:
        """See :meth:`Node.carried`."""
        del place, shape
        return both(self._nonzero(kept), mask)

    def _nonzero(self, kept: Tensor) -> Mask:
        if kept.dtype == torch.bool:
            return kept
        mask = kept.ne(0).expand(self.shape)
        return None if mask.all() else mask

    @property
    def switches(self) -> bool:
        """See :meth:`Node.switches`."""
        return self.is_mask

    def moves(self, loose: bool) -> bool:
        """A mask's gradient is the value's own, if it stands in rows without dead units."""
        return self.is_mask and not loose

    def holds_parts(self, loose: bool) -> bool:
        """See :meth:`Node.holds_parts`."""
        return self.is_mask and not loose

    def kernel(self, kept: Tensor, rows: Rows) -> Kernel:
        """See :meth:`Node.kernel`."""
        if self.moves(rows.loose):
            return moved(rows)
        factors = kept.to(getattr(torch, str(np.dtype(rows.dtype)))).expand(self.shape).permute(1, 2, 0).flatten(0, 1)
        return scaled(factors.contiguous().numpy())


def lower_pointwise(low: Lowering, node: fx.Node) -> None:
    """Any function of numbers at the same place: per argument that depends on the picture, a partial derivative."""
    places = [k for k, argument in enumerate(node.args) if isinstance(argument, fx.Node) and low.carries(argument)]
    views, like = low.in_step([node.args[k] for k in places], node)
    parts = [
        low.append(Pointwise(view.values, low.shape(view.values[0]), _derivative(node, place), like))
        for place, view in zip(places, views, strict=True)
    ]
    low.put_sum(node, like, parts)


def _derivative(node: fx.Node, place: int) -> Callable[[tuple[Any, ...], Tensor], Tensor]:
    """The operation's derivative with respect to one argument, by autograd, which knows all of them."""

    def derivative(arguments: tuple[Any, ...], result: Any) -> Tensor:
        shape = first_of(result).shape
        with recording():
            x = arguments[place].detach().expand(shape).requires_grad_()
            y = first_of(node.target(*arguments[:place], x, *arguments[place + 1 :], **node.kwargs))  # type: ignore[operator]
            (found,) = torch.autograd.grad(y.sum(), x)
        return found  # type: ignore[no-any-return]

    return derivative


def _positive(_arguments: tuple[Any, ...], result: Tensor) -> Tensor:
    return result > 0


def _relu(low: Lowering, node: fx.Node) -> None:
    view = low.single(node.args[0])
    low.put_like(node, view, Pointwise(view.values, low.shape(view.values[0]), _positive, view, is_mask=True))


LOWERS: dict[Any, Callable[[Lowering, fx.Node], None]] = {
    aten.relu.default: _relu,
    **dict.fromkeys(
        (
            aten._prelu_kernel.default, aten.abs.default, aten.acos.default, aten.addcdiv.default, aten.addcmul.default,
            aten.asin.default, aten.asinh.default, aten.atan.default, aten.atan2.default, aten.atanh.default,
            aten.ceil.default, aten.celu.default, aten.clamp.Tensor, aten.clamp.default, aten.clamp_max.Tensor,
            aten.clamp_max.default, aten.clamp_min.Tensor, aten.clamp_min.default, aten.copysign.Tensor,
            aten.cos.default, aten.cosh.default, aten.digamma.default, aten.div.Scalar_mode, aten.div.Tensor_mode,
            aten.elu.default, aten.erf.default, aten.erfc.default, aten.erfinv.default, aten.exp.default,
            aten.exp2.default, aten.expm1.default, aten.floor.default, aten.fmax.default, aten.fmin.default,
            aten.fmod.Scalar, aten.fmod.Tensor, aten.frac.default, aten.gelu.default, aten.hardshrink.default,
            aten.hardsigmoid.default, aten.hardswish.default, aten.hardtanh.default, aten.hypot.default,
            aten.leaky_relu.default, aten.lerp.Scalar, aten.lerp.Tensor, aten.lgamma.default, aten.log.default,
            aten.log10.default, aten.log1p.default, aten.log2.default, aten.log_sigmoid_forward.default,
            aten.logaddexp.default, aten.logit.default, aten.masked_fill.Scalar, aten.masked_fill.Tensor,
            aten.maximum.default, aten.minimum.default, aten.mish.default, aten.nan_to_num.default, aten.pow.Scalar,
            aten.pow.Tensor_Scalar, aten.pow.Tensor_Tensor, aten.reciprocal.default, aten.remainder.Scalar,
            aten.round.default, aten.rsqrt.default, aten.sigmoid.default, aten.sign.default, aten.silu.default,
            aten.sin.default, aten.sinc.default, aten.sinh.default, aten.softplus.default, aten.softshrink.default,
            aten.sqrt.default, aten.square.default, aten.tan.default, aten.tanh.default, aten.threshold.default,
            aten.trunc.default, aten.where.ScalarOther, aten.where.ScalarSelf, aten.where.self, aten.xlogy.Tensor,
        ),
        lower_pointwise,
    ),
}  # fmt: skip
