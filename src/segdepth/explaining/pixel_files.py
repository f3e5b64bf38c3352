"""Pixels from a file: lines of a row and a column."""

import re
from collections.abc import Iterator
from pathlib import Path

from segdepth.core.errors import InputError
from segdepth.core.reading import parse_row, read_text
from segdepth.saliency import Pixel, check_pixels

__all__ = ["read_pixels"]

#: What the two columns may be called; matrices count rows with i, pictures with y.
ROW, COLUMN = ("row", "y", "i"), ("column", "col", "x", "j")


def read_pixels(path: Path, size: tuple[int, int]) -> list[Pixel]:
    """The pixels that a file lists, in its order.

    Each line is a row and a column, with a comma, semicolon, tab or blanks between them. A header may name the two among other
    columns (``row``, ``y`` or ``i``; ``column``, ``col``, ``x`` or ``j``). Empty lines and what follows ``#`` are skipped.

    Args:
        path: of the file, UTF-8.
        size: rows and columns of the picture that they are pixels of.

    Raises:
        InputError: with file and line, if a line is no pixel, or one outside the picture; or if there is none.
        OSError: if the file cannot be read.
    """
    lines = list(_lines(path))
    places, width = (0, 1), 2
    if lines and not _whole(lines[0][1][0]):
        places, width = _header(lines[0][1], f"{path}, line {lines[0][0]}"), len(lines[0][1])
        del lines[0]
    if not lines:
        raise InputError(f"{path} lists no pixel; give a row and a column a line")
    return [_pixel(cells, places, width, size, f"{path}, line {number}") for number, cells in lines]


def _pixel(cells: list[str], places: tuple[int, int], width: int, size: tuple[int, int], where: str) -> Pixel:
    if len(cells) != width:
        raise InputError(f"{where}: there are {len(cells)} values, not {width}; give a row and a column")
    for place in places:
        if not _whole(cells[place]):
            raise InputError(f"{where}: {cells[place]!r} is no whole number; give a row and a column")
    pixel = int(cells[places[0]]), int(cells[places[1]])
    try:
        check_pixels([pixel], size)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    return pixel


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The values of each line that has any, with the line's number from 1."""
    text = read_text(path, "a row and a column a line", error=InputError)
    for number, line in enumerate(text.splitlines(), start=1):
        content = line.partition("#")[0].strip()
        if content:
            separator = next((mark for mark in ",;\t" if mark in content), None)
            where = f"{path}, line {number}"
            yield number, parse_row(content, where, separator, error=InputError) if separator else content.split()


def _whole(cell: str) -> bool:
    return re.fullmatch(r"[+-]?\d+", cell, re.ASCII) is not None


def _header(cells: list[str], where: str) -> tuple[int, int]:
    """The places of row and column."""
    names = [cell.lower() for cell in cells]
    found = [[place for place, name in enumerate(names) if name in known] for known in (ROW, COLUMN)]
    if not all(len(places) == 1 for places in found):
        raise InputError(
            f"{where}: {', '.join(cells)!r} is neither two whole numbers nor a header with a row ({', '.join(ROW)}) and a "
            f"column ({', '.join(COLUMN)})"
        )
    return found[0][0], found[1][0]
