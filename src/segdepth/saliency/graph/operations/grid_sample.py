"""Sampling a map at fixed places, as for rectifying or warping with a known flow."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, fx

from ..axes import Axis, Box
from ..lowering import Lowering, arguments_of
from .node import Gradient, Node, Pair, own_places

__all__ = ["LOWERS", "GridSample"]

aten = torch.ops.aten


@dataclass(eq=False)
class GridSample(Node):
    """A map sampled at places that do not depend on the picture.

    Attributes:
        grid: per position of the value, column and row of the input, -1..1.
        sizes: rows and columns of the input.
        settings: interpolation, padding, whether corners are aligned.
    """

    grid: Float[Tensor, "h w 2"]
    sizes: Pair
    settings: tuple[int, int, bool] = field(default=(0, 0, False))

    name = "grid sampling"

    @cached_property
    def _reach(self) -> tuple[Axis, Axis]:
        """Rows and columns that a row, or a column, of the value reads: as far as the interpolation reaches around any place."""
        mode, padding, aligned = self.settings
        around = (1, 1, 2)[mode]
        axes = []
        for axis, size in enumerate(self.sizes):
            place = self.grid[..., 1 - axis].double().cpu()
            place = (place + 1) / 2 * (size - 1) if aligned else ((place + 1) * size - 1) / 2
            if padding:  # what is reflected or clipped may come from anywhere
                low, high = torch.zeros_like(place), torch.full_like(place, size - 1)
                inside = (place >= around) & (place <= size - 1 - around)
                low, high = torch.where(inside, place, low), torch.where(inside, place, high)
            else:
                low = high = place
            first = (low.nan_to_num(0).amin(1 - axis).floor() - around).clamp(0, size - 1)
            last = (high.nan_to_num(size - 1).amax(1 - axis).ceil() + around).clamp(0, size - 1)
            axes.append(Axis(first.numpy().astype(np.int64), last.numpy().astype(np.int64), size))
        return axes[0], axes[1]

    def axes(self, place: int, sizes: Pair) -> tuple[Axis, Axis]:
        """See :meth:`Node.axes`."""
        del place, sizes
        return self._reach

    def gradient(self, g: Gradient, box: Box, place: int, part: Box, state: None) -> Gradient:
        """See :meth:`Node.gradient`; in the grid's precision, for in bfloat16 the places themselves would move by pixels."""
        del place, state
        full = g.to(self.grid.dtype)
        grid = self.grid[slice(*box[0]), slice(*box[1])].expand(len(g), -1, -1, -1)
        like = full.new_zeros(1).expand(*g.shape[:2], *self.sizes)
        found = aten.grid_sampler_2d_backward.default(full.contiguous(), like, grid, *self.settings, [True, False])[0]
        result: Gradient = found[own_places(part)].to(g.dtype)
        return result

    def label(self, sizes: Pair) -> str:
        """See :meth:`Node.label`."""
        del sizes
        return self.name


def _grid_sample(low: Lowering, node: fx.Node) -> None:
    a: dict[str, Any] = arguments_of(node)
    value = low.map(a["input"])
    settings = (a["interpolation_mode"], a["padding_mode"], a["align_corners"])
    grid = low.constant(a["grid"]).detach()[0]
    low.put_map(node, GridSample((value,), low.map_shape(node), grid, low.shape(value)[1:], settings))


LOWERS = {aten.grid_sampler_2d.default: _grid_sample}
