"""The gradient of every target with respect to the network's output: where a backward pass begins."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from .boxes import Boxes, Reach
from .graph import Box
from .graph.axes import hull
from .modes import recording
from .target import Margin, Pixel, Target, Weighted, call_target

__all__ = ["Seeds"]


@dataclass(frozen=True, eq=False)
class Seeds:
    """What is explained, seen from the output.

    Attributes:
        output: the network's answer, without history.
        pixels: the targets.
        targets: per pixel, with predicted classes named (see :func:`fixed_targets`).
    """

    output: Float[Tensor, "c h w"]
    pixels: Sequence[Pixel]
    targets: Sequence[Target]

    def gather(self, indices: Sequence[int]) -> tuple[Box, Float[Tensor, "n c _h _w"]]:
        """The gradients of some targets with respect to the output, over the box that holds all of them."""
        seeds = [self.of(index) for index in indices]
        rows, columns = seeds[0][0]
        for (more_rows, more_columns), _ in seeds:
            rows, columns = hull(rows, more_rows), hull(columns, more_columns)
        values = self.output.new_zeros((len(seeds), len(self.output), rows[1] - rows[0], columns[1] - columns[0]))
        for value, ((r, c), seed) in zip(values, seeds, strict=True):
            value[:, r[0] - rows[0] : r[1] - rows[0], c[0] - columns[0] : c[1] - columns[0]] = seed
        return (rows, columns), values

    def behind(self, indices: Sequence[int], reach: Reach) -> tuple[Boxes, Float[Tensor, "n c _h _w"]]:
        """The boxes behind some targets, and their seeds over the output's box of these."""
        ((top, bottom), (left, right)), values = self.gather(indices)
        boxes = reach.back(((top, bottom), (left, right)))
        rows, columns = boxes.values[-1]
        if rows[0] == rows[1]:  # no target depends on the window
            return boxes, values[..., :0, :0]
        return boxes, values[..., rows[0] - top : rows[1] - top, columns[0] - left : columns[1] - left]

    def of(self, index: int) -> tuple[Box, Float[Tensor, "c _h _w"]]:
        """The gradient of one target with respect to the output, and the box that it covers."""
        (row, col), target = self.pixels[index], self.targets[index]
        if callable(target):
            return self._of_callable(index)
        seed = self.output.new_zeros(len(self.output), 1, 1)
        if isinstance(target, Margin):
            seed[target.a] += 1
            seed[target.b] -= 1
        elif isinstance(target, int):
            seed[target] = 1
        elif isinstance(target, Weighted):
            seed[:, 0, 0] = seed.new_tensor(target.weights)
        else:
            seed[0] = 1 / self.output[0, row, col] if target == "log_depth" else 1
        return ((row, row + 1), (col, col + 1)), seed

    def _of_callable(self, index: int) -> tuple[Box, Float[Tensor, "c _h _w"]]:
        pixel, function = self.pixels[index], self.targets[index]
        assert callable(function)
        with recording():
            output = self.output[None].detach().requires_grad_()
            (gradient,) = torch.autograd.grad(call_target(function, output, pixel), output)
        touched = gradient[0].ne(0).any(0)
        rows, columns = (touched.any(axis).nonzero().flatten().tolist() for axis in (1, 0))
        if not rows:
            rows, columns = [pixel[0]], [pixel[1]]
        box = (rows[0], rows[-1] + 1), (columns[0], columns[-1] + 1)
        return box, gradient[0][:, slice(*box[0]), slice(*box[1])]
