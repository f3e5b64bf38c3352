"""Other sizes: pictures are averaged or interpolated, labels and depth maps only ever copied."""

import numpy as np
from jaxtyping import Float32, Int, Shaped, UInt8
from numpy import ndarray

from segdepth.core.errors import InputError

__all__ = ["resize_image", "resize_nearest", "shrink_averaged"]


def resize_image(image: UInt8[ndarray, "h w 3"], size: tuple[int, int]) -> UInt8[ndarray, "rows cols 3"]:
    """A picture at another size: averaged over areas where it shrinks, bilinear where it grows.

    An axis that shrinks is shrunk before the other one grows, so that no pixel of the source is skipped.

    Args:
        image: the picture, any three channels, 0..255.
        size: rows and columns wanted, both at least 1.

    Returns:
        The picture at ``size``; the very same array if it has that size already.

    Raises:
        InputError: if ``size`` has no pixel.
    """
    import cv2  # here, because who explains a network would wait for it and never use it

    _check(size)
    shrunk = (min(size[0], image.shape[0]), min(size[1], image.shape[1]))
    for target, method in ((shrunk, cv2.INTER_AREA), (size, cv2.INTER_LINEAR)):
        if image.shape[:2] != target:
            image = cv2.resize(image, (target[1], target[0]), interpolation=method)
    return image


def resize_nearest(
    values: Shaped[ndarray, "h w *values"], size: tuple[int, int]
) -> Shaped[ndarray, "rows cols *values"]:
    """A map at another size, each pixel a copy of one of the source's: for labels and for sparse depth.

    Pixel ``i`` of ``n`` is a copy of the source's pixel ``floor((i + 0.5) * m / n)`` of ``m``, the one that
    holds its centre. The rule is computed in whole numbers, so it is the same on every machine.

    Args:
        values: any type; the values are copied, never mixed.
        size: rows and columns wanted, both at least 1.

    Returns:
        The map at ``size``; the very same array if it has that size already.

    Raises:
        InputError: if ``size`` has no pixel.

    Example:
        >>> resize_nearest(np.array([[1, 2, 3, 4]]), (1, 2))
        array([[2, 4]])
    """
    _check(size)
    if values.shape[:2] == size:
        return values
    rows, columns = (_nearest(source, target) for source, target in zip(values.shape[:2], size, strict=True))
    resized: Shaped[ndarray, "rows cols *values"] = values[rows[:, None], columns]
    return resized


def shrink_averaged(values: Float32[ndarray, "h w"], size: tuple[int, int]) -> Float32[ndarray, "rows cols"]:
    """A map at a smaller size, each pixel the mean over the part of the source that it covers.

    Args:
        values: the map.
        size: rows and columns wanted, at least 1 and at most the map's.

    Returns:
        The map at ``size``; the very same array if it has that size already.

    Raises:
        InputError: if ``size`` has no pixel, or is larger than the map.

    Example:
        >>> shrink_averaged(np.array([[1, 3, 5, 7]], np.float32), (1, 2))
        array([[2., 6.]], dtype=float32)
    """
    import cv2  # see resize_image

    _check(size)
    if size[0] > values.shape[0] or size[1] > values.shape[1]:
        raise InputError(f"{size[0]}x{size[1]} is larger than the map, {values.shape[0]}x{values.shape[1]}")
    if values.shape == size:
        return values
    return cv2.resize(values, (size[1], size[0]), interpolation=cv2.INTER_AREA)


def _nearest(source: int, target: int) -> Int[ndarray, " target"]:
    index: Int[ndarray, " target"] = (2 * np.arange(target) + 1) * source // (2 * target)
    return index


def _check(size: tuple[int, int]) -> None:
    if min(size) < 1:
        raise InputError(f"cannot resize to {size[0]}x{size[1]}: rows and columns must be at least 1")
