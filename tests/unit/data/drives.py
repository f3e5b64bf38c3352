"""Small drives of KITTI raw that the tests of its preparation share."""

from pathlib import Path

from segdepth.data.kitti_names import KittiDrive
from segdepth.data.kitti_plan import Setup
from segdepth.data.synthetic import write_kitti_raw

SMALL = Setup(height=24, width=78, static="none")
DATE = "2011_09_26"


def scene(number: int) -> KittiDrive:
    return KittiDrive(DATE, f"{number:04d}")


def drive(number: int) -> str:
    return str(scene(number))


def write_drives(root: Path) -> None:
    """Two training drives and a test drive (0002)."""
    write_kitti_raw(root, drives=(1, 2, 5), frames=4, height=94, width=311)
