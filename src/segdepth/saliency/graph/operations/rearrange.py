"""The same numbers as a map with other axes: pixel shuffle and unshuffle, tokens to maps and back, channels in another order."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, fx

from ..axes import Axis, Box
from ..lowering import Lowering, arguments_of, reshaped
from ..unsupported import UnsupportedOperationError
from ..views import CHANNELS, COLUMNS, ROWS, Atom, View, element_numbers
from .node import Gradient, Mask, Node, Pair, Shape, times

__all__ = ["LOWERS", "Rearrange"]

aten = torch.ops.aten


@dataclass(eq=False)
class Rearrange(Node):
    """Every number of the input at another place; none is lost and none is added.

    Attributes:
        groups: what channels, rows and columns of the value run over, in the input.
        sizes: channels, rows and columns of the input.
    """

    groups: tuple[tuple[Atom, ...], tuple[Atom, ...], tuple[Atom, ...]]
    sizes: Shape

    name = "rearrangement"
    passes_factors = True

    def axes(self, place: int, sizes: Pair) -> tuple[Axis, Axis]:
        """See :meth:`Node.axes`."""
        del place, sizes
        return self._axis(ROWS), self._axis(COLUMNS)

    def _axis(self, axis: int) -> Axis:
        """Pieces of the input's axis that are the value's same axis are known; all others may be anywhere."""
        first = np.zeros(1, np.int64)
        for atom in self.groups[axis]:
            step = atom.stride if atom.axis == axis else 0
            first = (first[:, None] + np.arange(atom.size) * step).ravel()
        others = (atom for k in range(3) if k != axis for atom in self.groups[k] if atom.axis == axis)
        free = sum((atom.size - 1) * atom.stride for atom in others)
        return Axis(first, first + free, self.sizes[axis])

    @cached_property
    def _tables(self) -> list[list[Int[Tensor, " n"]]]:
        """Per axis of the value, per axis of the input: what an index of the latter adds to one of the former."""
        tables = [[torch.zeros(size, dtype=torch.int64) for size in self.sizes] for _ in range(3)]
        for axis, group in enumerate(self.groups):
            stride = 1
            for atom in reversed(group):
                indices = torch.arange(self.sizes[atom.axis])
                tables[axis][atom.axis] += indices // atom.stride % atom.size * stride
                stride *= atom.size
        return tables

    def gradient(self, g: Gradient, box: Box, place: int, part: Box, state: None) -> Gradient:
        """See :meth:`Node.gradient`."""
        del place, state
        spans = ((0, self.shape[0]), *box)
        flat = torch.zeros(1, dtype=torch.int64, device=g.device)
        inside = torch.ones(1, dtype=torch.bool, device=g.device)
        for axis, (start, stop) in enumerate(spans):
            channels, rows, columns = (table.to(g.device) for table in self._tables[axis])
            index = channels[:, None, None] + rows[slice(*part[0]), None] + columns[slice(*part[1])]
            inside = inside & (index >= start) & (index < stop)
            flat = flat * (stop - start) + (index - start)
        found = g.flatten(1)[:, torch.where(inside, flat, 0).flatten()].view(len(g), *flat.shape)
        return torch.where(inside, found, 0)

    @cached_property
    def _numbers(self) -> Int[Tensor, "_c _h _w"]:
        return element_numbers(self.groups, self.sizes)

    def reaching(self, inputs: Sequence[Mask], shapes: Sequence[Shape], kept: None) -> Mask:
        """See :meth:`Node.reaching`."""
        del shapes, kept
        return None if inputs[0] is None else inputs[0].flatten()[self._numbers]

    def carried(self, mask: Mask, place: int, shape: Shape, kept: None) -> Mask:
        """See :meth:`Node.carried`."""
        del place, kept
        if mask is None:
            return None
        result = torch.zeros(shape, dtype=torch.bool)
        result.view(-1)[self._numbers.flatten()] = mask.flatten()
        return result

    def takes_factors(self) -> bool:
        """Where every channel of the input goes to one channel of the value."""
        return all(atom.axis == CHANNELS for atom in self.groups[CHANNELS])

    def with_factors(self, factors: Float[Tensor, " c"]) -> "tuple[Rearrange, list[Tensor]]":
        """See :meth:`Node.with_factors`."""
        return self, [factors[self._tables[CHANNELS][CHANNELS].to(factors.device)]]

    def label(self, sizes: Pair) -> str:
        """See :meth:`Node.label`."""
        del sizes
        steps = self._steps
        larger = [1 / step for step in steps]
        if max(steps) == min(steps) == 1:
            return ""
        if min(larger) >= 1:
            return f"interleaving {times([int(n) for n in larger])}"
        return f"folding {times([int(step) for step in steps])}" if min(steps) >= 1 else ""

    def steps(self, sizes: Pair) -> tuple[Fraction, Fraction]:
        """See :meth:`Node.steps`."""
        del sizes
        return self._steps

    @property
    def _steps(self) -> tuple[Fraction, Fraction]:
        return Fraction(self.sizes[1], self.shape[1]), Fraction(self.sizes[2], self.shape[2])


def _pixel_shuffle(low: Lowering, node: fx.Node) -> None:
    factor = int(node.args[1])  # type: ignore[arg-type]
    _, channels, height, width = node.args[0].meta["val"].shape  # type: ignore[union-attr]
    split = reshaped(low.view(node.args[0]), (1, channels // factor**2, factor, factor, height, width))
    low.put(node, reshaped(split.permuted((0, 1, 4, 2, 5, 3)), node.meta["val"].shape))


def _pixel_unshuffle(low: Lowering, node: fx.Node) -> None:
    factor = int(node.args[1])  # type: ignore[arg-type]
    _, channels, height, width = node.args[0].meta["val"].shape  # type: ignore[union-attr]
    split = reshaped(low.view(node.args[0]), (1, channels, height // factor, factor, width // factor, factor))
    low.put(node, reshaped(split.permuted((0, 1, 3, 5, 2, 4)), node.meta["val"].shape))


def _channel_shuffle(low: Lowering, node: fx.Node) -> None:
    groups = int(node.args[1])  # type: ignore[arg-type]
    sizes = tuple(node.meta["val"].shape)
    split = reshaped(low.view(node.args[0]), (sizes[0], groups, sizes[1] // groups, *sizes[2:]))
    order = (0, 2, 1, *range(3, 1 + len(sizes)))
    low.put(node, reshaped(split.permuted(order), sizes))


def _view(low: Lowering, node: fx.Node) -> None:
    sizes = tuple(node.meta["val"].shape)
    view = low.view(node.args[0])
    if view.reshaped(sizes) is None and len(view.values) == 1:  # in the tensor's order pieces can be cut anywhere
        view = low.arranged(view, ((), view.atoms, ()))
    low.put(node, reshaped(view, sizes))


def _permute(low: Lowering, node: fx.Node) -> None:
    a = arguments_of(node)
    view = low.view(a["self"])
    low.put(node, view.permuted([d % len(view.axes) for d in a["dims"]]))


def _transpose(low: Lowering, node: fx.Node) -> None:
    view = low.view(node.args[0])
    order = list(range(len(view.axes)))
    a, b = (0, -1) if len(node.args) == 1 else node.args[1:]
    order[a], order[b] = order[b], order[a]  # type: ignore[index]
    low.put(node, view.permuted(order))


def _unsqueeze(low: Lowering, node: fx.Node) -> None:
    a = arguments_of(node)
    view = low.view(a["self"])
    dim = a["dim"] % (len(view.axes) + 1)
    low.put(node, View(view.values, (*view.axes[:dim], (), *view.axes[dim:])))


def _same_elements(low: Lowering, node: fx.Node) -> None:
    """Axes of length 1 come or go."""
    found = low.view(node.args[0]).reshaped(tuple(node.meta["val"].shape))
    assert found is not None
    low.put(node, found)


def _identity(low: Lowering, node: fx.Node) -> None:
    before, after = node.args[0].meta["val"], node.meta["val"]  # type: ignore[union-attr]
    if (before.shape, before.dtype) != (after.shape, after.dtype):
        raise UnsupportedOperationError("a change of type")
    low.put(node, low.view(node.args[0]))


def _strided(low: Lowering, node: fx.Node) -> None:
    """The same numbers with other steps in memory, as of the mean of all positions, which takes its input's memory format."""
    before, after = node.args[0].meta["val"], node.meta["val"]  # type: ignore[union-attr]
    if before.shape != after.shape or max(before.shape) != before.numel():
        raise UnsupportedOperationError("a view by steps in memory")
    low.put(node, low.view(node.args[0]))


def _stack(low: Lowering, node: fx.Node) -> None:
    a = arguments_of(node)
    low.put_stacked(node, list(a["tensors"]), a["dim"] % len(node.meta["val"].shape))


LOWERS = {
    aten._to_copy.default: _identity,
    aten._unsafe_view.default: _view,
    aten.alias.default: _identity,
    aten.as_strided.default: _strided,
    aten.channel_shuffle.default: _channel_shuffle,
    aten.clone.default: _identity,
    aten.lift_fresh.default: _identity,
    aten.native_channel_shuffle.default: _channel_shuffle,
    aten.permute.default: _permute,
    aten.pixel_shuffle.default: _pixel_shuffle,
    aten.pixel_unshuffle.default: _pixel_unshuffle,
    aten.squeeze.default: _same_elements,
    aten.squeeze.dim: _same_elements,
    aten.squeeze.dims: _same_elements,
    aten.stack.default: _stack,
    aten.t.default: _transpose,
    aten.transpose.int: _transpose,
    aten.unsqueeze.default: _unsqueeze,
    aten.view.default: _view,
}
