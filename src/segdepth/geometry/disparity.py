"""Disparity in pixels <-> depth in metres, for a rectified pair of cameras."""

import math

import numpy as np
from jaxtyping import Float, Float32, UInt16
from numpy import ndarray

__all__ = [
    "CITYSCAPES_BASELINE_M",
    "CITYSCAPES_FOCAL_PX",
    "cityscapes_disparity",
    "depth_from_disparity",
    "disparity_from_depth",
]

#: Distance between the two cameras of most Cityscapes recordings, metres; for frames without a camera file.
CITYSCAPES_BASELINE_M = 0.209313

#: Horizontal focal length of most Cityscapes recordings at 1024x2048, pixels; where there is no camera file.
CITYSCAPES_FOCAL_PX = 2262.52


def cityscapes_disparity(png: UInt16[ndarray, "h w"]) -> Float32[ndarray, "h w"]:
    """The values of a Cityscapes disparity file in pixels: ``(p - 1) / 256`` where ``p > 0``.

    Args:
        png: the file's 16-bit values; 0 = no measurement.

    Returns:
        Disparity, pixels of the full-size picture; 0 = no measurement or infinitely far.

    Source:
        cityscapesScripts, README, "disparity".
    """
    disparity: Float32[ndarray, "h w"] = (np.maximum(png, 1) - np.uint16(1)).astype(np.float32) / 256
    return disparity


def depth_from_disparity(
    disparity: Float[ndarray, "h w"], focal_px: float, baseline_m: float, max_depth: float = math.inf
) -> Float32[ndarray, "h w"]:
    """Depth along the optical axis, ``focal * baseline / disparity``.

    Args:
        disparity: pixels; 0 or less = no measurement.
        focal_px: horizontal focal length at the size of ``disparity``, pixels.
        baseline_m: distance between the two cameras, metres.
        max_depth: metres; what is this far or farther counts as not measured.

    Returns:
        Metres; 0 = no measurement.

    Example:
        >>> depth_from_disparity(np.array([[0.0, 20.0]]), focal_px=2000.0, baseline_m=0.2)
        array([[ 0., 20.]], dtype=float32)
    """
    depth = _reciprocal(disparity, focal_px * baseline_m)
    return np.where(depth < max_depth, depth, 0).astype(np.float32)


def disparity_from_depth(depth: Float[ndarray, "h w"], focal_px: float, baseline_m: float) -> Float32[ndarray, "h w"]:
    """The inverse of :func:`depth_from_disparity`: pixels, 0 where ``depth`` has no measurement.

    Args:
        depth: metres; 0 or less = no measurement.
        focal_px: horizontal focal length at the size of ``depth``, pixels.
        baseline_m: distance between the two cameras, metres.
    """
    return _reciprocal(depth, focal_px * baseline_m).astype(np.float32)


def _reciprocal(values: Float[ndarray, "h w"], factor: float) -> Float[ndarray, "h w"]:
    """``factor / values`` in double precision; 0 where a value is not positive."""
    result: Float[ndarray, "h w"] = np.zeros(values.shape)
    np.divide(factor, values, out=result, where=values > 0, dtype=np.float64)
    return result
