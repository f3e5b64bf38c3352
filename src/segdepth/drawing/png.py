"""PNG files, bytes and data URIs; depth as the 16-bit PNG that KITTI made usual."""

import base64
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, UInt8, UInt16
from numpy import ndarray

from segdepth.core.files import write_bytes

__all__ = ["depth_png16_bytes", "png_bytes", "png_data_uri", "write_depth_png16", "write_png"]

Picture = UInt8[ndarray, "h w 3"] | UInt8[ndarray, "h w"] | UInt16[ndarray, "h w"]

#: Stored units in a metre. Source: KITTI depth benchmark, development kit.
UNITS_PER_METRE = 256


def png_bytes(array: Picture) -> bytes:
    """A PNG file's bytes.

    Args:
        array: RGB, or grey of 8 or 16 bits.
    """
    stored = cv2.cvtColor(array, cv2.COLOR_RGB2BGR) if array.ndim == 3 else array
    return bytes(cv2.imencode(".png", stored)[1])


def png_data_uri(array: Picture) -> str:
    """A PNG that stands inside a page: ``<img src="...">``.

    Args:
        array: RGB, or grey of 8 or 16 bits.
    """
    return "data:image/png;base64," + base64.b64encode(png_bytes(array)).decode("ascii")


def write_png(path: Path, array: Picture) -> None:
    """Write a PNG file, whole or not at all; folders are made where they are missing.

    Args:
        path: the file.
        array: RGB, or grey of 8 or 16 bits.
    """
    write_bytes(path, png_bytes(array))


def write_depth_png16(path: Path, metres: Float[ndarray, "h w"]) -> None:
    """Write a depth map as 16-bit grey PNG of metres x 256, rounded; 0 = no measurement.

    A measurement is never rounded to "none" (it is at least 1/256 m), and one beyond 255.996 m, the farthest
    that fits, is stored as that.

    Args:
        path: the file.
        metres: depth; 0, negative or not finite = no measurement.
    """
    write_bytes(path, depth_png16_bytes(metres))


def depth_png16_bytes(metres: Float[ndarray, "h w"]) -> bytes:
    """The bytes that :func:`write_depth_png16` writes."""
    valid = np.isfinite(metres) & (metres > 0)
    units = np.clip(np.rint(np.where(valid, metres, 0) * UNITS_PER_METRE), 1, np.iinfo(np.uint16).max)
    return png_bytes(np.where(valid, units, 0).astype(np.uint16))
