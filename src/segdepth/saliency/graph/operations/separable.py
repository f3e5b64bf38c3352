"""Fixed linear maps along rows and columns: resizing, average pooling, borders, rolls, flips, means of all positions.

Their matrices are read off PyTorch's own operation, applied to an identity matrix: conventions are right by construction.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor, fx

from ..axes import Axis, Box
from ..lowering import Lowering, arguments_of, pair
from ..unsupported import UnsupportedOperationError
from .node import Gradient, Kernel, Node, Pair, Rows, by_stride, times
from .rows import nothing

__all__ = ["LOWERS", "Separable"]

aten = torch.ops.aten


@dataclass(eq=False)
class Separable(Node):
    """The same fixed linear map along rows, and another along columns.

    Attributes:
        rows: output rows from input rows.
        columns: output columns from input columns.
        title: what it is, for people.
        details: kernel and stride, for people.
        step: input rows and columns from one unit to the next; None: those of a resizing.
    """

    rows: Float[Tensor, "oh ih"]
    columns: Float[Tensor, "ow iw"]
    title: str = "resizing"
    details: str = ""
    step: Pair | None = None

    keeps_channels = True
    resizes = True

    @property
    def name(self) -> str:  # type: ignore[override]
        """See :attr:`Node.name`."""
        return self.title

    @cached_property
    def _reach(self) -> tuple[Axis, Axis]:
        return (
            Axis.of_matrix((self.rows != 0).cpu().numpy()),
            Axis.of_matrix((self.columns != 0).cpu().numpy()),
        )

    def axes(self, place: int, sizes: Pair) -> tuple[Axis, Axis]:
        """See :meth:`Node.axes`."""
        del place, sizes
        return self._reach

    def gradient(self, g: Gradient, box: Box, place: int, part: Box, state: None) -> Gradient:
        """See :meth:`Node.gradient`."""
        del place, state
        rows = self.rows[slice(*box[0]), slice(*part[0])].to(g.dtype)
        columns = self.columns[slice(*box[1]), slice(*part[1])].to(g.dtype)
        return torch.matmul(rows.T, torch.matmul(g, columns))

    def kernel(self, kept: None, rows: Rows) -> Kernel:
        """See :meth:`Node.kernel`."""
        del kept
        return Kernel("add_separable", (*nothing(rows.dtype), *_spans(self.rows), *_spans(self.columns)))

    def label(self, sizes: Pair) -> str:
        """See :meth:`Node.label`."""
        if self.title != "resizing":
            return f"{self.title}{self.details}"
        factors = [f"{float(1 / _resizing(sizes[k], self.shape[1 + k])):.3g}" for k in (0, 1)]
        return f"resizing by {factors[0]}" + (f" and {factors[1]}" if factors[0] != factors[1] else "")

    def steps(self, sizes: Pair) -> tuple[Fraction, Fraction]:
        """See :meth:`Node.steps`."""
        if self.step is not None:
            return Fraction(self.step[0]), Fraction(self.step[1])
        return _resizing(sizes[0], self.shape[1]), _resizing(sizes[1], self.shape[2])


def _resizing(before: int, after: int) -> Fraction:
    """The step of a resizing with aligned borders or with aligned corners, whichever is the rounder number."""
    steps = [Fraction(before, after)] + ([Fraction(before - 1, after - 1)] if min(before, after) > 1 else [])
    return min(steps, key=lambda step: step.numerator + step.denominator)


def _spans(matrix: Float[Tensor, "o i"]) -> tuple[Float[ndarray, "o i"], Int[ndarray, "i 2"]]:
    """A matrix, and per column the first row that is not 0 and the one after the last."""
    touched = (matrix != 0).numpy()
    first = touched.argmax(0)
    last = len(touched) - touched[::-1].argmax(0)
    spans = np.stack([first, np.where(touched.any(0), last, first)], axis=1)
    return np.ascontiguousarray(matrix.numpy()), spans.astype(np.int64)


#: An operation's arguments, the axis (0 rows, 1 columns) and the sizes of the input and of the output -> the arguments that treat
#: the columns of a picture like that axis, and leave its rows alone.
Along = Callable[[dict[str, Any], int, Pair, Pair], dict[str, Any]]


def _of_maps(
    arguments_along: Along, title: str, stride: Callable[[dict[str, Any]], Pair | None] = lambda _: None
) -> Callable[[Lowering, fx.Node], None]:
    """Apply the operation to the rows of an identity matrix, for one axis after the other.

    Args:
        arguments_along: see :data:`Along`.
        title: what it is, for people.
        stride: from the operation's arguments; None where it is a resizing's.
    """

    def lower(low: Lowering, node: fx.Node) -> None:
        target: Any = node.target
        a = arguments_of(node)
        value, shape = low.map(a.pop(next(iter(a)))), low.map_shape(node)
        before, after = low.shape(value)[1:], (shape[1], shape[2])
        rows, columns = (
            target(low.eye(before[axis])[None, None], **arguments_along(a, axis, before, after))[0, 0].T.contiguous()
            for axis in (0, 1)
        )
        some = torch.rand(before, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).to(low.like)
        if not torch.allclose(target(some[None, None], **a)[0, 0], rows @ some @ columns.T, rtol=1e-3, atol=1e-4):
            raise UnsupportedOperationError(f"{target} in other than one way for rows and columns")
        step = stride(a)
        details = f" {times(pair(a['kernel_size']))}{by_stride(step)}" if step and "kernel_size" in a else ""
        low.put_map(
            node, Separable((value,), shape, rows=rows, columns=columns, title=title, details=details, step=step)
        )

    return lower


def _resize_along(a: dict[str, Any], axis: int, before: Pair, after: Pair) -> dict[str, Any]:
    scales = [a.get("scales_h"), a.get("scales_w")]
    return a | {"output_size": [before[axis], after[axis]], "scales_h": None, "scales_w": scales[axis]}


def _average_along(a: dict[str, Any], axis: int, before: Pair, after: Pair) -> dict[str, Any]:
    del before, after
    if a["divisor_override"] is not None:
        raise UnsupportedOperationError("average pooling with a divisor of its own")
    kernel, stride, padding = pair(a["kernel_size"]), _stride(a), pair(a["padding"])
    return a | {"kernel_size": [1, kernel[axis]], "stride": [1, stride[axis]], "padding": [0, padding[axis]]}


def _stride(a: dict[str, Any]) -> Pair:
    return pair(a["stride"] or (), pair(a["kernel_size"]))


def _adaptive_along(a: dict[str, Any], axis: int, before: Pair, after: Pair) -> dict[str, Any]:
    return a | {"output_size": [before[axis], after[axis]]}


def _border_along(a: dict[str, Any], axis: int, before: Pair, after: Pair) -> dict[str, Any]:
    del before, after
    left, right, top, bottom = a["padding"]
    return {"padding": [*((top, bottom), (left, right))[axis], 0, 0]}


def _moved(low: Lowering, node: fx.Node, moves: list[tuple[int, Callable[[Tensor], Tensor]]]) -> None:
    """Positions (or channels) in another order, one axis of the tensor after the other."""
    view = low.single(arguments_of(node)["self"])
    for dim, move in moves:
        view = low.with_axis(view, dim % len(view.axes))
        view = low.reordered(view, dim % len(view.axes), move(torch.arange(view.sizes[dim])))
    low.put(node, view)


def _roll(low: Lowering, node: fx.Node) -> None:
    a = arguments_of(node)
    if not a["dims"]:
        raise UnsupportedOperationError("a roll over all axes at once")
    _moved(low, node, [(d, lambda t, s=s: t.roll(s)) for s, d in zip(a["shifts"], a["dims"], strict=True)])  # type: ignore[misc]


def _flip(low: Lowering, node: fx.Node) -> None:
    _moved(low, node, [(d, lambda t: t.flip(0)) for d in arguments_of(node)["dims"]])


_resize = _of_maps(_resize_along, "resizing")
_border = _of_maps(_border_along, "border", lambda _: (1, 1))

LOWERS = {
    aten._adaptive_avg_pool2d.default: _of_maps(_adaptive_along, "average pooling"),
    aten._upsample_bicubic2d_aa.default: _resize,
    aten._upsample_bilinear2d_aa.default: _resize,
    aten._upsample_nearest_exact2d.default: _resize,
    aten.avg_pool2d.default: _of_maps(_average_along, "average pooling", _stride),
    aten.flip.default: _flip,
    aten.reflection_pad2d.default: _border,
    aten.replication_pad2d.default: _border,
    aten.roll.default: _roll,
    aten.upsample_bicubic2d.default: _resize,
    aten.upsample_bilinear2d.default: _resize,
    aten.upsample_nearest2d.default: _resize,
}
