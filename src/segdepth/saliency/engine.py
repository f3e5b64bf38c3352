"""What every engine promises, so that each gives the same answer."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from .graph import Box
from .target import Pixel, Target

__all__ = ["Chunk", "Engine"]


class Chunk(NamedTuple):
    """Some targets' gradients.

    Attributes:
        indices: which of the pixels.
        box: rows and columns of the picture; inside the window that was asked for, all else is 0.
        gradients: over the box, signed.
    """

    indices: list[int]
    box: Box
    gradients: Float[Tensor, "n _ _h _w"]


@runtime_checkable
class Engine(Protocol):
    """One picture, one network, ready to be asked for any number of pixels."""

    @property
    def output(self) -> Float[Tensor, "c h w"]:
        """The network's answer, without history."""

    def gradients(self, pixels: Sequence[Pixel], targets: Sequence[Target]) -> Iterator[Chunk]:
        """The picture's gradient for each pixel's target, in any order, every index once."""
