"""Pictures on pictures: a class map or a saliency map over the street, a mark on a pixel."""

import cv2
import numpy as np
from jaxtyping import Bool, UInt8
from numpy import ndarray

from segdepth.core.errors import InputError

__all__ = ["mark_pixel", "mark_region", "overlay"]

WHITE, BLACK = (255, 255, 255), (0, 0, 0)


def overlay(
    image: UInt8[ndarray, "h w 3"],
    colours: UInt8[ndarray, "h w 3"],
    alpha: float = 0.5,
    where: Bool[ndarray, "h w"] | None = None,
) -> UInt8[ndarray, "h w 3"]:
    """Colours laid over a picture.

    Args:
        image: RGB, 0..255.
        colours: RGB, 0..255.
        alpha: share of the colours, 0..1.
        where: pixels that get colours; the others keep the picture (ignored labels, depth without
        measurement).

    Raises:
        InputError: if ``alpha`` is not 0..1.
    """
    if not 0 <= alpha <= 1:
        raise InputError(f"alpha must be 0..1, not {alpha}")
    mixed = np.asarray(cv2.addWeighted(colours, alpha, image, 1 - alpha, 0))
    return mixed if where is None else np.where(where[..., None], mixed, image)


def mark_pixel(
    image: UInt8[ndarray, "h w 3"],
    row: int,
    col: int,
    colour: tuple[int, int, int] = (0, 255, 0),
    radius: int | None = None,
) -> UInt8[ndarray, "h w 3"]:
    """A copy of the picture with a ring and four strokes around a pixel, which itself stays visible.

    Everything has a dark outline with a light one around it, so that the mark shows on any picture; what
    would fall outside the picture is left out.

    Args:
        image: RGB, 0..255.
        row: of the pixel, 0..h-1.
        col: of the pixel, 0..w-1.
        colour: RGB of the mark.
        radius: of the ring, pixels; from 6 on it spares the pixel. By default 2 % of the diagonal.

    Raises:
        InputError: if the pixel is outside the picture.
    """
    height, width = image.shape[:2]
    for what, value, size in (("row", row, height), ("column", col, width)):
        if not 0 <= value < size:
            raise InputError(
                f"pixel ({row}, {col}) is outside the {height}x{width} image: {what} must be 0..{size - 1}"
            )
    radius = max(6, round(0.02 * np.hypot(height, width))) if radius is None else radius
    thickness = max(1, radius // 8)
    marked = image.copy()
    for outline, tone in ((2 * thickness + 2, WHITE), (2 * thickness, BLACK), (0, colour)):
        _draw_mark(marked, row, col, radius, thickness + outline, tone)
    return marked


def mark_region(
    image: UInt8[ndarray, "h w 3"],
    top: int,
    left: int,
    bottom: int,
    right: int,
    colour: tuple[int, int, int] = (0, 255, 0),
) -> UInt8[ndarray, "h w 3"]:
    """A copy of the picture with a frame around a rectangle, whose pixels stay visible.

    Args:
        image: RGB, 0..255.
        top: first row.
        left: first column.
        bottom: row after the last.
        right: column after the last.
        colour: RGB of the frame, which has a dark outline and a light one.
    """
    marked = image.copy()
    for distance, tone in ((3, WHITE), (2, BLACK), (1, colour)):
        cv2.rectangle(marked, (left - distance, top - distance), (right - 1 + distance, bottom - 1 + distance), tone, 1)
    return marked


def _draw_mark(
    picture: UInt8[ndarray, "h w 3"],
    row: int,
    col: int,
    radius: int,
    thickness: int,
    colour: tuple[int, int, int],
) -> None:
    cv2.circle(picture, (col, row), radius, colour, thickness, cv2.LINE_AA)
    for down, right in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        start = (col + radius * right, row + radius * down)
        end = (col + 2 * radius * right, row + 2 * radius * down)
        cv2.line(picture, start, end, colour, thickness, cv2.LINE_AA)
