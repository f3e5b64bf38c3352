"""KITTI raw's names: the one place that writes and reads them.

A drive and a frame are known by their fields. What stands in folders, lists and names of samples is made of these here, and
taken apart here alone. Paths are relative, with ``/``, as lists have them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from segdepth.geometry import Camera

__all__ = ["CAMERAS", "DRIVES", "PREPARED_CAMERA", "PREPARED_DEPTH", "KittiDrive", "KittiFrame", "read_moment"]

#: The colour cameras, left and right.
CAMERAS: tuple[Camera, ...] = (2, 3)

#: Where drives are, as a glob below the folder of KITTI raw; what it finds is a drive if :meth:`KittiDrive.read` says so, too.
DRIVES = "????_??_??/*_drive_*_sync"

#: File of a prepared folder with the 3x3 intrinsic matrix at the pictures' size.
PREPARED_CAMERA = "cam.txt"
#: End of the stem of a depth PNG in a prepared folder, where pictures may be PNG as well: 0000000010.depth.png.
PREPARED_DEPTH = ".depth"

_DRIVE = re.compile(r"(\d{4}_\d\d_\d\d)_drive_(\d+)(_sync(?:_0([23]))?)?")
_SIDES: Mapping[str, Camera] = MappingProxyType({"l": 2, "r": 3})
_IMAGES: Mapping[str, Camera] = MappingProxyType({f"image_{camera:02d}": camera for camera in CAMERAS})
_LISTED_ENDINGS = ("png", "jpg", "jpeg")
_DIGITS = 10


@dataclass(frozen=True, slots=True)
class KittiDrive:
    """A drive, or scene: one recording.

    Drives are sorted as their folders are.

    Attributes:
        date: of the recording, "2011_09_26"; its calibration holds for all drives of the date.
        number: on that date, as it is written: "0005".

    Example:
        >>> drive = KittiDrive("2011_09_26", "0005")
        >>> str(drive), drive.scene, drive.folder
        ('2011_09_26_drive_0005_sync', '2011_09_26_drive_0005', '2011_09_26/2011_09_26_drive_0005_sync')
    """

    date: str
    number: str

    def __lt__(self, other: "KittiDrive") -> bool:
        return str(self) < str(other)

    def __str__(self) -> str:
        return f"{self.scene}_sync"

    @property
    def scene(self) -> str:
        """The name in lists of scenes."""
        return f"{self.date}_drive_{self.number}"

    @property
    def folder(self) -> str:
        """Of its files in KITTI raw."""
        return f"{self.date}/{self}"

    @property
    def scans(self) -> str:
        """Folder of its laser scans in KITTI raw."""
        return f"{self.folder}/velodyne_points/data"

    @property
    def positions(self) -> str:
        """Folder of what its positioning system (oxts) said, in KITTI raw."""
        return f"{self.folder}/oxts/data"

    def images(self, camera: Camera) -> str:
        """Folder of a camera's pictures in KITTI raw."""
        return f"{self.folder}/image_{camera:02d}/data"

    def prepared(self, camera: Camera) -> str:
        """Folder of a camera's pictures in prepared data; also the head of their samples' names."""
        return f"{self}_{camera:02d}"

    @staticmethod
    def read(text: str) -> "KittiDrive | None":
        """The drive of this name, with or without ``_sync``; None if it is no drive's.

        Example:
            >>> KittiDrive.read("2011_09_26_drive_0005") == KittiDrive.read("2011_09_26_drive_0005_sync")
            True
        """
        match = _DRIVE.fullmatch(text)
        return None if match is None or match[4] else KittiDrive(match[1], match[2])

    @staticmethod
    def find(text: str) -> "KittiDrive | None":
        """The first drive that is named anywhere in a text, such as a sample's name or a path; None if none is."""
        match = _DRIVE.search(text)
        return None if match is None else KittiDrive(match[1], match[2])


@dataclass(frozen=True, slots=True)
class KittiFrame:
    """A picture: one camera's at one moment of a drive.

    Attributes:
        drive: that it is of.
        camera: that took it.
        number: of the moment, as it is written: "0000000010".

    Example:
        >>> frame = KittiFrame(KittiDrive("2011_09_26", "0005"), 3, "0000000010")
        >>> frame.name, frame.image
        ('2011_09_26_drive_0005_sync_03/0000000010',
         '2011_09_26/2011_09_26_drive_0005_sync/image_03/data/0000000010')
    """

    drive: KittiDrive
    camera: Camera
    number: str

    @property
    def name(self) -> str:
        """Of its sample; also its files in prepared data, without their ending."""
        return f"{self.drive.prepared(self.camera)}/{self.number}"

    @property
    def image(self) -> str:
        """The picture in KITTI raw, without its ending."""
        return f"{self.drive.images(self.camera)}/{self.number}"

    @property
    def scan(self) -> str:
        """The laser scan of its moment in KITTI raw."""
        return f"{self.drive.scans}/{self.number}.bin"

    def improved(self, part: Literal["train", "val"]) -> str:
        """The improved ground truth (annotated depth map) in a part of that data set."""
        return f"{part}/{self.drive}/proj_depth/groundtruth/image_{self.camera:02d}/{self.number}.png"

    def prepared(self, image_format: Literal["jpg", "png"], depth_format: Literal["npy", "png"]) -> tuple[str, str]:
        """Picture and depth in prepared data."""
        depth = f"{self.name}.npy" if depth_format == "npy" else f"{self.name}{PREPARED_DEPTH}.png"
        return f"{self.name}.{image_format}", depth

    @staticmethod
    def read_name(name: str) -> "KittiFrame | None":
        """The frame of a sample's name; None if it is none's.

        Example:
            >>> KittiFrame.read_name("2011_09_26_drive_0005_sync_03/0000000010")
            KittiFrame(drive=KittiDrive(date='2011_09_26', number='0005'), camera=3, number='0000000010')
        """
        folder, _, number = name.partition("/")
        match = _DRIVE.fullmatch(folder)
        if match is None or not match[4] or not number.isdecimal():
            return None
        return KittiFrame(KittiDrive(match[1], match[2]), 2 if match[4] == "2" else 3, number)

    @staticmethod
    def read_line(line: str) -> "KittiFrame | None":
        """The frame of a line of a split's list, in one of two forms; None if it is neither.

        Args:
            line: ``<date>/<drive>/image_02/data/<number>.png``, also with folders before it (Eigen's), or
                ``<date>/<drive> <number> l``, the number with or without leading zeros (Monodepth2's).
        """
        return _of_path(line) or _of_words(line)


def _of_path(line: str) -> KittiFrame | None:
    parts = line.split("/")[-5:]
    if len(parts) < 5 or parts[2] not in _IMAGES:
        return None
    number, _, ending = parts[4].partition(".")
    frame = _frame(parts[1], _IMAGES[parts[2]], number)
    known = frame is not None and ending in _LISTED_ENDINGS and "/".join(parts) == f"{frame.image}.{ending}"
    return frame if known else None


def _of_words(line: str) -> KittiFrame | None:
    words = line.split()
    if len(words) != 3 or words[2] not in _SIDES or len(words[1]) > _DIGITS:
        return None
    frame = _frame(words[0].rpartition("/")[2], _SIDES[words[2]], words[1].zfill(_DIGITS))
    return frame if frame is not None and words[0] == frame.drive.folder else None


def _frame(drive: str, camera: Camera, number: str) -> KittiFrame | None:
    found = KittiDrive.read(drive)
    return None if found is None or not number.isdecimal() else KittiFrame(found, camera, number)


def read_moment(line: str) -> tuple[KittiDrive, str]:
    """Drive and frame number of a line ``<date> <drive> <number>``, as lists have them that hold for both cameras.

    Raises:
        ValueError: if it is no such line.
    """
    words = line.split()
    drive = KittiDrive.read(words[1]) if len(words) == 3 else None
    if drive is None or words[0] != drive.date:
        raise ValueError(f"{line!r} is not '<date> <drive> <frame>'")
    return drive, words[2]
