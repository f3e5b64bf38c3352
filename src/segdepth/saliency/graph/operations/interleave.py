"""Several maps of one size, each at every other row and column."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import torch
from jaxtyping import Float
from torch import Tensor

from ..axes import Axis, Box
from ..route import Route
from .node import Gradient, Mask, Pair, Shape, fit
from .rows import Parts

__all__ = ["Interleave"]


@dataclass(eq=False)
class Interleave(Parts):
    """Maps of one size, each at every ``factor``-th row and column, the first at (0, 0), the second at (0, 1), ...

    Attributes:
        factor: how much larger the output is; there are ``factor^2`` inputs.
    """

    factor: int

    name = "interleaving"
    passes_factors = True

    def axes(self, place: int, sizes: Pair) -> tuple[Axis, Axis]:
        """See :meth:`Node.axes`."""
        offsets = divmod(place, self.factor)
        rows, columns = (
            Axis.transposed(sizes[k], self.shape[1 + k], step=self.factor, offset=offsets[k], taps=1) for k in (0, 1)
        )
        return rows, columns

    def gradient(self, g: Gradient, box: Box, place: int, part: Box, state: None) -> Gradient:
        """See :meth:`Node.gradient`."""
        del state
        factor, offsets = self.factor, divmod(place, self.factor)
        rows, columns = (
            (span[0] * factor + o, (span[1] - 1) * factor + o + 1) for span, o in zip(part, offsets, strict=True)
        )
        return fit(g, box, rows, columns)[..., ::factor, ::factor]

    def reaching(self, inputs: Sequence[Mask], shapes: Sequence[Shape], kept: None) -> Mask:
        """See :meth:`Node.reaching`."""
        del shapes, kept
        if all(mask is None for mask in inputs):
            return None
        result = torch.zeros(self.shape, dtype=torch.bool)
        for place, mask in enumerate(inputs):
            row, column = divmod(place, self.factor)
            result[:, row :: self.factor, column :: self.factor] = True if mask is None else mask
        return result

    def carried(self, mask: Mask, place: int, shape: Shape, kept: None) -> Mask:
        """See :meth:`Node.carried`."""
        del shape, kept
        row, column = divmod(place, self.factor)
        return None if mask is None else mask[:, row :: self.factor, column :: self.factor]

    def through(self, route: Route, place: int, sizes: Pair) -> Route:
        """See :meth:`Node.through`."""
        del sizes
        row, column = divmod(place, self.factor)
        return route.at((self.factor, row, 1), (self.factor, column, 1))

    def takes_factors(self) -> bool:
        """See :meth:`Node.takes_factors`."""
        return True

    def with_factors(self, factors: Float[Tensor, " c"]) -> "tuple[Interleave, list[Tensor]]":
        """See :meth:`Node.with_factors`."""
        return self, [factors] * len(self.inputs)

    def label(self, sizes: Pair) -> str:
        """See :meth:`Node.label`."""
        del sizes
        return f"interleaving {self.factor}x{self.factor}"

    def steps(self, sizes: Pair) -> tuple[Fraction, Fraction]:
        """See :meth:`Node.steps`."""
        del sizes
        return Fraction(1, self.factor), Fraction(1, self.factor)
