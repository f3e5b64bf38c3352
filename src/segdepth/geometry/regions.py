"""Rectangles of a picture's pixels."""

import re
from typing import NamedTuple

from segdepth.core.errors import InputError

__all__ = ["Place", "Region"]


class Region(NamedTuple):
    """The rows ``top..bottom-1`` and the columns ``left..right-1`` of a picture."""

    top: int
    left: int
    bottom: int
    right: int

    @classmethod
    def parse(cls, text: str) -> "Region":
        """From ``r0,c0,r1,c1``.

        Raises:
            InputError: if these are no four whole numbers.

        Example:
            >>> Region.parse("8,16,24,48").pixels[:2]
            [(8, 16), (8, 17)]
        """
        if not re.fullmatch(r"\s*\d{1,9}\s*(,\s*\d{1,9}\s*){3}", text, re.ASCII):
            raise InputError(f"{text!r} is no region; give r0,c0,r1,c1: first row and column, and those after the last")
        return cls(*map(int, text.split(",")))

    def check(self, size: tuple[int, int]) -> None:
        """Refuse a region that has no pixel, or one outside the picture.

        Args:
            size: rows and columns of the picture.

        Raises:
            InputError: with what would be right.
        """
        if not (0 <= self.top < self.bottom <= size[0] and 0 <= self.left < self.right <= size[1]):
            raise InputError(
                f"the region {self} is not inside the {size[0]}x{size[1]} picture: r0,c0,r1,c1 are the first row and column, and "
                f"those after the last, at most {size[0]} and {size[1]}"
            )

    @property
    def pixels(self) -> list[tuple[int, int]]:
        """(row, column) of each, row by row."""
        return [(row, column) for row in range(self.top, self.bottom) for column in range(self.left, self.right)]

    @property
    def centre(self) -> tuple[int, int]:
        """The pixel in its middle; of an even number, the first of the two."""
        return (self.top + self.bottom - 1) // 2, (self.left + self.right - 1) // 2

    def __str__(self) -> str:
        return ",".join(map(str, self))


#: What is explained: a pixel, (row, column), or the mean over a region.
Place = tuple[int, int] | Region
