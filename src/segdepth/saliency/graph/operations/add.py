"""Sums of values."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import fx

from ..axes import Box
from ..lowering import Lowering
from .node import Gradient, Kernel, Mask, Node, Pair, Rows, Shape, cut, either
from .pointwise import lower_pointwise
from .rows import moved

__all__ = ["LOWERS", "Add"]

aten = torch.ops.aten


@dataclass(eq=False)
class Add(Node):
    """The sum of values of one shape."""

    name = "sum"

    def gradient(self, g: Gradient, box: Box, place: int, part: Box, state: None) -> Gradient:
        """See :meth:`Node.gradient`."""
        del place, state
        return cut(g, box, part)

    def reaching(self, inputs: Sequence[Mask], shapes: Sequence[Shape], kept: None) -> Mask:
        """See :meth:`Node.reaching`."""
        del shapes, kept
        found = inputs[0]
        for mask in inputs[1:]:
            found = either(found, mask)
        return found

    def carried(self, mask: Mask, place: int, shape: Shape, kept: None) -> Mask:
        """See :meth:`Node.carried`."""
        del place, shape, kept
        return mask

    def moves(self, loose: bool) -> bool:
        """See :meth:`Node.moves`."""
        del loose
        return True

    def holds_parts(self, loose: bool) -> bool:
        """See :meth:`Node.holds_parts`."""
        del loose
        return True

    @property
    def loosens(self) -> bool:
        """The other summand's live units stand in the rows, too."""
        return True

    def kernel(self, kept: None, rows: Rows) -> Kernel:
        """See :meth:`Node.kernel`."""
        del kept
        return moved(rows)

    def label(self, sizes: Pair) -> str:
        """See :meth:`Node.label`."""
        del sizes
        return "sum"


def _add(low: Lowering, node: fx.Node) -> None:
    """A sum; what does not depend on the picture adds no gradient. ``alpha`` other than 1 goes the general way."""
    carriers = [n for n in node.args[:2] if isinstance(n, fx.Node) and low.carries(n)]
    if node.kwargs.get("alpha", 1) != 1 or low.is_cast(node):
        lower_pointwise(low, node)
    elif len(carriers) == 1:
        low.put(node, low.enlarged(carriers[0], node))
    else:
        views, like = low.in_step(carriers, node)
        low.put_like(node, like, Add(tuple(view.values[0] for view in views), low.shape(views[0].values[0])))


LOWERS = {
    aten.add.Tensor: _add,
    aten.add.Scalar: _add,
    aten.sub.Scalar: _add,
}
