"""The indices of one long axis of a map in another order, or some of them: rolls, flips and fixed choices of tokens."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int
from torch import Tensor

from ..axes import Axis, Box
from ..views import CHANNELS, ROWS
from .node import Gradient, Node, Pair, cut, zeros

__all__ = ["Reorder"]


@dataclass(eq=False)
class Reorder(Node):
    """Index ``i`` of an axis is the input's index ``order[i]``; any may be left out, or there several times.

    Attributes:
        axis: of the map.
        order: per index of the value's axis, one of the input's.
        size: of the input's axis.
    """

    axis: int
    order: Int[Tensor, " n"]
    size: int

    name = "reordering"

    def axes(self, place: int, sizes: Pair) -> tuple[Axis, Axis] | None:
        """See :meth:`Node.axes`."""
        del place
        if self.axis == CHANNELS:
            return None
        order = self.order.cpu().numpy().astype(np.int64)
        along = Axis(order, order, self.size)
        if self.axis == ROWS:
            return along, Axis.affine(sizes[1], sizes[1], step=1, offset=0)
        return Axis.affine(sizes[0], sizes[0], step=1, offset=0), along

    def gradient(self, g: Gradient, box: Box, place: int, part: Box, state: None) -> Gradient:
        """See :meth:`Node.gradient`."""
        del place, state
        order = self.order.to(g.device)
        if self.axis == CHANNELS:
            return zeros(g, self.size, part).index_add_(1, order, cut(g, box, part))
        along = self.axis - ROWS
        start, stop = part[along]
        inside = order[slice(*box[along])]
        known = (inside >= start) & (inside < stop)
        other: Box = (box[0], part[1]) if along == 0 else (part[0], box[1])
        shown = cut(g, box, other).index_select(2 + along, known.nonzero().flatten())
        return zeros(g, g.shape[1], part).index_add_(2 + along, inside[known] - start, shown)

    def label(self, sizes: Pair) -> str:
        """See :meth:`Node.label`."""
        del sizes
        return self.name
