"""Laser points -> a sparse depth map."""

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray

from .calibration import Calibration, Camera

__all__ = ["project_velodyne"]


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
