"""Channels one after the other; maps joined along rows or columns are sums of padded ones."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import torch
from jaxtyping import Float
from torch import Tensor, fx

from ..axes import Box
from ..lowering import Lowering, arguments_of
from ..route import Route
from .node import Gradient, Mask, Pair, Shape, cut, full
from .rows import Parts

__all__ = ["LOWERS", "Concat"]

aten = torch.ops.aten


@dataclass(eq=False)
class Concat(Parts):
    """Channels one after the other.

    Attributes:
        channels: of each input.
    """

    channels: tuple[int, ...]

    name = "concatenation"
    passes_factors = True

    def _start(self, place: int) -> int:
        return sum(self.channels[:place])

    def gradient(self, g: Gradient, box: Box, place: int, part: Box, state: None) -> Gradient:
        """See :meth:`Node.gradient`."""
        del state
        start = self._start(place)
        return cut(g[:, start : start + self.channels[place]], box, part)

    def reaching(self, inputs: Sequence[Mask], shapes: Sequence[Shape], kept: None) -> Mask:
        """See :meth:`Node.reaching`."""
        del kept
        if all(mask is None for mask in inputs):
            return None
        return torch.cat([full(mask, shape) for mask, shape in zip(inputs, shapes, strict=True)])

    def carried(self, mask: Mask, place: int, shape: Shape, kept: None) -> Mask:
        """See :meth:`Node.carried`."""
        del shape, kept
        start = self._start(place)
        return None if mask is None else mask[start : start + self.channels[place]]

    def through(self, route: Route, place: int, sizes: Pair) -> Route:
        """See :meth:`Node.through`."""
        del sizes
        first = route.channels[0] + self._start(place)
        return replace(route, channels=(first, first + self.channels[place]), shift=first)

    def takes_factors(self) -> bool:
        """See :meth:`Node.takes_factors`."""
        return True

    def with_factors(self, factors: Float[Tensor, " c"]) -> "tuple[Concat, list[Tensor]]":
        """See :meth:`Node.with_factors`."""
        return self, list(factors.split(self.channels))

    def label(self, sizes: Pair) -> str:
        """See :meth:`Node.label`."""
        del sizes
        return "concatenation"


def _concatenate(low: Lowering, node: fx.Node) -> None:
    a = arguments_of(node)
    tensors = [t for t in a["tensors"] if t.meta["val"].numel()]
    dim = a["dim"] % len(tensors[0].meta["val"].shape)
    starts = [0, *accumulate(t.meta["val"].shape[dim] for t in tensors)]
    parts = [(low.single(t), start) for t, start in zip(tensors, starts, strict=False) if low.carries(t)]
    low.put_joined(node, parts, dim)


LOWERS = {aten.cat.default: _concatenate}
