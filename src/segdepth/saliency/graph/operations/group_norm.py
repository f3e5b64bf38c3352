"""Norms by a picture's own statistics: group norm, instance norm."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, fx

from ..axes import Axis, Box, intersect
from ..lowering import Lowering, arguments_of
from .node import Gradient, Node, Pair, cut, own_places

__all__ = ["LOWERS", "GroupNorm", "lower_statistics"]

aten = torch.ops.aten


class _State(NamedTuple):
    """At a picture: normed numbers, and what they were divided by, inverted, per group."""

    normed: Float[Tensor, "c h w"]
    inverse: Float[Tensor, " groups"]


@dataclass(eq=False)
class GroupNorm(Node):
    """Numbers less their group's mean, over its deviation: a local part, and two numbers a group that go everywhere.

    Attributes:
        groups: of channels.
        weight: per channel; None for 1.
        epsilon: added to the variance.

    Source:
        Wu and He 2018, arXiv:1803.08494; the derivative as of Ioffe and Szegedy 2015, arXiv:1502.03167, section 3.
    """

    groups: int
    weight: Float[Tensor, " c"] | None
    epsilon: float

    name = "group norm"

    def axes(self, place: int, sizes: Pair) -> tuple[Axis, Axis]:
        """See :meth:`Node.axes`."""
        del place
        return Axis.everywhere(sizes[0], self.shape[1]), Axis.everywhere(sizes[1], self.shape[2])

    def keep(self, arguments: tuple[Any, ...], result: Any) -> _State:
        """See :meth:`Node.keep`."""
        del result
        grouped = arguments[0].reshape(self.groups, -1)
        variance, mean = torch.var_mean(grouped, dim=1, correction=0)
        inverse = (variance + self.epsilon).rsqrt()
        return _State(((grouped - mean[:, None]) * inverse[:, None]).view(self.shape), inverse)

    def gradient(self, g: Gradient, box: Box, place: int, part: Box, state: _State) -> Gradient:
        """See :meth:`Node.gradient`."""
        del place
        if self.weight is not None:
            g = g * self.weight[:, None, None].to(g.dtype)
        normed = state.normed.to(g.dtype)
        size = state.normed.numel() // self.groups
        plain, weighted = (
            t.reshape(len(g), self.groups, -1).sum(2).div(size) for t in (g, g * normed[own_places(box)])
        )
        plain, weighted = (
            t.repeat_interleave(self.shape[0] // self.groups, 1)[:, :, None, None] for t in (plain, weighted)
        )
        result = -plain - weighted * normed[own_places(part)]
        shared: Box = intersect(box[0], part[0]), intersect(box[1], part[1])
        (top, _), (left, _) = part
        result[..., shared[0][0] - top : shared[0][1] - top, shared[1][0] - left : shared[1][1] - left] += cut(
            g, box, shared
        )
        inverse = state.inverse.to(g.dtype).repeat_interleave(self.shape[0] // self.groups)
        return result * inverse[:, None, None]

    def label(self, sizes: Pair) -> str:
        """See :meth:`Node.label`."""
        del sizes
        return "group norm"


def _group_norm(low: Lowering, node: fx.Node) -> None:
    a = arguments_of(node)
    low.refuse_weights(a["bias"])
    value = low.map(a["input"])
    weight = None if a["weight"] is None else low.constant(a["weight"]).detach()
    low.put_map(node, GroupNorm((value,), low.shape(value), a["group"], weight, a["eps"]))


def lower_statistics(low: Lowering, node: fx.Node) -> None:
    """Batch norm by the statistics of a batch of one picture: instance norm."""
    a = arguments_of(node)
    low.refuse_weights(a["bias"])
    value = low.map(a["input"])
    weight = None if a["weight"] is None else low.constant(a["weight"]).detach()
    low.put_map(
        node,
        GroupNorm(
            (value,), low.shape(value), low.shape(value)[0], weight, float(a["eps"] if "eps" in a else a["epsilon"])
        ),
    )


LOWERS = {
    aten.native_group_norm.default: _group_norm,
    aten._native_batch_norm_legit.no_stats: lower_statistics,
}
