"""Max unpooling with the winners of a pooling."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import torch
from jaxtyping import Int, UInt8
from torch import Tensor, fx

from ..axes import Axis, Box
from ..lowering import Lowering
from ..unsupported import UnsupportedOperationError
from .max_pool import MaxPool, at_winners, taps, to_winners
from .node import Gradient, Kernel, Mask, Node, Pair, Rows, Shape, cut, own_places, times, zeros
from .rows import winners

__all__ = ["LOWERS", "Unpool"]

aten = torch.ops.aten


@dataclass(eq=False)
class Unpool(Node):
    """Each value at the place of the winner of its window, zeros elsewhere.

    Attributes:
        pool: the pooling's index in the graph, whose winners are used.
        windows: the pooling itself, whose windows say where values can go.
    """

    pool: int
    windows: MaxPool

    name = "max unpooling"

    def axes(self, place: int, sizes: Pair) -> tuple[Axis, Axis]:
        """See :meth:`Node.axes`."""
        del place
        return self.windows.reach(Axis.transposed, sizes, self.shape)

    @property
    def shares(self) -> int:
        """See :meth:`Node.shares`."""
        return self.pool

    def gradient(self, g: Gradient, box: Box, place: int, part: Box, state: UInt8[Tensor, "taps c _h _w"]) -> Gradient:
        """See :meth:`Node.gradient`."""
        del place
        result = zeros(g, g.shape[1], part)
        for tap, windows, rows, columns in taps(self.windows, part, box):
            cut(result, part, windows).add_(g[..., rows, columns] * state[tap][own_places(windows)])
        return result

    def reaching(self, inputs: Sequence[Mask], shapes: Sequence[Shape], kept: Int[Tensor, "c h w"]) -> Mask:
        """See :meth:`Node.reaching`."""
        del shapes
        return to_winners(inputs[0], kept, self.shape)

    def carried(self, mask: Mask, place: int, shape: Shape, kept: Int[Tensor, "c h w"]) -> Mask:
        """See :meth:`Node.carried`."""
        del place, shape
        return None if mask is None else at_winners(mask, kept)

    def kernel(self, kept: Int[Tensor, "c h w"], rows: Rows) -> Kernel:
        """See :meth:`Node.kernel`."""
        del rows
        return Kernel("add_unpooled", (winners(kept), self.shape[2]))

    def renumbered(self, number: dict[int, int]) -> "Unpool":
        """See :meth:`Node.renumbered`."""
        return replace(self, inputs=tuple(number[value] for value in self.inputs), pool=number[self.pool])

    def label(self, sizes: Pair) -> str:
        """See :meth:`Node.label`."""
        del sizes
        return f"max unpooling {times(self.windows.stride)}"

    def steps(self, sizes: Pair) -> tuple[Fraction, Fraction]:
        """See :meth:`Node.steps`."""
        del sizes
        return Fraction(1, self.windows.stride[0]), Fraction(1, self.windows.stride[1])


def _max_unpool(low: Lowering, node: fx.Node) -> None:
    value, indices = node.args[:2]
    winning: Any = indices.args[0] if isinstance(indices, fx.Node) and indices.args else None
    pool = low.first(winning)
    windows = low.nodes[pool] if pool is not None else None
    if not isinstance(windows, MaxPool) or low.shape(windows.inputs[0])[1:] != low.map_shape(node)[1:]:
        raise UnsupportedOperationError("max unpooling with indices that are not those of a max pooling of its size")
    assert pool is not None
    low.put_map(node, Unpool((low.map(value),), low.map_shape(node), pool=pool, windows=windows))


LOWERS = {aten.max_unpool2d.default: _max_unpool}
