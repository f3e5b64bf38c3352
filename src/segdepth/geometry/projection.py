"""Laser points -> a sparse depth map."""

from typing import Literal

import numpy as np
from jaxtyping import Float, Float32, Int
from numpy import ndarray

from .calibration import Calibration, Camera

__all__ = ["Axis", "nearest_point", "project_velodyne"]

#: Whose forward axis depth is measured along.
Axis = Literal["camera", "laser"]


def project_velodyne(
    points: Float[ndarray, "n 4"],
    calibration: Calibration,
    size: tuple[int, int],
    camera: Camera = 2,
    axis: Axis = "camera",
) -> Float32[ndarray, "h w"]:
    """The depth that a laser scan shows in a camera's picture; of several points on a pixel the nearest wins.

    Points behind the scanner or behind the camera are left out. A point falls on the pixel of its rounded
    coordinate less 1 (half to even), as in KITTI's development kit, whose pixels count from 1.

    Args:
        points: forward, left, up in metres (up to a kilometre), and reflectance, which is not read.
        calibration: for pictures of this size.
        size: height and width of the picture, pixels.
        camera: 2, the left colour camera, or 3, the right one.
        axis: along which depth is measured. The laser stands about 0.27 m behind the cameras, so its depth is the larger one.

    Returns:
        Metres along the camera's optical axis, or along the laser's forward axis; 0 = no point.

    Source:
        Eigen, Puhrsch and Fergus 2014, arXiv:1406.2283; Garg et al. 2016, arXiv:1603.04992.
    """
    height, width = size
    P = calibration.P_velo(camera)
    ahead = points[_about_inside(points, P, size), :3].astype(np.float64)
    u, v, z = P[:, :3] @ ahead.T + P[:, 3:]
    in_front = z > 0
    u, v, z, forward = u[in_front], v[in_front], z[in_front], ahead[in_front, 0]
    column = np.rint(u / z) - 1
    row = np.rint(v / z) - 1
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    pixel = (row[inside] * width + column[inside]).astype(np.intp)
    depth = z if axis == "camera" else forward
    return _splat(pixel, depth[inside].astype(np.float32), size)


def _about_inside(points: Float[ndarray, "n 4"], P: Float[ndarray, "3 4"], size: tuple[int, int]) -> Int[ndarray, " m"]:
    """The points ahead that may be in the picture, in single precision: most of a scan is beside it.

    Nothing that is inside is lost: from one metre on, rounding moves a point of a laser scan by a few hundredths of
    a pixel, and the margin is one; what is nearer is kept.
    """
    u, v, z = P[:, :3].astype(np.float32) @ points[:, :3].T + P[:, 3:].astype(np.float32)
    about = (u > -0.5 * z) & (u < (size[1] + 2) * z) & (v > -0.5 * z) & (v < (size[0] + 2) * z)
    return np.flatnonzero((about | (np.abs(z) < 1)) & (points[:, 0] >= 0))


def _splat(pixel: Int[ndarray, " n"], depth: Float32[ndarray, " n"], size: tuple[int, int]) -> Float32[ndarray, "h w"]:
    """A map that holds the smallest depth of each pixel, and 0 where there is none."""
    nearest = np.zeros(size[0] * size[1], np.float32)
    nearest[pixel] = np.inf
    np.minimum.at(nearest, pixel, depth)
    return nearest.reshape(size)


def nearest_point(depth: Float32[ndarray, "h w"], size: tuple[int, int]) -> Float32[ndarray, "rows cols"]:
    """A sparse depth map at another size that keeps every pixel's nearest measurement.

    Each measurement goes to the pixel that holds its own pixel's centre; of several the nearest stays. Picking a pixel
    instead, as resizing does, would lose most of a laser scan.

    Args:
        depth: metres; 0 = no measurement.
        size: rows and columns wanted.

    Returns:
        Metres; 0 = no measurement.

    Example:
        >>> nearest_point(np.array([[9, 0, 0, 0], [0, 4, 0, 2]], np.float32), (1, 2))
        array([[4., 2.]], dtype=float32)
    """
    rows, columns = size
    at = np.flatnonzero(depth > 0)
    row, column = np.divmod(at, depth.shape[1])
    target = _holding(row, depth.shape[0], rows) * columns + _holding(column, depth.shape[1], columns)
    return _splat(target, depth.reshape(-1)[at], size)


def _holding(index: Int[ndarray, " n"], source: int, target: int) -> Int[ndarray, " n"]:
    """Of ``target`` equal parts of an axis, the one that holds the centre of each of ``source`` pixels."""
    part: Int[ndarray, " n"] = (2 * index + 1) * target // (2 * source)
    return part
