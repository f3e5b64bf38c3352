"""What every kind of truth says of itself."""

from abc import ABC, abstractmethod
from typing import ClassVar

from jaxtyping import Float64, Shaped
from numpy import ndarray

from segdepth.geometry.resize import resize_nearest

__all__ = ["Kind"]

Truth = Shaped[ndarray, "h w *values"]
#: At another size than what it was made of.
Resized = Shaped[ndarray, "_h _w *values"]


class Kind(ABC):
    """One kind of truth: an array ``[h, w]``, or ``[h, w, values]``, that says something of each pixel of a picture.

    Attributes:
        name: what data sets, files and samples call it.
        void: the value of a pixel of which nothing is known.
    """

    name: ClassVar[str]
    void: ClassVar[int | float]

    def resized(self, truth: Truth, size: tuple[int, int], *, points: bool = False) -> Resized:
        """At another size: each pixel takes the value of the nearest one, never a mean of several.

        Args:
            truth: at any size.
            size: rows and columns wanted.
            points: it is known at single points only, of which shrinking must lose none that matters.
        """
        del points
        return resize_nearest(truth, size)

    def turned(self, truth: Truth, turn: Float64[ndarray, "2 2"]) -> Truth:
        """The values after the picture was mapped about its optical axis: where they are directions they turn with it.

        Args:
            truth: its pixels are where they belong already.
            turn: of (x, y), x to the right and y down.
        """
        del turn
        return truth

    def nearer(self, truth: Truth, factor: float) -> Truth:
        """The values as a camera would see them that is so many times nearer."""
        del factor
        return truth

    @abstractmethod
    def target(self, truth: Truth) -> Shaped[ndarray, "*values h w"]:
        """What losses are given, in the type that they compare with: ``[h, w]`` or ``[values, h, w]``."""
