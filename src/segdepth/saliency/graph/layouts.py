"""Other layouts of a tensor: the nodes that rearrange, slice, repeat and join maps where views alone do not do."""

import math
from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, fx

from .lowering import Lowering, Shape
from .operations.add import Add
from .operations.concat import Concat
from .operations.convolution import Convolution
from .operations.interleave import Interleave
from .operations.rearrange import Rearrange
from .operations.reorder import Reorder
from .operations.separable import Separable
from .operations.window import Window
from .results import first_of
from .unsupported import UnsupportedOperationError
from .views import CHANNELS, COLUMNS, ROWS, WHICH, Atom, Axis, View, is_run, numbers

__all__ = ["Layouts"]

#: Numbers of a matrix that puts an axis into another order; longer axes are reordered index by index.
LARGEST_MATRIX = 1 << 20


class Layouts(Lowering):
    """See :class:`Lowering`."""

    def single_view(self, view: View) -> View:
        """See :meth:`Lowering.single_view`."""
        if len(view.values) == 1:
            return view
        groups = view.groups()
        found = None if groups is None else self._interleaved(view, groups)
        if found is not None:
            return found
        channels, height, width = self.shape(view.values[0])
        count = len(view.values)
        joined = self.append(Concat(view.values, (count * channels, height, width), channels=(channels,) * count))
        axes = tuple(
            tuple(Atom(CHANNELS, a.stride * channels, a.size) if a.axis == WHICH else a for a in axis)
            for axis in view.axes
        )
        return View((joined,), axes)

    def map_of(self, view: View) -> int:
        """See :meth:`Lowering.map_of`."""
        if len(view.axes) == 3:
            view = View(view.values, (*view.axes, ()))
        single = self.single_view(view)
        groups = single.groups()
        if groups is None:
            raise UnsupportedOperationError(f"maps of the shape {list(view.sizes)}")
        return self.arranged(single, groups).values[0]

    def arranged(self, view: View, groups: Sequence[Sequence[Atom]]) -> View:
        """See :meth:`Lowering.arranged`."""
        (value,) = view.values
        shape = self.shape(value)
        long = tuple(tuple(atom for atom in group if atom.size > 1) for group in groups)
        if all(is_run(group, axis, shape[axis]) for axis, group in enumerate(long)):
            return view
        found = numbers(long)
        new_shape = cast("Shape", tuple(math.prod(atom.size for atom in group) for group in long))
        index = self.append(Rearrange((value,), new_shape, cast("Any", long), shape))
        axes = tuple(tuple(found[piece] for atom in axis for piece in _pieces(atom, found)) for axis in view.axes)
        rearranged = View((index,), axes).reshaped(view.sizes)
        assert rearranged is not None
        return rearranged

    def _interleaved(self, view: View, groups: Sequence[Sequence[Atom]]) -> View | None:
        """Stacked maps whose numbers lie at every other row and column; None where they do not."""
        channels, height, width = self.shape(view.values[0])
        factor = math.isqrt(len(view.values))
        if factor < 2 or factor**2 != len(view.values):
            return None
        expected = (
            View.of_map(0, (channels, height, width)).axes[1],
            (Atom(ROWS, 1, height), Atom(WHICH, factor, factor)),
            (Atom(COLUMNS, 1, width), Atom(WHICH, 1, factor)),
        )
        if tuple(tuple(group) for group in groups) != tuple(tuple(a for a in g if a.size > 1) for g in expected):
            return None
        shape = (channels, height * factor, width * factor)
        return View.of_map(self.append(Interleave(view.values, shape, factor)), shape)

    def sliced(self, view: View, dim: int, start: int, length: int, step: int = 1) -> View:
        """See :meth:`Lowering.sliced`."""
        dim %= len(view.axes)
        step = step if length > 1 else 1
        if (start, length, step) == (0, view.sizes[dim], 1):
            return view
        cut = self._piece(view, dim, start, length) if step == 1 else None
        if cut is not None:
            return cut
        view = self.with_axis(view, dim)
        axis = self._axis_of(view, dim)
        if axis is None:
            raise UnsupportedOperationError("a slice of an axis of length 1 among others")
        return self._cut(view, dim, axis, start, length, step)

    def _cut(self, view: View, dim: int, axis: int, start: int, length: int, step: int = 1) -> View:
        """A slice of the axis of a map that is one of the tensor's."""
        shape, starts, steps = list(self.shape(view.values[0])), [0, 0, 0], [1, 1, 1]
        channels = shape[0]
        shape[axis], starts[axis], steps[axis] = length, start, step
        window = Window(
            view.values,
            cast("Shape", tuple(shape)),
            channels,
            cast("Shape", tuple(starts)),
            cast("Shape", tuple(steps)),
        )
        return view.replaced(dim, self.append(window), axis, length)

    def _piece(self, view: View, dim: int, start: int, length: int) -> View | None:
        """A slice along the slowest piece of a map's axis, as of queries, keys and values that are computed together."""
        if len(view.axes[dim]) != 1:
            return None
        ((axis, stride, size),) = view.axes[dim]
        shape = list(self.shape(view.values[0]))
        inside = start >= 0 and start + length <= size
        if not inside or stride * size != shape[axis] or stride == 1:
            return None
        channels, starts = shape[0], [0, 0, 0]
        shape[axis], starts[axis] = stride * length, start * stride
        window = Window(view.values, cast("Shape", tuple(shape)), channels, cast("Shape", tuple(starts)))
        return view.replaced(dim, self.append(window), axis, length, stride)

    def reordered(self, view: View, dim: int, order: Tensor) -> View:
        """See :meth:`Lowering.reordered`."""
        if view.sizes[dim] * len(order) <= LARGEST_MATRIX:
            return super().reordered(view, dim, order)
        view = self.with_axis(view, dim)
        axis = self._axis_of(view, dim)
        (value,) = view.values
        if axis is None:
            raise UnsupportedOperationError("an axis of length 1 among others in another order")
        shape = list(self.shape(value))
        size, shape[axis] = shape[axis], len(order)
        node = Reorder((value,), cast("Shape", tuple(shape)), axis, order % size, size)
        return view.replaced(dim, self.append(node), axis, len(order))

    def mapped(self, view: View, dim: int, matrix: Tensor) -> View:
        """See :meth:`Lowering.mapped`."""
        view = self.with_axis(view, dim)
        axis = self._axis_of(view, dim)
        (value,) = view.values
        if axis is None:
            raise UnsupportedOperationError("a map along an axis of length 1 among others")
        shape = list(self.shape(value))
        shape[axis] = len(matrix)
        if axis == CHANNELS:
            node: Any = Convolution((value,), cast("Shape", tuple(shape)), weight=matrix[:, :, None, None])
        else:
            rows, columns = (matrix if axis == k else self.eye(shape[k]) for k in (ROWS, COLUMNS))
            form = cast("Shape", tuple(shape))
            node = Separable((value,), form, rows=rows, columns=columns, title="other order", step=(1, 1))
        return view.replaced(dim, self.append(node), axis, len(matrix))

    def in_step(self, arguments: Sequence[Any], node: fx.Node) -> tuple[list[View], View]:
        """See :meth:`Lowering.in_step`."""
        sizes = tuple(first_of(node.meta["val"]).shape)
        views = [self.single(argument) for argument in arguments]
        views = [View(view.values, ((),) * (len(sizes) - len(view.axes)) + view.axes) for view in views]
        like = next((view for view in views if view.sizes == sizes), None)
        if like is None:
            like = views[0] = self._spread(views[0], sizes)
        return [self._matched(view, like, self.shape(like.values[0])) for view in views], like

    def _spread(self, view: View, sizes: Sequence[int]) -> View:
        """A tensor repeated along axes of length 1, each of which becomes a free axis of its map, or a new piece of one."""
        grown = [k for k, (old, new) in enumerate(zip(view.sizes, sizes, strict=True)) if old != new]
        if any(view.sizes[k] != 1 for k in grown):
            raise UnsupportedOperationError("an axis that is repeated in parts")
        shape, axes = list(self.shape(view.values[0])), list(view.axes)
        for dim in grown:
            axis = self._axis_to_grow(axes, dim, shape)
            axes = [tuple(_slower(atom, axis, sizes[dim]) for atom in one) for one in axes]
            axes[dim] = (Atom(axis, 1, sizes[dim]),)
            shape[axis] *= sizes[dim]
        return self._matched(view, View(view.values, tuple(axes)), cast("Shape", tuple(shape)))

    def _axis_to_grow(self, axes: list[Axis], dim: int, shape: list[int]) -> int:
        """The axis of a map that a repeated axis of a tensor goes to: its own, a free one, or that of its neighbour."""
        usual = [dim - 1] if len(axes) == 4 and dim else []
        free = [axis for axis in (*usual, CHANNELS, ROWS, COLUMNS) if shape[axis] == 1]
        if free:
            return free[0]
        before = [atom for axis in axes[:dim] for atom in axis]
        after = [atom for axis in axes[dim:] for atom in axis]
        return before[-1].axis if before else after[0].axis

    def _matched(self, view: View, like: View, shape: Shape) -> View:
        """A tensor laid out like another one, whose map has this shape, and repeated along its axes where need be."""
        if view.axes == like.axes and self.shape(view.values[0]) == shape:
            return view
        slots: dict[Atom, Atom | None] = {}
        for mine, theirs in zip(view.axes, like.axes, strict=True):
            if not mine:
                slots.update(dict.fromkeys(theirs))
                continue
            pairs = View(view.values, (mine,)).split_like(View(like.values, (theirs,)))
            if pairs is None:
                raise UnsupportedOperationError("values whose axes are cut in different ways")
            slots.update({their: my for my, their in pairs})
        places = [sorted((s for s in slots if s.axis == axis), key=lambda s: -s.stride) for axis in range(3)]
        groups = [[own for slot in axis if (own := slots[slot]) is not None] for axis in places]
        (value,) = self.arranged(view, groups).values
        chosen = [_repeats([(slot.size, slots[slot] is not None) for slot in axis]) for axis in places]
        return View((self._repeated(value, chosen),), like.axes)

    def _repeated(self, value: int, places: Sequence[Tensor]) -> int:
        """A map whose indices along each axis are these of another one."""
        shape = self.shape(value)
        same = [len(chosen) == size for chosen, size in zip(places, shape, strict=True)]
        channels, rows, columns = (self.eye(size)[chosen] for size, chosen in zip(shape, places, strict=True))
        if not same[CHANNELS]:
            value = self.append(Convolution((value,), (len(channels), *shape[1:]), weight=channels[:, :, None, None]))
        if not (same[ROWS] and same[COLUMNS]):
            new = (len(channels), len(rows), len(columns))
            value = self.append(Separable((value,), new, rows=rows, columns=columns))
        return value

    def total(self, views: Sequence[View]) -> View:
        """See :meth:`Lowering.total`."""
        like = views[0]
        shape = self.shape(like.values[0])
        values = tuple(self._matched(view, like, shape).values[0] for view in views)
        return like if len(values) == 1 else View((self.append(Add(values, shape)),), like.axes)

    def put_sum(self, source: fx.Node, like: View, values: Sequence[int]) -> None:
        """See :meth:`Lowering.put_sum`."""
        self.put_first(source, self.total([View((value,), like.axes) for value in values]))

    def put_stacked(self, source: fx.Node, tensors: Sequence[Any], dim: int) -> None:
        """See :meth:`Lowering.put_stacked`."""
        views = [self.view(t) if self.carries(t) else None for t in tensors]
        known = [view for view in views if view is not None]
        first = known[0]
        alike = len(known) == len(views) > 1 and all(
            len(v.values) == 1 and v.axes == first.axes and self.shape(v.values[0]) == self.shape(first.values[0])
            for v in known
        )
        if alike:
            values = tuple(view.values[0] for view in known)
            axes = (*first.axes[:dim], (Atom(WHICH, 1, len(values)),), *first.axes[dim:])
            self.put(source, View(values, axes))
            return
        parts = []
        for start, view in enumerate(views):
            if view is not None:
                view = self.single_view(view)
                parts.append((View(view.values, (*view.axes[:dim], (), *view.axes[dim:])), start))
        self.put_joined(source, parts, dim)

    def put_joined(self, source: fx.Node, parts: Sequence[tuple[View, int]], dim: int) -> None:
        """See :meth:`Lowering.put_joined`."""
        dim %= len(source.meta["val"].shape)
        size = source.meta["val"].shape[dim]
        if not parts:
            raise UnsupportedOperationError("a value of nothing that carries a gradient")
        longest = max((view for view, _ in parts), key=lambda view: view.sizes[dim])
        first = self.with_axis(longest, dim)
        axis = self._axis_of(first, dim)
        if axis is None:
            raise UnsupportedOperationError("values joined along an axis of length 1 among others")
        views = [self._joinable(view, first, dim, axis) for view, _ in parts]
        starts = [start for _, start in parts]
        like = first.replaced(dim, first.values[0], axis, size)
        ends = [start + view.sizes[dim] for view, start in zip(views, starts, strict=True)]
        if axis == CHANNELS and starts == [0, *ends[:-1]] and ends[-1] == size:
            shape = (size, *self.shape(views[0].values[0])[1:])
            channels = tuple(view.sizes[dim] for view in views)
            values = tuple(view.values[0] for view in views)
            self.put_like(source, like, Concat(values, shape, channels))
            return
        placed = [self._cut(view, dim, axis, -start, size).values[0] for view, start in zip(views, starts, strict=True)]
        self.put_sum(source, like, placed)

    def _joinable(self, view: View, first: View, dim: int, axis: int) -> View:
        """A part of a joined tensor in the layout of the longest."""
        length = view.sizes[dim]
        shape = list(self.shape(first.values[0]))
        shape[axis] = length
        return self._matched(view, first.replaced(dim, first.values[0], axis, length), cast("Shape", tuple(shape)))


def _pieces(atom: Atom, all_pieces: Any) -> list[Atom]:
    """The pieces of which one is made, the slowest first."""
    inside = [p for p in all_pieces if p.axis == atom.axis and atom.stride <= p.stride < atom.stride * atom.size]
    return sorted(inside, key=lambda p: -p.stride)


def _slower(atom: Atom, axis: int, times: int) -> Atom:
    """A piece of an axis that has got a faster one."""
    return Atom(axis, atom.stride * times, atom.size) if atom.axis == axis else atom


def _repeats(pieces: Sequence[tuple[int, bool]]) -> Tensor:
    """The indices of an axis that has only some pieces of another one, the slowest first, for each index of that one."""
    place = torch.zeros(1, dtype=torch.int64)
    for size, present in pieces:
        step = torch.arange(size) if present else torch.zeros(size, dtype=torch.int64)
        place = (place[:, None] * (size if present else 1) + step).flatten()
    return place
