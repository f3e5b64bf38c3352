"""One backward pass per pixel: slow, plain, right. What every faster engine is compared with."""

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from .batched import Recorded
from .engine import Chunk
from .graph import Box
from .modes import recording, taking_back
from .target import Pixel, Target, target_value

__all__ = ["ReferenceEngine"]


class ReferenceEngine:
    """The obvious way.

    Args:
        recorded: the forward pass.
        window: what of the gradient is wanted; it is computed whole and cut.
    """

    def __init__(self, recorded: Recorded, window: Box) -> None:
        self._x, self._y = recorded.x, recorded.y
        self._window = window

    @property
    def output(self) -> Float[Tensor, "c h w"]:
        """See :class:`Engine`."""
        return self._y[0].detach()

    def gradients(self, pixels: Sequence[Pixel], targets: Sequence[Target]) -> Iterator[Chunk]:
        """See :class:`Engine`."""
        rows, columns = (slice(*span) for span in self._window)
        for index, (pixel, target) in enumerate(zip(pixels, targets, strict=True)):
            with recording():
                value = target_value(self._y, pixel, target)
            with taking_back():
                gradient = self._gradient(value)
            yield Chunk([index], self._window, gradient[:, :, rows, columns])

    def _gradient(self, value: Float[Tensor, ""]) -> Float[Tensor, "1 _ h w"]:
        if not value.requires_grad:  # nothing of the picture reaches the output
            return torch.zeros_like(self._x)
        (gradient,) = torch.autograd.grad(value, self._x, retain_graph=True, allow_unused=True)
        return torch.zeros_like(self._x) if gradient is None else gradient
