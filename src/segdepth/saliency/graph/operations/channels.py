"""Functions of the channels of one position: softmax, layer norm, RMS norm, maxima and sums over channels."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, fx

from ...modes import recording
from ..axes import Box
from ..lowering import Lowering, arguments_of
from ..views import View
from .node import Gradient, Node, cut

__all__ = ["LOWERS", "Channels", "lower_channels"]

aten = torch.ops.aten

#: From an operation's arguments by name, and numbers ``[..., c]``, to the results ``[..., c']``.
Function = Callable[[dict[str, Any], Tensor], Tensor]


class _State(NamedTuple):
    """At a picture: the numbers, channels last, and the function of them."""

    values: Float[Tensor, "h w c"]
    function: Callable[[Tensor], Tensor]


@dataclass(eq=False)
class Channels(Node):
    """A function of the channels of each position, whose gradient autograd takes back.

    Attributes:
        function: the operation over the last axis.
        view: how the operation's first argument lies in the input.
    """

    function: Function
    view: View

    name = "function of channels"

    def keep(self, arguments: tuple[Any, ...], result: Any) -> _State:
        """See :meth:`Node.keep`."""
        del result
        assert self.source is not None
        named = arguments_of(self.source, arguments)
        values = self.view.to_map(arguments[0].detach()).permute(1, 2, 0).contiguous()
        return _State(values, lambda x: self.function(named, x))

    def gradient(self, g: Gradient, box: Box, place: int, part: Box, state: _State) -> Gradient:
        """See :meth:`Node.gradient`."""
        del place
        rows, columns = part
        with recording():
            x = state.values[slice(*rows), slice(*columns)].expand(len(g), -1, -1, -1).detach().requires_grad_()
            y = state.function(x)
            (found,) = torch.autograd.grad(y, x, cut(g, box, part).permute(0, 2, 3, 1).to(y.dtype))
        return found.permute(0, 3, 1, 2).to(g.dtype)

    def label(self, sizes: tuple[int, int]) -> str:
        """See :meth:`Node.label`."""
        del sizes
        return ""


def lower_channels(low: Lowering, node: fx.Node, function: Function, dims: list[int], *, reduces: bool = False) -> View:
    """A function over some axes of a tensor, as one over the channels of a map.

    Args:
        low: where to.
        node: the operation; its first argument depends on the picture.
        function: of the last axis.
        dims: the axes of the tensor.
        reduces: whether one number is left of them.

    Returns:
        The result; where one number is left of the axes, they have the length 1.
    """
    view = low.with_channels(node.args[0], tuple(dims))
    (value,) = view.values
    channels, *size = low.shape(value)
    index = low.append(Channels((value,), (1 if reduces else channels, size[0], size[1]), function, view))
    return View((index,), tuple(() if reduces and k in dims else axis for k, axis in enumerate(view.axes)))


def _over_one(function: Function) -> Callable[[Lowering, fx.Node], None]:
    """Of one axis, which stays as it is."""

    def lower(low: Lowering, node: fx.Node) -> None:
        rank = len(node.args[0].meta["val"].shape)  # type: ignore[union-attr]
        low.put(node, lower_channels(low, node, function, [arguments_of(node)["dim"] % rank]))

    return lower


def _norm(low: Lowering, node: fx.Node) -> None:
    a = arguments_of(node)
    rank = len(node.args[0].meta["val"].shape)  # type: ignore[union-attr]
    dims = list(range(rank - len(a["normalized_shape"]), rank))
    low.refuse_weights(a.get("weight"), a.get("bias"))
    low.put_first(node, lower_channels(low, node, _layer_norm if "bias" in a else _rms_norm, dims))


def _flat(weight: Tensor | None) -> Tensor | None:
    return None if weight is None else weight.detach().flatten()


def _layer_norm(a: dict[str, Any], x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], _flat(a["weight"]), _flat(a["bias"]), a["eps"])


def _rms_norm(a: dict[str, Any], x: Tensor) -> Tensor:
    return F.rms_norm(x, x.shape[-1:], _flat(a["weight"]), a["eps"])


LOWERS: dict[Any, Callable[[Lowering, fx.Node], None]] = {
    aten._fused_rms_norm.default: _norm,
    aten._log_softmax.default: _over_one(lambda _, x: x.log_softmax(-1)),
    aten._softmax.default: _over_one(lambda _, x: x.softmax(-1)),
    aten.cumsum.default: _over_one(lambda _, x: x.cumsum(-1)),
    aten.glu.default: lambda low, node: _glu(low, node),
    aten.native_layer_norm.default: _norm,
}


def _glu(low: Lowering, node: fx.Node) -> None:
    """Half of the channels, gated by the other half."""
    dim = arguments_of(node)["dim"] % len(node.meta["val"].shape)
    view = low.with_channels(node.args[0], (dim,))
    (value,) = view.values
    channels, height, width = low.shape(value)
    index = low.append(Channels((value,), (channels // 2, height, width), lambda _, x: F.glu(x, -1), view))
    low.put(node, low.channels_replaced(view, index, dim, channels // 2))
