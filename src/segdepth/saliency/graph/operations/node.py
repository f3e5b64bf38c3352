"""What every operation of a graph says of itself: nothing outside asks which one it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, fx

from ..axes import Axis, Box, Span
from ..route import Route

if TYPE_CHECKING:
    from typing import Self

__all__ = [
    "Gradient",
    "Input",
    "Kernel",
    "Mask",
    "Node",
    "Pair",
    "Rows",
    "Shape",
    "Work",
    "both",
    "by_stride",
    "cut",
    "either",
    "fit",
    "full",
    "own_places",
    "tap_axes",
    "times",
    "zeros",
]

Pair = tuple[int, int]

#: Channels, rows and columns.
Shape = tuple[int, int, int]

Gradient = Float[Tensor, "n _c _h _w"]

#: Per value, which units; None: all.
Mask = Bool[Tensor, "_c _h _w"] | None


class Kernel(NamedTuple):
    """What takes a gradient back in the sparse engine's rows.

    Attributes:
        function: the name of one of ``sparse.kernels``.
        constants: its last arguments.
    """

    function: str
    constants: tuple[Any, ...]


class Rows(NamedTuple):
    """What a kernel has to know of the rows.

    Attributes:
        dtype: of their numbers.
        loose: see :meth:`Node.moves`.
        weight_bytes: of weights that are used together at a time.
        lay_out: makes something of the node, and of more arguments, once a graph.
    """

    dtype: np.dtype
    loose: bool
    weight_bytes: int
    lay_out: Callable[..., Any]


class Work(NamedTuple):
    """What a gradient takes.

    Attributes:
        mixed: multiply-adds of sums over channels and several places.
        products: over channels at single places.
        apart: within channels.
        numbers: that are read, changed and written.
    """

    mixed: float = 0
    products: float = 0
    apart: float = 0
    numbers: float = 0

    @property
    def multiply_adds(self) -> float:
        """Of all kinds."""
        return self.mixed + self.products + self.apart


@dataclass(eq=False)
class Node:
    """One value ``[channels, rows, columns]`` and how it comes from others.

    Attributes:
        inputs: the values that it reads, by their index in the graph.
        shape: channels, rows and columns of the value.
        source: the operation in the trace that it stands for.
    """

    inputs: tuple[int, ...]
    shape: Shape
    source: fx.Node | None = field(default=None, kw_only=True, repr=False)

    #: For people.
    name: ClassVar[str] = ""

    #: Whether channels stay apart: what a network's end may consist of for targets to share coarser cells.
    keeps_channels: ClassVar[bool] = False

    #: Whether it computes, layer by layer, what has to stay in the caches; what autograd does as one is no layer.
    is_layer: ClassVar[bool] = True

    #: Whether several units of the value share units of the input.
    resizes: ClassVar[bool] = False

    #: Whether factors per channel go on to the inputs (see :meth:`takes_factors`).
    passes_factors: ClassVar[bool] = False

    def axes(self, place: int, sizes: Pair) -> tuple[Axis, Axis] | None:
        """The reach along rows and columns into input number ``place``, of these sizes; None: each position its own."""
        del place, sizes
        return None

    # What depends on the picture

    def keep(self, arguments: tuple[Any, ...], result: Any) -> Any:
        """What the gradient at a picture depends on.

        Args:
            arguments: of the operation in the trace, at the picture.
            result: of it.
        """
        raise NotImplementedError

    @property
    def keeps(self) -> bool:
        """Whether the gradient depends on the picture, so that :meth:`keep` is asked."""
        return type(self).keep is not Node.keep

    @property
    def shares(self) -> int | None:
        """Another value whose :meth:`keep` and :meth:`prepare` this one uses; None: its own."""
        return None

    def keeper(self, index: int) -> int:
        """Where what it kept stands, given its own index in the graph."""
        return index if self.shares is None else self.shares

    def is_linear(self, kept: Any) -> bool:
        """Whether the gradient of every target is a linear function of the seed, as it is but for users' own backward functions.

        Args:
            kept: from :meth:`keep`.
        """
        del kept
        return True

    # The gradient in plain PyTorch

    def lay_out(self) -> Any:
        """What :meth:`gradient` needs that is the same for every picture, weights for example; made once a graph."""
        return None

    def prepare(self, kept: Any, sizes: Pair) -> Any:
        """What :meth:`gradient` needs of a picture.

        Args:
            kept: from :meth:`keep`.
            sizes: rows and columns of the first input.
        """
        del sizes
        return kept

    def gradient(self, g: Gradient, box: Box, place: int, part: Box, state: Any) -> Gradient:
        """The gradient of input number ``place`` over the box ``part``.

        Args:
            g: the gradient of the value.
            box: rows and columns of ``g``; all else is 0.
            place: which of the inputs.
            part: rows and columns of the result; not empty.
            state: from :meth:`prepare`, or from :meth:`lay_out`.
        """
        raise NotImplementedError

    def gradients(self, g: Gradient, box: Box, parts: Sequence[Box], state: Any) -> list[Gradient | None]:
        """Of all inputs; None where a part is empty."""
        return [
            self.gradient(g, box, place, part, state) if part[0][0] < part[0][1] else None
            for place, part in enumerate(parts)
        ]

    @property
    def switches(self) -> bool:
        """Whether it switches units of its inputs off, by the picture."""
        return False

    def work(self, box: Box, part: Box) -> Work:
        """Of the gradient over boxes of the value and the first input, per target."""
        del part
        return Work(numbers=self.shape[0] * (box[0][1] - box[0][0]) * (box[1][1] - box[1][0]))

    @property
    def is_native(self) -> bool:
        """Whether the sparse engine takes it back in native loops."""
        return type(self).kernel is not Node.kernel

    # Live units: which can carry a gradient at a picture

    def reaching(self, inputs: Sequence[Mask], shapes: Sequence[Shape], kept: Any) -> Mask:
        """The units from which something reaches the picture, given those of the inputs; by default all.

        Args:
            inputs: their units.
            shapes: of the inputs.
            kept: from :meth:`keep`.
        """
        del inputs, shapes, kept
        return None

    def carried(self, mask: Mask, place: int, shape: Shape, kept: Any) -> Mask:
        """The units of an input to which a gradient of the value's units ``mask`` goes; by default all.

        Args:
            mask: the value's units.
            place: which of the inputs.
            shape: of it.
            kept: from :meth:`keep`.
        """
        del mask, place, shape, kept
        return None

    # Rows of the sparse engine

    def moves(self, loose: bool) -> bool:
        """Whether an input's gradient is the value's own, at other places.

        Args:
            loose: whether the value's rows hold units that are dead in it.
        """
        del loose
        return False

    def holds_parts(self, loose: bool) -> bool:
        """Whether the gradient of an input that nobody else reads is a part of the value's, without a calculation."""
        del loose
        return False

    def through(self, route: Route, place: int, sizes: Pair) -> Route:
        """The route of an input, given the value's own.

        Args:
            route: where the value's gradient stands.
            place: which of the inputs.
            sizes: rows and columns of it.
        """
        del place, sizes
        return route

    def leads(self, route: Route, sizes: Pair) -> bool:
        """Whether the first input's gradient can be read through the value's route.

        Args:
            route: of the value.
            sizes: rows and columns of the input.
        """
        del route, sizes
        return True

    @property
    def loosens(self) -> bool:
        """Whether rows that hold the inputs' gradients as parts hold units that are dead in the inputs."""
        return False

    def kernel(self, kept: Any, rows: Rows) -> Kernel | None:
        """The native way back; None: one step in plain PyTorch.

        Args:
            kept: from :meth:`keep`.
            rows: what the gradient stands in.
        """
        del kept, rows
        return None

    # Folding of factors per channel

    def takes_factors(self) -> bool:
        """Whether factors per channel of the value can go into the operation, or into its inputs."""
        return False

    def with_factors(self, factors: Float[Tensor, " c"]) -> "tuple[Self, list[Tensor] | None]":
        """The operation with factors in it; and the factors that its inputs have to take instead, if any."""
        raise NotImplementedError

    def renumbered(self, number: dict[int, int]) -> "Self":
        """With its inputs' new indices."""
        return replace(self, inputs=tuple(number[value] for value in self.inputs))

    # For people

    def label(self, sizes: Pair) -> str:
        """Kind of layer, kernel and stride; empty for what leaves every unit its own.

        Args:
            sizes: rows and columns of the first input.
        """
        del sizes
        return ""

    def steps(self, sizes: Pair) -> tuple[Fraction, Fraction]:
        """Units of the first input from one unit of the value to the next, along rows and columns."""
        del sizes
        return Fraction(1), Fraction(1)


@dataclass(eq=False)
class Input(Node):
    """The picture."""


def tap_axes(
    build: Callable[..., Axis], sizes: Pair, shape: Shape, *, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> tuple[Axis, Axis]:
    """The reach along rows and columns of windows with taps.

    Args:
        build: :meth:`Axis.affine`, or :meth:`Axis.transposed` where the input's units write and the value's are written to.
        sizes: rows and columns of the input.
        shape: of the value.
        kernel: rows and columns of the windows; as the others.
        stride: distance of the windows.
        padding: before the input (of a transposed one, cut from the value).
        dilation: distance of the taps.
    """
    rows, columns = (
        build(sizes[k], shape[1 + k], step=stride[k], offset=-padding[k], taps=kernel[k], spread=dilation[k])
        for k in (0, 1)
    )
    return rows, columns


def cut(g: Tensor, box: Box, part: Box) -> Tensor:
    """The part of a map over ``box`` that lies over ``part``, which is inside it."""
    (top, _), (left, _) = box
    return g[..., part[0][0] - top : part[0][1] - top, part[1][0] - left : part[1][1] - left]


def fit(g: Tensor, box: Box, rows: Span, columns: Span) -> Tensor:
    """A map over ``box`` cut, and filled up with zeros, to ``rows`` and ``columns``, which may reach beyond the map."""
    before = (box[0][0] - rows[0], box[1][0] - columns[0])
    after = (rows[1] - box[0][1], columns[1] - box[1][1])
    return F.pad(g, (before[1], after[1], before[0], after[0]))


def own_places(box: Box) -> tuple[Any, ...]:
    """The index of a box in a map."""
    return (..., slice(*box[0]), slice(*box[1]))


def zeros(g: Gradient, channels: int, part: Box) -> Gradient:
    """Nothing yet, over a box, with channels last in memory."""
    shape = (len(g), channels, part[0][1] - part[0][0], part[1][1] - part[1][0])
    return g.new_zeros(shape).contiguous(memory_format=torch.channels_last)


def both(a: Mask, b: Mask) -> Mask:
    """Units in both."""
    if a is None or b is None:
        return b if a is None else a
    return a & b


def either(a: Mask, b: Mask) -> Mask:
    """Units in one of both."""
    return None if a is None or b is None else a | b


def full(mask: Mask, shape: Shape) -> Bool[Tensor, "_c _h _w"]:
    """The units as a mask, also where they are all."""
    return torch.ones(1, dtype=torch.bool).expand(shape) if mask is None else mask


def times(pair: Sequence[int]) -> str:
    """Rows and columns for people."""
    return f"{pair[0]}x{pair[1]}"


def by_stride(stride: Pair) -> str:
    """A stride for people; empty where it is 1."""
    return "" if stride == (1, 1) else f" stride {times(stride)}" if stride[0] != stride[1] else f" stride {stride[0]}"
