"""KITTI raw drives on disk: which frames there are, their laser scans and speeds."""

from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, Float64
from numpy import ndarray

from segdepth.core.errors import DataError
from segdepth.core.reading import read_bytes, read_lines
from segdepth.geometry import Camera

from .files import IMAGE_ENDINGS, files_by_stem
from .kitti_names import DRIVES, KittiDrive

__all__ = [
    "list_drives",
    "list_images",
    "list_scans",
    "moving_frames",
    "read_velocity",
    "read_velodyne",
]

#: Bytes of a laser point: forward, left, up, reflectance, each a little-endian float32.
_POINT_BYTES = 16
#: No laser sees so far: what is there is no measurement, but something else in the place of a scan.
_FARTHEST_M = 1e5
#: A frame is kept when the summed velocity since the last one is above this, m/s (at 10 frames a second: 0.2 m).
_MOVED = 2.0


def list_drives(root: Path) -> list[KittiDrive]:
    """All drives below a folder, sorted.

    Raises:
        DataError: if there is no drive; the sentence says what one looks like.
    """
    there = ((entry, KittiDrive.read(entry.name)) for entry in root.glob(DRIVES))
    drives = sorted(drive for entry, drive in there if drive is not None and entry == root / drive.folder)
    if not drives:
        raise DataError(f"no drives of KITTI raw in {root} (such as {KittiDrive('2011_09_26', '0005').folder})")
    return drives


def list_images(root: Path, drive: KittiDrive, camera: Camera) -> dict[str, Path]:
    """Frame number -> picture, sorted; empty where the drive has none of that camera."""
    return _listed(root / drive.images(camera), IMAGE_ENDINGS)


def list_scans(root: Path, drive: KittiDrive) -> dict[str, Path]:
    """Frame number -> laser scan, sorted; empty where the drive has none."""
    return _listed(root / drive.scans, (".bin",))


def _listed(folder: Path, endings: tuple[str, ...]) -> dict[str, Path]:
    return files_by_stem(folder, endings, "frames of a drive") if folder.is_dir() else {}


def read_velodyne(path: Path) -> Float32[ndarray, "n 4"]:
    """A laser scan: forward, left, up in metres, and reflectance.

    Raises:
        DataError: if the file is missing, empty, cut off, or has points that are no numbers.
    """
    data = read_bytes(path)
    if len(data) % _POINT_BYTES:
        raise DataError(
            f"{path} has {len(data)} bytes, which is no multiple of {_POINT_BYTES} (four float32 for each point):"
            " it is truncated or no laser scan"
        )
    points = np.frombuffer(data, "<f4").reshape(-1, 4)
    if bad := int((~np.isfinite(points).all(1)).sum()):
        raise DataError(f"{path}: {bad} of {len(points)} points are not finite (NaN or infinity)")
    if far := int((np.abs(points[:, :3]) > _FARTHEST_M).any(1).sum()):
        raise DataError(
            f"{path}: {far} of {len(points)} points are more than {_FARTHEST_M:.0f} m away: it is no laser scan"
        )
    return points


def read_velocity(path: Path) -> Float64[ndarray, "3"]:
    """The car's velocity forward, left and up, m/s, out of a file of the positioning system.

    Raises:
        DataError: if the file is missing or does not begin with 30 numbers.
    """
    try:
        values = [float(word) for word in read_lines(path, "a line of 30 numbers (oxts)")[0].split()]
    except ValueError as error:
        raise DataError(f"{path} is no line of numbers: {error}") from error
    if len(values) < 30:
        raise DataError(f"{path} has {len(values)} numbers; a line of oxts has 30")
    return np.array(values[8:11])


def moving_frames(velocities: Float64[ndarray, "n 3"]) -> Bool[ndarray, " n"]:
    """Frames between which the car has moved: velocities are summed until the sum is long enough, then anew.

    Args:
        velocities: of consecutive frames, m/s.

    Source:
        SfMLearner, ``data/kitti/kitti_raw_loader.py``.
    """
    kept = np.zeros(len(velocities), bool)
    total = np.zeros(3)
    for index, velocity in enumerate(velocities):
        total = total + velocity
        if np.linalg.norm(total) > _MOVED:
            kept[index] = True
            total = np.zeros(3)
    return kept
