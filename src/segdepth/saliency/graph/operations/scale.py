"""One factor per channel: batch norm in eval mode."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, fx

from ..axes import Box
from ..lowering import Lowering, arguments_of
from .group_norm import lower_statistics
from .node import Gradient, Kernel, Mask, Node, Rows, Shape, cut
from .rows import scaled

__all__ = ["LOWERS", "Scale"]

aten = torch.ops.aten


@dataclass(eq=False)
class Scale(Node):
    """One factor per channel: batch norm in eval mode that has no convolution before it.

    Attributes:
        factors: per channel.
    """

    factors: Float[Tensor, " c"]

    name = "batch norm"
    keeps_channels = True

    def gradient(self, g: Gradient, box: Box, place: int, part: Box, state: None) -> Gradient:
        """See :meth:`Node.gradient`."""
        del place, state
        return cut(g, box, part) * self.factors[:, None, None].to(g.dtype)

    def reaching(self, inputs: Sequence[Mask], shapes: Sequence[Shape], kept: None) -> Mask:
        """See :meth:`Node.reaching`."""
        del shapes, kept
        return inputs[0]

    def carried(self, mask: Mask, place: int, shape: Shape, kept: None) -> Mask:
        """See :meth:`Node.carried`."""
        del place, shape, kept
        return mask

    def kernel(self, kept: None, rows: Rows) -> Kernel:
        """See :meth:`Node.kernel`."""
        del kept, rows
        return scaled(np.ascontiguousarray(self.factors.numpy()[None]))

    def takes_factors(self) -> bool:
        """See :meth:`Node.takes_factors`."""
        return True

    def with_factors(self, factors: Float[Tensor, " c"]) -> "tuple[Scale, None]":
        """See :meth:`Node.with_factors`."""
        return replace(self, factors=self.factors * factors), None


def _batch_norm(low: Lowering, node: fx.Node) -> None:
    a = arguments_of(node)
    if a.get("training"):
        lower_statistics(low, node)
        return
    factors = (low.constant(a["running_var"]) + a.get("eps", a.get("epsilon"))).rsqrt()
    if a["weight"] is not None:
        factors = factors * low.constant(a["weight"])
    value = low.map(a["input"])
    low.put_map(node, Scale((value,), low.shape(value), factors.detach()))


LOWERS = {
    aten._native_batch_norm_legit_no_training.default: _batch_norm,
    aten.cudnn_batch_norm.default: _batch_norm,
    aten.native_batch_norm.default: _batch_norm,
}
