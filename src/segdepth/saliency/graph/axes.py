"""Which inputs an output touches, along one axis; boxes of gradients follow from it by table look-up.

Convolution, pooling, unpooling, resizing, cropping and padding are separable: output ``(r, c)`` touches the inputs
``rows(r) x columns(c)``. So two short tables per operation say exactly where a gradient can be non-zero, borders
and odd sizes included.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray

__all__ = ["EMPTY", "Axis", "Box", "Span", "hull", "intersect"]

#: First index and the one after the last.
Span = tuple[int, int]

#: Rows and columns of a window of a map.
Box = tuple[Span, Span]

EMPTY: Span = (0, 0)


def intersect(a: Span, b: Span) -> Span:
    """The indices in both; ``EMPTY`` where there is none.

    Example:
        >>> intersect((2, 7), (5, 9)), intersect((2, 4), (4, 9))
        ((5, 7), (0, 0))
    """
    start, stop = max(a[0], b[0]), min(a[1], b[1])
    return (start, stop) if start < stop else EMPTY


def hull(a: Span, b: Span) -> Span:
    """The shortest span that holds both.

    Example:
        >>> hull((2, 4), (7, 9)), hull((0, 0), (7, 9))
        ((2, 9), (7, 9))
    """
    if a[0] >= a[1]:
        return b
    if b[0] >= b[1]:
        return a
    return min(a[0], b[0]), max(a[1], b[1])


@dataclass(frozen=True, eq=False)
class Axis:
    """First and last input index that each output index touches, along one axis.

    Attributes:
        first: per output index.
        last: per output index, included; smaller than ``first`` where the output touches nothing.
        size: number of input indices.
    """

    first: Int[ndarray, " o"]
    last: Int[ndarray, " o"]
    size: int

    @staticmethod
    def affine(inputs: int, outputs: int, *, step: int, offset: int, taps: int = 1, spread: int = 1) -> "Axis":
        """Output ``o`` touches ``o step + offset + t spread`` for ``t`` in ``0..taps - 1``, as far as these exist.

        Convolutions, poolings, crops (``offset`` > 0) and paddings (``offset`` < 0).
        """
        lowest = np.arange(outputs) * step + offset
        below = np.maximum(0, -(lowest // spread))  # taps that fall before the first input
        first = lowest + below * spread
        above = np.minimum(taps - 1, (inputs - 1 - lowest) // spread)
        last = np.where(below <= above, lowest + above * spread, first - 1)
        return Axis(first, last, inputs)

    @staticmethod
    def transposed(inputs: int, outputs: int, *, step: int, offset: int, taps: int, spread: int = 1) -> "Axis":
        """Input ``i`` writes to the outputs ``i step + offset + t spread``: transposed convolution and unpooling."""
        writes = np.zeros((outputs, inputs), dtype=bool)
        for tap in range(taps):
            target = np.arange(inputs) * step + offset + tap * spread
            inside = (target >= 0) & (target < outputs)
            writes[target[inside], np.flatnonzero(inside)] = True
        return Axis.of_matrix(writes)

    @staticmethod
    def of_matrix(touches: Bool[ndarray, "o i"]) -> "Axis":
        """From the matrix that says which output touches which input."""
        inputs = touches.shape[1]
        some = touches.any(1)
        first = np.where(some, touches.argmax(1), 0)
        last = np.where(some, inputs - 1 - touches[:, ::-1].argmax(1), -1)
        return Axis(first, last, inputs)

    @staticmethod
    def everywhere(inputs: int, outputs: int) -> "Axis":
        """Every output touches every input."""
        return Axis.between(0, inputs, inputs, outputs)

    @staticmethod
    def between(start: int, stop: int, inputs: int, outputs: int) -> "Axis":
        """Every output touches the inputs from ``start`` to the one before ``stop``."""
        return Axis(np.full(outputs, start), np.full(outputs, stop - 1), inputs)

    def back(self, outputs: Span) -> Span:
        """The inputs that a span of outputs touches."""
        first, last = self.first[outputs[0] : outputs[1]], self.last[outputs[0] : outputs[1]]
        some = first <= last
        if not some.any():
            return EMPTY
        return int(first[some].min()), int(last[some].max()) + 1

    def forth(self, inputs: Span) -> Span:
        """The outputs that a span of inputs can reach (a span: those between two that are reached count too)."""
        if inputs[0] >= inputs[1]:
            return EMPTY
        reached = np.flatnonzero((self.first <= self.last) & (self.first < inputs[1]) & (self.last >= inputs[0]))
        return (int(reached[0]), int(reached[-1]) + 1) if reached.size else EMPTY

    @cached_property
    def outputs(self) -> int:
        """Number of output indices."""
        return len(self.first)
