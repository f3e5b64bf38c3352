"""KITTI's calibration texts -> matrices that are read once and then do not change.

``T_cam0_velo`` takes homogeneous coordinates of the velodyne (forward, left, up; metres) to camera 0 (right,
down, forward; metres); ``P_rect`` takes the rectified camera 0 to pixels (column, row, 1) times depth.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from segdepth.core.errors import DataError
from segdepth.core.reading import read_text

__all__ = ["CALIBRATION_FILES", "Calibration", "Camera", "read_kitti_calibration"]

#: The colour cameras: 2 is the left one, 3 the right one.
Camera = Literal[2, 3]

#: How far a product of a rotation's rows is from 0 or 1; KITTI writes seven digits.
_ORTHOGONAL = 1e-3

#: Where the laser is, and the cameras, in a folder of one day.
CALIBRATION_FILES = ("calib_velo_to_cam.txt", "calib_cam_to_cam.txt")


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """The matrices of one recording day, at one picture size. The arrays given to it become read-only.

    Attributes:
        T_cam0_velo: velodyne -> camera 0, before rectification.
        R_rect_00: camera 0 -> rectified camera 0.
        P_rect_02: rectified camera 0 -> pixels of camera 2, the left colour camera.
        P_rect_03: rectified camera 0 -> pixels of camera 3, the right colour camera.
    """

    T_cam0_velo: Float64[ndarray, "4 4"]
    R_rect_00: Float64[ndarray, "3 3"]
    P_rect_02: Float64[ndarray, "3 4"]
    P_rect_03: Float64[ndarray, "3 4"]

    def __post_init__(self) -> None:
        for matrix in (self.T_cam0_velo, self.R_rect_00, self.P_rect_02, self.P_rect_03):
            matrix.setflags(write=False)

    def P_rect(self, camera: Camera = 2) -> Float64[ndarray, "3 4"]:  # noqa: N802 - KITTI's name
        """Rectified camera 0 -> pixels of ``camera``."""
        return {2: self.P_rect_02, 3: self.P_rect_03}[camera]

    def intrinsics(self, camera: Camera = 2) -> Float64[ndarray, "3 3"]:
        """Focal lengths and principal point of a rectified camera, pixels."""
        return self.P_rect(camera)[:, :3]

    def P_velo(self, camera: Camera = 2) -> Float64[ndarray, "3 4"]:  # noqa: N802 - as P_rect
        """Velodyne -> pixels of ``camera`` (column, row, 1) times depth."""
        rectify = np.eye(4)
        rectify[:3, :3] = self.R_rect_00
        matrix: Float64[ndarray, "3 4"] = self.P_rect(camera) @ rectify @ self.T_cam0_velo
        return matrix

    def scaled(self, rows: float, columns: float) -> "Calibration":
        """The calibration of the resized pictures.

        Args:
            rows: new height / height that this calibration is for.
            columns: new width / width that this calibration is for.
        """
        factors = np.array([[columns], [rows], [1.0]])
        return replace(self, P_rect_02=self.P_rect_02 * factors, P_rect_03=self.P_rect_03 * factors)


def read_kitti_calibration(folder: Path) -> Calibration:
    """The calibration of one recording day.

    Args:
        folder: holds ``calib_velo_to_cam.txt`` and ``calib_cam_to_cam.txt`` (``.../2011_09_26``).

    Raises:
        DataError: if a file, or a key in it, is missing or does not hold the right count of numbers.

    Source:
        Geiger et al. 2013, "Vision meets Robotics: The KITTI Dataset".
    """
    lidar, cameras = (folder / name for name in CALIBRATION_FILES)
    lidar_lines, camera_lines = _read(lidar), _read(cameras)
    T_cam0_velo = np.eye(4)
    T_cam0_velo[:3, :3] = _rotation(lidar_lines, lidar, "R")
    T_cam0_velo[:3, 3] = _matrix(lidar_lines, lidar, "T", (3,))
    return Calibration(
        T_cam0_velo=T_cam0_velo,
        R_rect_00=_rotation(camera_lines, cameras, "R_rect_00"),
        P_rect_02=_projection(camera_lines, cameras, "P_rect_02"),
        P_rect_03=_projection(camera_lines, cameras, "P_rect_03"),
    )


def _read(path: Path) -> dict[str, str]:
    """The lines ``key: values`` of a calibration file."""
    lines = read_text(path, "a calibration file of KITTI's").splitlines()
    return {key.strip(): values for key, colon, values in (line.partition(":") for line in lines) if colon}


def _rotation(lines: dict[str, str], path: Path, key: str) -> Float64[ndarray, "3 3"]:
    matrix = _matrix(lines, path, key, (3, 3))
    if not (np.allclose(matrix @ matrix.T, np.eye(3), atol=_ORTHOGONAL) and np.linalg.det(matrix) > 0):
        raise DataError(f"{path}: {key!r} is no rotation: {lines[key].strip()[:200]!r}")
    return matrix


def _projection(lines: dict[str, str], path: Path, key: str) -> Float64[ndarray, "3 4"]:
    matrix = _matrix(lines, path, key, (3, 4))
    if not (matrix[0, 0] > 0 and matrix[1, 1] > 0 and np.array_equal(matrix[2, :3], [0, 0, 1])):
        raise DataError(f"{path}: {key!r} is no camera with focal lengths above 0 pixels: {lines[key].strip()[:200]!r}")
    return matrix


def _matrix(lines: dict[str, str], path: Path, key: str, shape: tuple[int, ...]) -> Float64[ndarray, "..."]:
    if key not in lines:
        raise DataError(f"{path} has no line {key!r}: it is incomplete or no calibration file of KITTI's")
    try:
        matrix = np.array(lines[key].split(), dtype=np.float64).reshape(shape)
    except ValueError:
        matrix = np.full(shape, np.nan)
    if not np.isfinite(matrix).all():
        size = "x".join(map(str, shape))
        raise DataError(f"{path}: {key!r} must hold {size} numbers, but is {lines[key].strip()[:200]!r}")
    return matrix
