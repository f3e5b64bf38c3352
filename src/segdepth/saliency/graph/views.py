"""How a tensor of a trace lies in a map ``[channels, rows, columns]``: as tokens, windows, heads, or as the map itself.

A view says, per axis of the tensor, over which pieces of the map's axes it runs. Reshaping and permuting regroup the
pieces; nothing is computed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["CHANNELS", "COLUMNS", "ROWS", "WHICH", "Atom", "View"]

#: Axes of a map; and which of several maps that are stacked.
CHANNELS, ROWS, COLUMNS, WHICH = range(4)

Shape = tuple[int, int, int]


class Atom(NamedTuple):
    """A piece of a map's axis: the indices ``i stride`` for ``i`` in ``0..size - 1``, plus what other pieces add.

    Attributes:
        axis: of the map.
        stride: indices of the map's axis from one to the next.
        size: how many.
    """

    axis: int
    stride: int
    size: int


#: What one axis of a tensor runs over, the slowest first; nothing where its length is 1.
Axis = tuple[Atom, ...]


@dataclass(frozen=True)
class View:
    """A tensor of the trace, as a view of one map of the graph, or of several stacked ones of one shape.

    Attributes:
        values: the maps' numbers in the graph.
        axes: per axis of the tensor.
    """

    values: tuple[int, ...]
    axes: tuple[Axis, ...]

    @staticmethod
    def of_map(value: int, shape: Shape) -> "View":
        """A map as the tensor ``[1, c, h, w]``."""
        return View((value,), ((), *(_whole(axis, size) for axis, size in enumerate(shape))))

    @staticmethod
    def of_tensor(value: int, sizes: Sequence[int]) -> tuple["View", Shape]:
        """Any tensor as a map of its own, and its shape: ``[1, c, h, w]`` is itself, of others the last axis is channels."""
        if len(sizes) == 4 and sizes[0] == 1:
            shape = (sizes[1], sizes[2], sizes[3])
            return View.of_map(value, shape), shape
        *outer, channels = sizes if sizes else (1,)
        shape = (channels, math.prod(outer), 1)
        flat = View((value,), (_whole(ROWS, shape[1]), _whole(CHANNELS, channels)))
        found = flat.reshaped(sizes)
        assert found is not None
        return found, shape

    def of_positions(self, value: int, sizes: Sequence[int], shape: Shape) -> "tuple[View, Shape] | None":
        """A tensor some of whose axes run over the same positions as this one's, and its map's shape; None if none do.

        Args:
            value: the tensor's map.
            sizes: of the tensor.
            shape: of this one's map.
        """
        places = [k for k, axis in enumerate(self.axes) if any(atom.axis != CHANNELS for atom in axis)]
        if len(sizes) != len(self.axes) or not places:
            return None
        if any(sizes[k] != self.sizes[k] or any(a.axis in (CHANNELS, WHICH) for a in self.axes[k]) for k in places):
            return None
        axes, channels = list(self.axes), 1
        for k in reversed(range(len(sizes))):
            if k not in places:
                axes[k] = (Atom(CHANNELS, channels, sizes[k]),) if sizes[k] > 1 else ()
                channels *= sizes[k]
        return View((value,), tuple(axes)), (channels, *shape[1:])

    @property
    def sizes(self) -> tuple[int, ...]:
        """Of the tensor."""
        return tuple(math.prod(atom.size for atom in axis) for axis in self.axes)

    @property
    def atoms(self) -> Axis:
        """All pieces, in the tensor's order."""
        return tuple(atom for axis in self.axes for atom in axis)

    def reshaped(self, sizes: Sequence[int]) -> "View | None":
        """The tensor's elements in the same order with other axes; None where pieces would have to be cut unevenly."""
        left = list(reversed(_merged(list(self.atoms))))
        axes = []
        for size in sizes:
            axis = []
            while size > 1:
                if not left:
                    return None
                axis_of, stride, length = left.pop()
                if size % length == 0:
                    axis.append(Atom(axis_of, stride, length))
                    size //= length
                elif length % size == 0:
                    inner = length // size
                    axis.append(Atom(axis_of, stride * inner, size))
                    left.append(Atom(axis_of, stride, inner))
                    size = 1
                else:
                    return None
            axes.append(_merged(axis))
        return View(self.values, tuple(axes)) if not left else None

    def permuted(self, order: Sequence[int]) -> "View":
        """Axes in another order."""
        return View(self.values, tuple(self.axes[k] for k in order))

    def split_like(self, other: "View") -> "list[tuple[Atom, Atom]] | None":
        """Pairs of pieces of both, of one size each; None where they cut the tensor's axes otherwise."""
        pairs: list[tuple[Atom, Atom]] = []
        for mine, theirs in zip(self.axes, other.axes, strict=True):
            found = _paired(mine, theirs)
            if found is None:
                return None
            pairs += found
        return pairs

    def groups(self) -> "tuple[Axis, Axis, Axis] | None":
        """What channels, rows and columns of the tensor as a map ``[1, c, h, w]`` run over; None where it is none."""
        if len(self.axes) != 4 or self.axes[0]:
            return None
        return self.axes[1], self.axes[2], self.axes[3]

    def replaced(self, dim: int, value: int, axis: int, size: int, stride: int = 1) -> "View":
        """The same tensor but for one axis, which now runs over that axis of another map.

        Args:
            dim: of the tensor's axes.
            value: the other map's number in the graph.
            axis: of that map.
            size: how many of its indices.
            stride: from one to the next.
        """
        axes = list(self.axes)
        axes[dim] = (Atom(axis, stride, size),) if size > 1 else ()
        return View((value,), tuple(axes))

    def to_map(self, tensor: Tensor, lead: int = 0) -> Tensor:
        """Numbers that stand as the tensor's, as the map's ``[..., c, h, w]``; of one map.

        Args:
            tensor: ``lead`` axes of any kind, then the tensor's own.
            lead: how many.
        """
        atoms = self.atoms
        split = tensor.reshape((*tensor.shape[:lead], *(atom.size for atom in atoms)))
        order = sorted(range(len(atoms)), key=lambda k: (atoms[k].axis, -atoms[k].stride))
        shape = [math.prod(atom.size for atom in atoms if atom.axis == axis) for axis in (CHANNELS, ROWS, COLUMNS)]
        return split.permute((*range(lead), *(lead + k for k in order))).reshape((*tensor.shape[:lead], *shape))

    def from_map(self, values: Tensor, lead: int = 0) -> Tensor:
        """Numbers that stand as the map's ``[..., c, h, w]``, as the tensor's."""
        atoms = self.atoms
        order = sorted(range(len(atoms)), key=lambda k: (atoms[k].axis, -atoms[k].stride))
        split = values.reshape((*values.shape[:lead], *(atoms[k].size for k in order)))
        back = [order.index(k) for k in range(len(atoms))]
        return split.permute((*range(lead), *(lead + k for k in back))).reshape((*values.shape[:lead], *self.sizes))


def _whole(axis: int, size: int) -> Axis:
    return (Atom(axis, 1, size),) if size != 1 else ()


def _merged(axis: list[Atom]) -> Axis:
    """Neighbouring pieces that run on are one."""
    found: list[Atom] = []
    for atom in axis:
        if found and found[-1].axis == atom.axis and found[-1].stride == atom.stride * atom.size:
            atom = Atom(atom.axis, atom.stride, found.pop().size * atom.size)
        found.append(atom)
    return tuple(found)


def _paired(mine: Axis, theirs: Axis) -> "list[tuple[Atom, Atom]] | None":
    """The same run over two axes, cut at the places of both."""
    left, right = list(reversed(mine)), list(reversed(theirs))
    pairs = []
    while left and right:
        a, b = left.pop(), right.pop()
        # from the slow end: the larger piece is cut so that its slower part is as long as the smaller piece
        size = min(a.size, b.size)
        if a.size % size or b.size % size:
            return None
        for atom, rest in ((a, left), (b, right)):
            if atom.size > size:
                rest.append(Atom(atom.axis, atom.stride, atom.size // size))
        pairs.append(
            (
                Atom(a.axis, a.stride * (a.size // size), size),
                Atom(b.axis, b.stride * (b.size // size), size),
            )
        )
    return pairs if not left and not right else None


def is_run(atoms: Sequence[Atom], axis: int, size: int) -> bool:
    """Whether some pieces are all of one axis of a map, in order."""
    return _merged(list(atoms)) == _whole(axis, size)


def numbers(groups: Sequence[Axis]) -> "dict[Atom, Atom]":
    """Where pieces stand in a new map whose axes run over them."""
    places = {}
    for axis, group in enumerate(groups):
        stride = 1
        for atom in reversed(group):
            places[atom] = Atom(axis, stride, atom.size)
            stride *= atom.size
    return places


def element_numbers(groups: Sequence[Axis], shape: Shape) -> Tensor:
    """Per element of a map whose axes run over these pieces of another map, that other map's element (flat) ``[c, h, w]``."""
    weights = (shape[1] * shape[2], shape[2], 1)
    axes = []
    for group in groups:
        place = torch.zeros(1, dtype=torch.int64)
        for atom in group:
            place = (place[:, None] + torch.arange(atom.size) * (atom.stride * weights[atom.axis])).flatten()
        axes.append(place)
    return axes[0][:, None, None] + axes[1][None, :, None] + axes[2][None, None, :]
