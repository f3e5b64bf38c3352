"""Sums, means, norms, maxima of positions, of channels, or of all."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx

from ...modes import recording
from ..axes import Axis, Box
from ..lowering import Lowering, arguments_of
from ..results import first_of
from ..unsupported import UnsupportedOperationError
from ..views import CHANNELS, COLUMNS, ROWS, View
from .channels import lower_channels
from .convolution import Convolution
from .node import Gradient, Node, Pair, cut, own_places
from .separable import Separable

__all__ = ["LOWERS", "Reduction"]

aten = torch.ops.aten


@dataclass(eq=False)
class Reduction(Node):
    """One number of all positions of each channel, or of everything.

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
        """The derivative of each number by the numbers that it is made of ``[c, h, w]``."""
        del result
        assert self.source is not None
        with recording():
            x = arguments[0].detach().requires_grad_()
            y = first_of(self.source.target(x, *arguments[1:], **self.source.kwargs))  # type: ignore[operator]
            (found,) = torch.autograd.grad(y.sum(), x)
        return self.view.to_map(found)

    def gradient(self, g: Gradient, box: Box, place: int, part: Box, state: Tensor) -> Gradient:
        """See :meth:`Node.gradient`."""
        del place
        return cut(g, box, ((0, 1), (0, 1))) * state[own_places(part)].to(
            g.dtype
        )  # of everything: one number for all channels

    def label(self, sizes: Pair) -> str:
        """See :meth:`Node.label`."""
        del sizes
        return self.name


def _reduce(low: Lowering, node: fx.Node) -> None:
    rank = len(node.args[0].meta["val"].shape)  # type: ignore[union-attr]
    dims = _dims(arguments_of(node), rank)
    first = first_of(node.meta["val"])
    found = (
        [_sum(low, node, dims, is_mean=node.target in _MEANS)] if node.target in _SUMS else [_other(low, node, dims)]
    )
    if node.target in _WITH_MEANS:
        found.append(_sum(low, node, dims, is_mean=True))
    kept = [k for k in range(rank) if k not in dims or len(first.shape) == rank]
    views = [View(view.values, tuple(view.axes[k] for k in kept)) for view in found]
    if len(views) > 1:
        low.put_all(node, views)
    else:
        low.put_first(node, views[0])


def _dims(a: dict[str, Any], rank: int) -> list[int]:
    """The axes that are reduced."""
    asked = a.get("dim")
    asked = [asked] if isinstance(asked, int) else asked
    return sorted(d % rank for d in asked) if asked else list(range(rank))


def _whole_axes(low: Lowering, view: View, dims: list[int]) -> set[int] | None:
    """The axes of a map that some of a tensor's run over, those of length 1 included; None if they are not whole ones."""
    sizes = dict.fromkeys((CHANNELS, ROWS, COLUMNS), 1)
    atoms = [atom for k in dims for atom in view.axes[k]]
    for atom in atoms:
        sizes[atom.axis] *= atom.size
    shape = low.shape(view.values[0])
    whole = {axis for axis, size in sizes.items() if size == shape[axis]}
    return whole if all(atom.axis in whole for atom in atoms) else None


def _reduced(view: View, value: int, dims: list[int]) -> View:
    return View((value,), tuple(() if k in dims else axis for k, axis in enumerate(view.axes)))


def _sum(low: Lowering, node: fx.Node, dims: list[int], *, is_mean: bool) -> View:
    """A fixed linear map: along rows and columns, and of channels."""
    view = low.single(node.args[0])
    count = math.prod(view.sizes[k] for k in dims)
    whole = _whole_axes(low, view, dims)
    if whole is None:
        view = low.with_channels(node.args[0], dims)
        whole = {CHANNELS}
    (value,) = view.values
    channels, height, width = low.shape(value)
    factor = 1 / count if is_mean else 1.0
    if whole & {ROWS, COLUMNS}:
        rows, columns = (
            low.eye(1).expand(1, size).clone() if axis in whole else low.eye(size)
            for axis, size in ((ROWS, height), (COLUMNS, width))
        )
        shape, title = (channels, len(rows), len(columns)), "mean of all" if is_mean else "sum of all"
        value = low.append(Separable((value,), shape, rows=rows * factor, columns=columns, title=title))
        factor = 1.0
    if CHANNELS in whole:
        weight = low.like.new_full((1, channels, 1, 1), factor)
        value = low.append(Convolution((value,), (1, *low.shape(value)[1:]), weight=weight))
    return _reduced(view, value, dims)


def _other(low: Lowering, node: fx.Node, dims: list[int]) -> View:
    view = low.single(node.args[0])
    whole = _whole_axes(low, view, dims)
    if whole is None or not whole >= {ROWS, COLUMNS}:
        return lower_channels(low, node, _of_last_axis(node), dims, reduces=True)
    (value,) = view.values
    channels = 1 if CHANNELS in whole else low.shape(value)[0]
    return _reduced(view, low.append(Reduction((value,), (channels, 1, 1), view)), dims)


def _largest(low: Lowering, node: fx.Node) -> None:
    """The largest of all positions; of parts of them it is no reduction."""
    a = arguments_of(node)
    view = low.single(a["self"])
    dims = [len(view.axes) - 2, len(view.axes) - 1]
    if max(a["output_size"]) > 1 or not (_whole_axes(low, view, dims) or set()) >= {ROWS, COLUMNS}:
        raise UnsupportedOperationError("adaptive max pooling")
    low.put_first(node, _other(low, node, dims))


def _of_last_axis(node: fx.Node) -> Callable[[dict[str, Any], Tensor], Tensor]:
    """The operation over the last axis, which becomes one number."""
    target: Any = node.target
    one = any(x.name == "dim" and str(x.type).startswith("int") for x in target._schema.arguments)

    def function(a: dict[str, Any], x: Tensor) -> Tensor:
        rest = {name: value for name, value in list(a.items())[1:] if name not in ("dim", "keepdim")}
        if target in _OF_ALL:
            return _OF_ALL[target](x)
        return first_of(target(x, dim=-1 if one else [-1], keepdim=True, **rest))  # type: ignore[no-any-return]

    return function


#: What has no axis to name, and the same along one.
_OF_ALL: dict[Any, Callable[[Tensor], Tensor]] = {
    aten.max.default: lambda x: x.amax(-1, keepdim=True),
    aten.min.default: lambda x: x.amin(-1, keepdim=True),
    aten.prod.default: lambda x: x.prod(-1, keepdim=True),
}

#: What is a fixed linear map.
_MEANS = (aten.mean.default, aten.mean.dim)
_SUMS = (*_MEANS, aten.sum.default, aten.sum.dim_IntList)

#: What has the mean as its second result.
_WITH_MEANS = (aten.std_mean.correction, aten.var_mean.correction)

LOWERS: dict[Any, Callable[[Lowering, fx.Node], None]] = dict.fromkeys(
    (
        aten.amax.default, aten.amin.default, aten.linalg_vector_norm.default, aten.logsumexp.default, aten.max.dim,
        aten.min.dim, aten.norm.ScalarOpt_dim, aten.prod.dim_int, aten.std.correction, aten.var.correction, *_OF_ALL, *_SUMS,
        *_WITH_MEANS,
    ),
    _reduce,
) | {aten.adaptive_max_pool2d.default: _largest}  # fmt: skip
