"""Sums of values."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx

from ..axes import Box
from ..lowering import Lowering, arguments_of
from .node import Gradient, Mask, Pair, Shape, cut, either
from .rows import Parts
from .scale import scaled_by

__all__ = ["LOWERS", "Add"]

aten = torch.ops.aten


@dataclass(eq=False)
class Add(Parts):
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

    @property
    def loosens(self) -> bool:
        """The other summand's live units stand in the rows, too."""
        return True

    def label(self, sizes: Pair) -> str:
        """See :meth:`Node.label`."""
        del sizes
        return "sum"


def _add(low: Lowering, node: fx.Node) -> None:
    """A sum or a difference; what does not depend on the picture adds no gradient."""
    a = arguments_of(node)
    terms = [(a["self"], 1.0), (a["other"], float(a.get("alpha", 1)))]
    if node.target in _DIFFERENCES:
        terms[1] = terms[1][0], -terms[1][1]
    if node.target in _REVERSED:
        terms = [(a["self"], -terms[1][1]), (a["other"], 1.0)]
    carriers = [(term, factor) for term, factor in terms if low.carries(term)]
    if len(carriers) == 1:
        ((term, factor),) = carriers
        low.put(node, scaled_by(low, low.enlarged(term, node), factor))
        return
    views, like = low.in_step([term for term, _ in carriers], node)
    values = [scaled_by(low, view, factor).values[0] for view, (_, factor) in zip(views, carriers, strict=True)]
    low.put_like(node, like, Add(tuple(values), low.shape(values[0])))


#: ``a - alpha b``, and ``b - alpha a``.
_DIFFERENCES = (aten.sub.Scalar, aten.sub.Tensor)
_REVERSED = (aten.rsub.Scalar, aten.rsub.Tensor)

LOWERS: dict[Any, Callable[[Lowering, fx.Node], None]] = dict.fromkeys(
    (aten.add.Scalar, aten.add.Tensor, *_DIFFERENCES, *_REVERSED), _add
)
