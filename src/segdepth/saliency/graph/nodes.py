"""The few kinds of operations to which networks are lowered, each with its reach along rows and columns."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from jaxtyping import Float, Int
from torch import Tensor, fx

from .axes import Axis

__all__ = [
    "Add",
    "Concat",
    "Convolution",
    "Input",
    "Interleave",
    "MaxPool",
    "Node",
    "Permute",
    "Pointwise",
    "Scale",
    "Separable",
    "Shuffle",
    "Unpool",
    "Window",
]

Pair = tuple[int, int]


@dataclass(eq=False)
class Node:
    """One value ``[channels, rows, columns]`` and how it comes from others.

    Attributes:
        inputs: the values that it reads, by their index in the graph.
        shape: channels, rows and columns of the value.
    """

    inputs: tuple[int, ...]
    shape: tuple[int, int, int]

    def axes(self, place: int, sizes: Pair) -> tuple[Axis, Axis] | None:
        """The reach along rows and columns into input number ``place``, of these sizes; None: each position its own."""
        del place, sizes
        return None


@dataclass(eq=False)
class Input(Node):
    """The picture."""


@dataclass(eq=False)
class Convolution(Node):
    """A convolution, or a transposed one.

    Attributes:
        weight: of a convolution ``[out, in / groups, kh, kw]``, of a transposed one ``[in, out / groups, kh, kw]``.
            A following batch norm is folded in.
        stride: of rows and columns; as the others.
        padding: zeros before (and after) the input; of a transposed convolution, what is cut from the output.
        dilation: distance of the taps.
        groups: of channels.
        transposed: which of the two it is.
    """

    weight: Float[Tensor, "_o _i _kh _kw"]
    stride: Pair
    padding: Pair
    dilation: Pair
    groups: int
    transposed: bool

    @property
    def kernel(self) -> Pair:
        """Rows and columns of the weight."""
        return self.weight.shape[2], self.weight.shape[3]

    def axes(self, place: int, sizes: Pair) -> tuple[Axis, Axis]:
        """See :meth:`Node.axes`."""
        del place
        build = Axis.transposed if self.transposed else Axis.affine
        rows, columns = (
            build(
                sizes[k],
                self.shape[1 + k],
                step=self.stride[k],
                offset=-self.padding[k],
                taps=self.kernel[k],
                spread=self.dilation[k],
            )
            for k in (0, 1)
        )
        return rows, columns


@dataclass(eq=False)
class Pointwise(Node):
    """A function of each number by itself; its derivative is taken when the picture is known.

    Attributes:
        derivative: from the operation's input values and its result to the derivative (a mask where it is 0 or 1).
        source: the operation in the trace.
        is_mask: whether the derivative is 0 or 1 everywhere.
    """

    derivative: Callable[[tuple[Any, ...], Tensor], Tensor]
    source: fx.Node
    is_mask: bool = False


@dataclass(eq=False)
class Scale(Node):
    """One factor per channel: batch norm in eval mode that has no convolution before it.

    Attributes:
        factors: per channel.
    """

    factors: Float[Tensor, " c"]


@dataclass(eq=False)
class MaxPool(Node):
    """Max pooling.

    Attributes:
        kernel: rows and columns of the window; as the others.
        stride: distance of the windows.
        padding: before (and after) the input; it never wins.
        dilation: distance of the taps.
        source: the operation in the trace, whose second result says who won.
    """

    kernel: Pair
    stride: Pair
    padding: Pair
    dilation: Pair
    source: fx.Node

    def axes(self, place: int, sizes: Pair) -> tuple[Axis, Axis]:
        """See :meth:`Node.axes`."""
        del place
        rows, columns = (
            Axis.affine(
                sizes[k],
                self.shape[1 + k],
                step=self.stride[k],
                offset=-self.padding[k],
                taps=self.kernel[k],
                spread=self.dilation[k],
            )
            for k in (0, 1)
        )
        return rows, columns


@dataclass(eq=False)
class Unpool(Node):
    """Max unpooling with the winners of a pooling.

    Attributes:
        pool: that pooling's index in the graph.
        windows: the pooling itself, whose windows say where values can go.
    """

    pool: int
    windows: MaxPool

    def axes(self, place: int, sizes: Pair) -> tuple[Axis, Axis]:
        """See :meth:`Node.axes`."""
        del place
        w = self.windows
        rows, columns = (
            Axis.transposed(
                sizes[k], self.shape[1 + k], step=w.stride[k], offset=-w.padding[k], taps=w.kernel[k],
                spread=w.dilation[k],
            )
            for k in (0, 1)
        )  # fmt: skip
        return rows, columns


@dataclass(eq=False)
class Add(Node):
    """The sum of values of one shape."""


@dataclass(eq=False)
class Concat(Node):
    """Channels one after the other.

    Attributes:
        channels: of each input.
    """

    channels: tuple[int, ...]


@dataclass(eq=False)
class Window(Node):
    """Every ``step``-th channel, row and column from ``start`` on; zeros where the input ends: slicing and padding.

    Attributes:
        channels: of the input.
        start: channel, row and column of the first; negative where padded.
        step: of channels, rows and columns.
    """

    channels: int
    start: tuple[int, int, int]
    step: tuple[int, int, int] = (1, 1, 1)

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


@dataclass(eq=False)
class Permute(Node):
    """Channels in another order.

    Attributes:
        order: the input channel of each output channel.
    """

    order: Int[Tensor, " c"]


@dataclass(eq=False)
class Shuffle(Node):
    """Pixel shuffle: groups of ``factor^2`` channels become ``factor x factor`` positions.

    Attributes:
        factor: how much larger the output is.
    """

    factor: int

    def axes(self, place: int, sizes: Pair) -> tuple[Axis, Axis]:
        """See :meth:`Node.axes`."""
        del place
        rows, columns = (
            Axis.transposed(sizes[k], self.shape[1 + k], step=self.factor, offset=0, taps=self.factor) for k in (0, 1)
        )
        return rows, columns


@dataclass(eq=False)
class Interleave(Node):
    """Maps of one size, each at every ``factor``-th row and column, the first at (0, 0), the second at (0, 1), ...

    Attributes:
        factor: how much larger the output is; there are ``factor^2`` inputs.
    """

    factor: int

    def axes(self, place: int, sizes: Pair) -> tuple[Axis, Axis]:
        """See :meth:`Node.axes`."""
        offsets = divmod(place, self.factor)
        rows, columns = (
            Axis.transposed(sizes[k], self.shape[1 + k], step=self.factor, offset=offsets[k], taps=1) for k in (0, 1)
        )
        return rows, columns


@dataclass(eq=False)
class Separable(Node):
    """The same fixed linear map along rows, and another along columns: resizing, average pooling.

    Attributes:
        rows: output rows from input rows.
        columns: output columns from input columns.
    """

    rows: Float[Tensor, "oh ih"]
    columns: Float[Tensor, "ow iw"]

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
