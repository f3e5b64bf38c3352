"""Sums, means, norms, maxima of all positions of each channel, or of the channels of each position."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx

from ...modes import recording
from ..axes import Axis, Box
from ..lowering import Lowering, arguments_of
from ..views import COLUMNS, ROWS, View
from .channels import lower_channels
from .node import Gradient, Node, Pair, cut, own_places
from .separable import Separable

__all__ = ["LOWERS", "Reduction"]

aten = torch.ops.aten


@dataclass(eq=False)
class Reduction(Node):
    """One number of all positions of each channel.

    Attributes:
        view: how the operation's first argument lies in the input.
    """

    view: View

    name = "reduction over positions"

    def axes(self, place: int, sizes: Pair) -> tuple[Axis, Axis]:
        """See :meth:`Node.axes`."""
        del place
        return Axis.everywhere(sizes[0], 1), Axis.everywhere(sizes[1], 1)

    def keep(self, arguments: tuple[Any, ...], result: Any) -> Tensor:
        """The derivative of each channel's number by the numbers of that channel ``[c, h, w]``."""
        del result
        assert self.source is not None
        with recording():
            x = arguments[0].detach().requires_grad_()
            y = self.source.target(x, *arguments[1:], **self.source.kwargs)  # type: ignore[operator]
            y = y[0] if isinstance(y, tuple) else y
            (found,) = torch.autograd.grad(y.sum(), x)
        return self.view.to_map(found)

    def gradient(self, g: Gradient, box: Box, place: int, part: Box, state: Tensor) -> Gradient:
        """See :meth:`Node.gradient`."""
        del place
        return cut(g, box, ((0, 1), (0, 1))) * state[own_places(part)].to(g.dtype)

    def label(self, sizes: Pair) -> str:
        """See :meth:`Node.label`."""
        del sizes
        return self.name


def _reduce(low: Lowering, node: fx.Node) -> None:
    a = arguments_of(node)
    rank = len(node.args[0].meta["val"].shape)  # type: ignore[union-attr]
    asked = a.get("dim")
    asked = [asked] if isinstance(asked, int) else asked
    dims = sorted(d % rank for d in asked) if asked else list(range(rank))
    keepdim = bool(a.get("keepdim")) and bool(asked)
    view = low.view(node.args[0])
    if len(view.values) == 1 and _all_positions(low, view, dims):
        _over_positions(low, node, view, dims, keepdim)
        return
    lower_channels(low, node, _of_last_axis(node, bool(asked)), dims, reduces=True, keepdim=keepdim)


def _all_positions(low: Lowering, view: View, dims: list[int]) -> bool:
    """Whether some axes of a tensor are all positions of its map, and nothing else."""
    atoms = [atom for k in dims for atom in view.axes[k]]
    _, height, width = low.shape(view.values[0])
    count = 1
    for atom in atoms:
        count *= atom.size
    return all(atom.axis in (ROWS, COLUMNS) for atom in atoms) and count == height * width > 1


def _over_positions(low: Lowering, node: fx.Node, view: View, dims: list[int], keepdim: bool) -> None:
    (value,) = view.values
    channels, height, width = low.shape(value)
    shape = (channels, 1, 1)
    if node.target in _SUMS:
        scale = 1 / (height * width) if node.target is aten.mean.dim else 1.0
        rows, columns = (low.eye(1).expand(1, n) for n in (height, width))
        index = low.append(Separable((value,), shape, rows=rows * scale, columns=columns.clone()))
    else:
        index = low.append(Reduction((value,), shape, view))
    axes = [() if k in dims else axis for k, axis in enumerate(view.axes)]
    if not keepdim:
        axes = [axis for k, axis in enumerate(axes) if k not in dims]
    low.put_first(node, View((index,), tuple(axes)))


def _of_last_axis(node: fx.Node, over_some: bool) -> Callable[[dict[str, Any], Tensor], Tensor]:
    """The operation over the last axis, which becomes one number."""
    target: Any = node.target
    one = any(x.name == "dim" and str(x.type).startswith("int") for x in target._schema.arguments)

    def function(a: dict[str, Any], x: Tensor) -> Tensor:
        rest = {name: value for name, value in list(a.items())[1:] if name not in ("dim", "keepdim")}
        if not over_some and target in _OF_ALL:  # of everything: the same name, over one axis
            return _OF_ALL[target](x)
        found = target(x, dim=-1 if one else [-1], keepdim=True, **rest)
        return found[0] if isinstance(found, tuple) else found  # type: ignore[no-any-return]

    return function


#: What is a fixed linear map.
_SUMS = (aten.mean.dim, aten.sum.dim_IntList)

#: What has no axis to name.
_OF_ALL: dict[Any, Callable[[Tensor], Tensor]] = {
    aten.max.default: lambda x: x.amax(-1, keepdim=True),
    aten.mean.default: lambda x: x.mean(-1, keepdim=True),
    aten.min.default: lambda x: x.amin(-1, keepdim=True),
    aten.sum.default: lambda x: x.sum(-1, keepdim=True),
}

LOWERS: dict[Any, Callable[[Lowering, fx.Node], None]] = dict.fromkeys(
    (
        aten.amax.default, aten.amin.default, aten.linalg_vector_norm.default, aten.logsumexp.default, aten.max.dim,
        aten.mean.dim, aten.min.dim, aten.norm.ScalarOpt_dim, aten.prod.dim_int, aten.std.correction, aten.sum.dim_IntList,
        aten.var.correction, *_OF_ALL,
    ),
    _reduce,
)  # fmt: skip
