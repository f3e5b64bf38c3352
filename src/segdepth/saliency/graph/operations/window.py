"""Slicing and padding with zeros."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, fx

from ..axes import Axis, Box, Span
from ..lowering import Lowering, arguments_of
from ..route import Route
from ..views import View
from .node import Gradient, Kernel, Mask, Node, Pair, Rows, Shape, cut, full, zeros
from .rows import moved

__all__ = ["LOWERS", "Window", "strip"]

aten = torch.ops.aten


def strip(start: int, step: int, outer: Span, inner: Span) -> tuple[Span, slice]:
    """The indices ``o`` in ``outer`` for which ``o step + start`` is in ``inner``, and these as a slice of ``inner``."""
    first = max(outer[0], -((start - inner[0]) // step))
    last = min(outer[1] - 1, (inner[1] - 1 - start) // step)
    if first > last:
        return (0, 0), slice(0, 0)
    begin = first * step + start - inner[0]
    return (first, last + 1), slice(begin, begin + (last - first) * step + 1, step)


@dataclass(eq=False)
class Window(Node):
    """Every ``step``-th channel, row and column from ``start`` on; zeros where the input ends.

    Attributes:
        channels: of the input.
        start: channel, row and column of the first; negative where padded.
        step: of channels, rows and columns.
    """

    channels: int
    start: Shape
    step: Shape = (1, 1, 1)

    name = "slice or padding"
    passes_factors = True
    keeps_channels = True

    @property
    def all_channels(self) -> bool:
        """Whether it leaves the channels alone."""
        return (self.start[0], self.step[0], self.shape[0]) == (0, 1, self.channels)

    def axes(self, place: int, sizes: Pair) -> tuple[Axis, Axis]:
        """See :meth:`Node.axes`."""
        del place
        rows, columns = (
            Axis.affine(sizes[k], self.shape[1 + k], step=self.step[1 + k], offset=self.start[1 + k]) for k in (0, 1)
        )
        return rows, columns

    def gradient(self, g: Gradient, box: Box, place: int, part: Box, state: None) -> Gradient:
        """See :meth:`Node.gradient`."""
        del place, state
        rows, part_rows = strip(self.start[1], self.step[1], box[0], part[0])
        columns, part_columns = strip(self.start[2], self.step[2], box[1], part[1])
        shown = cut(g, box, (rows, columns))
        if self.step[1:] == (1, 1) and self.all_channels:
            return shown
        result = zeros(g, self.channels, part)
        channels, own = strip(self.start[0], self.step[0], (0, self.shape[0]), (0, self.channels))
        result[:, own, part_rows, part_columns] = shown[:, slice(*channels)]
        return result

    def reaching(self, inputs: Sequence[Mask], shapes: Sequence[Shape], kept: None) -> Mask:
        """See :meth:`Node.reaching`."""
        del kept
        result = torch.zeros(self.shape, dtype=torch.bool)
        inner, outer = self._slices(shapes[0])
        result[outer] = full(inputs[0], shapes[0])[inner]
        return result

    def carried(self, mask: Mask, place: int, shape: Shape, kept: None) -> Mask:
        """See :meth:`Node.carried`."""
        del place, kept
        result = torch.zeros(shape, dtype=torch.bool)
        inner, outer = self._slices(shape)
        result[inner] = True if mask is None else mask[outer]
        return result

    def _slices(self, sizes: Sequence[int]) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
        """The part of the input that it shows, and where it shows it."""
        inner, outer = [], []
        for start, step, size, shown in zip(self.start, self.step, sizes, self.shape, strict=True):
            first = max(0, -(start // step))
            last = min(shown, (size - 1 - start) // step + 1)
            outer.append(slice(first, max(first, last)))
            inner.append(slice(start + first * step, max(start + first * step, start + (last - 1) * step + 1), step))
        return tuple(inner), tuple(outer)

    def moves(self, loose: bool) -> bool:
        """See :meth:`Node.moves`."""
        del loose
        return self._is_route

    def holds_parts(self, loose: bool) -> bool:
        """See :meth:`Node.holds_parts`."""
        del loose
        return self.all_channels

    @property
    def _is_route(self) -> bool:
        return self.all_channels or self.step[0] == 1

    def through(self, route: Route, place: int, sizes: Pair) -> Route:
        """See :meth:`Node.through`."""
        del place
        beyond = any(self.start[1 + k] < 0 or self._shown(k)[1] > sizes[k] for k in (0, 1))
        return replace(
            route.at((1, -self.start[1], self.step[1]), (1, -self.start[2], self.step[2])),
            shift=route.shift - self.start[0],
            inside=route.inside or beyond,
        )

    def leads(self, route: Route, sizes: Pair) -> bool:
        """See :meth:`Node.leads`.

        Not if it leaves out positions that, reckoned on through its border or between its steps, have a place in the
        other value after all: there stands somebody else's gradient.
        """
        left_out = any(self.start[1 + k] > 0 or self._shown(k)[1] < sizes[k] for k in (0, 1))
        stepped = self.step[1:] != (1, 1)
        enlarged = route.rows[0] != 1 or route.columns[0] != 1
        return not (left_out and route.inside) and not (stepped and (enlarged or route.inside))

    def _shown(self, axis: int) -> tuple[int, int]:
        """First row (or column) of the input that it shows, and the one after the last."""
        start, step, count = self.start[1 + axis], self.step[1 + axis], self.shape[1 + axis]
        return start, start + (count - 1) * step + 1

    def kernel(self, kept: None, rows: Rows) -> Kernel | None:
        """See :meth:`Node.kernel`."""
        del kept
        return moved(rows) if self._is_route else None

    def takes_factors(self) -> bool:
        """See :meth:`Node.takes_factors`."""
        return self.all_channels

    def with_factors(self, factors: Float[Tensor, " c"]) -> "tuple[Window, list[Tensor]]":
        """See :meth:`Node.with_factors`."""
        return self, [factors]

    def steps(self, sizes: Pair) -> tuple[Fraction, Fraction]:
        """See :meth:`Node.steps`."""
        del sizes
        return Fraction(self.step[1]), Fraction(self.step[2])


def _slice(low: Lowering, node: fx.Node) -> None:
    a = arguments_of(node)
    size = a["self"].meta["val"].shape[a["dim"]]
    start, stop, step = slice(a["start"], a["end"], a["step"]).indices(size)
    low.put(node, low.sliced(low.single(a["self"]), a["dim"], start, len(range(start, stop, step)), step))


def _narrow(low: Lowering, node: fx.Node) -> None:
    a = arguments_of(node)
    start = a["start"] % a["self"].meta["val"].shape[a["dim"]] if a["start"] else 0
    low.put(node, low.sliced(low.single(a["self"]), a["dim"], start, a["length"]))


def _select(low: Lowering, node: fx.Node) -> None:
    a = arguments_of(node)
    view, dim = low.view(a["self"]), a["dim"] % len(a["self"].meta["val"].shape)
    index = a["index"] % a["self"].meta["val"].shape[dim]
    found = low.sliced(low.single(a["self"]) if len(view.values) > 1 else view, dim, index, 1)
    low.put(node, View(found.values, found.axes[:dim] + found.axes[dim + 1 :]))


def _split(low: Lowering, node: fx.Node) -> None:
    a = arguments_of(node)
    start, parts = 0, []
    for part in node.meta["val"]:
        size = part.shape[a["dim"]]
        parts.append(low.sliced(low.single(a["self"]), a["dim"], start, size))
        start += size
    low.put_all(node, parts)


def _unbind(low: Lowering, node: fx.Node) -> None:
    a = arguments_of(node)
    dim = a["dim"] % len(a["self"].meta["val"].shape)
    parts = []
    for index in range(len(node.meta["val"])):
        found = low.sliced(low.single(a["self"]), dim, index, 1)
        parts.append(View(found.values, found.axes[:dim] + found.axes[dim + 1 :]))
    low.put_all(node, parts)


def _pad(low: Lowering, node: fx.Node) -> None:
    a = arguments_of(node)
    view, padding = low.single(a["self"]), a["pad"]
    rank = len(view.axes)
    for k in range(len(padding) // 2):
        before, after = padding[2 * k], padding[2 * k + 1]
        if before or after:
            dim = rank - 1 - k
            view = low.sliced(view, dim, -before, view.sizes[dim] + before + after)
    low.put(node, view)


def _overwrite(low: Lowering, node: fx.Node) -> None:
    """A part of a value replaced by another."""
    a = arguments_of(node)
    dim, size = a["dim"], a["self"].meta["val"].shape[a["dim"]]
    start, stop, step = slice(a["start"], a["end"], a["step"]).indices(size)
    source = low.single(a["src"]) if low.carries(a["src"]) else None
    if step == 1:
        _overwrite_run(low, node, dim, (start, stop), source)
    else:
        _overwrite_places(low, node, dim, list(range(start, stop, step)), source)


def _overwrite_one(low: Lowering, node: fx.Node) -> None:
    a = arguments_of(node)
    dim = a["dim"] % len(node.meta["val"].shape)
    index = a["index"] % node.meta["val"].shape[dim]
    source = low.single(a["src"]) if low.carries(a["src"]) else None
    if source is not None:
        source = View(source.values, (*source.axes[:dim], (), *source.axes[dim:]))
    _overwrite_run(low, node, dim, (index, index + 1), source)


def _overwrite_run(low: Lowering, node: fx.Node, dim: int, span: Span, source: View | None) -> None:
    """Neighbouring places of an axis."""
    start, stop = span
    before: Any = node.args[0]
    size = before.meta["val"].shape[dim]
    parts = []
    if low.carries(before):
        view = low.single(before)
        parts += [(low.sliced(view, dim, 0, start), 0)] if start else []
        parts += [(low.sliced(view, dim, stop, size - stop), stop)] if stop < size else []
    if source is not None:
        parts.append((source, start))
    low.put_joined(node, parts, dim)


def _overwrite_places(low: Lowering, node: fx.Node, dim: int, places: list[int], source: View | None) -> None:
    """Any places of an axis."""
    before: Any = node.args[0]
    chosen = low.eye(before.meta["val"].shape[dim])[places]
    parts = []
    if low.carries(before):
        parts.append(low.mapped(low.single(before), dim, torch.diag(1 - chosen.sum(0))))
    if source is not None:
        parts.append(low.mapped(source, dim, chosen.T.contiguous()))
    low.put(node, low.total(parts))


LOWERS = {
    aten.constant_pad_nd.default: _pad,
    aten.narrow.default: _narrow,
    aten.select.int: _select,
    aten.select_scatter.default: _overwrite_one,
    aten.slice.Tensor: _slice,
    aten.slice_scatter.default: _overwrite,
    aten.split.Tensor: _split,
    aten.split_with_sizes.default: _split,
    aten.unbind.int: _unbind,
    aten.unsafe_split.Tensor: _split,
}
