"""Laser points -> a sparse depth map."""

import numpy as np
from jaxtyping import Float, Float32, Int
from numpy import ndarray

from .calibration import Calibration, Camera

__all__ = ["nearest_point", "project_velodyne"]


def project_velodyne(
    points: Float[ndarray, "n 4"], calibration: Calibration, size: tuple[int, int], camera: Camera = 2
) -> Float32[ndarray, "h w"]:
    """The depth that a laser scan shows in a camera's picture; of several points on a pixel the nearest wins.

    Points behind the scanner or behind the camera are left out. A point falls on the pixel of its rounded
    coordinate less 1 (half to even), as in KITTI's development kit, whose pixels count from 1.

    Args:
        points: forward, left, up in metres, and reflectance, which is not read.
        calibration: for pictures of this size.
        size: height and width of the picture, pixels.
        camera: 2, the left colour camera, or 3, the right one.

    Returns:
        Metres along the camera's optical axis; 0 = no point.

    Source:
        Eigen, Puhrsch and Fergus 2014, arXiv:1406.2283; Garg et al. 2016, arXiv:1603.04992.
    """
    height, width = size
    ahead = points[points[:, 0] >= 0, :3].astype(np.float64)
    P = calibration.P_velo(camera)
    u, v, depth = (ahead @ P[:, :3].T + P[:, 3]).T
    seen = depth > 0
    depth = depth[seen]
    column = np.rint(u[seen] / depth) - 1
    row = np.rint(v[seen] / depth) - 1
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    pixel = (row[inside] * width + column[inside]).astype(np.intp)
    nearest = np.full(height * width, np.inf)
    np.minimum.at(nearest, pixel, depth[inside])
    nearest[np.isinf(nearest)] = 0
    return nearest.astype(np.float32).reshape(height, width)


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
    at = np.flatnonzero(depth)
    row, column = np.divmod(at, depth.shape[1])
    target = _holding(row, depth.shape[0], rows) * columns + _holding(column, depth.shape[1], columns)
    nearest = np.full(rows * columns, np.float32(np.inf))
    np.minimum.at(nearest, target, depth.reshape(-1)[at])
    nearest[np.isinf(nearest)] = 0
    return nearest.reshape(size)


def _holding(index: Int[ndarray, " n"], source: int, target: int) -> Int[ndarray, " n"]:
    """Of ``target`` equal parts of an axis, the one that holds the centre of each of ``source`` pixels."""
    part: Int[ndarray, " n"] = (2 * index + 1) * target // (2 * source)
    return part
