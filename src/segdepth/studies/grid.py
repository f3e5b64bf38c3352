"""Which pixels a study explains."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from segdepth.core.errors import InputError
from segdepth.geometry.crops import crop_window

__all__ = ["Start", "TargetGrid"]

#: Where a grid's first target is: one step inside the crop, or in its corner.
Start = Literal["one step in", "corner"]


@dataclass(frozen=True)
class TargetGrid:
    """Every ``sample_rate``-th pixel of a crop, half-open: the crop's end is not a target.

    Attributes:
        size: rows and columns of the picture.
        sample_rate: step, pixels.
        start: "one step in" for the pixel studies, "corner" for the class study.
        crop: name of the window.

    Raises:
        InputError: if not one pixel is a target.

    Example:
        >>> len(TargetGrid((256, 832), 4).pixels)
        7141
    """

    size: tuple[int, int]
    sample_rate: int
    start: Start = "one step in"
    crop: str = "garg"

    def __post_init__(self) -> None:
        if self.sample_rate < 1:
            raise InputError(f"the sample rate is {self.sample_rate}; it is a step in pixels, 1 or more")
        if not len(self.pixels):
            raise InputError(
                f"a step of {self.sample_rate} pixels leaves no target in the crop {self.crop!r} of a "
                f"{self.size[0]}x{self.size[1]} picture; take a smaller --sample_rate"
            )

    @cached_property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the crop."""
        return crop_window(self.crop, *self.size)

    @cached_property
    def pixels(self) -> Int[ndarray, "p 2"]:
        """Row and column of every target, row by row."""
        first = self.sample_rate if self.start == "one step in" else 0
        rows, columns = (np.arange(side.start + first, side.stop, self.sample_rate) for side in self.window)
        return np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2)

    @cached_property
    def corner(self) -> Int[ndarray, "2"]:
        """The crop's first row and column; targets minus this are positions in a cut map."""
        return np.array([side.start for side in self.window])
