"""KITTI raw as a data set: every picture with its laser scan, at full size, without preparation."""

from pathlib import Path

from jaxtyping import Float32
from numpy import ndarray

from segdepth.core.errors import DataError
from segdepth.core.pictures import picture_size
from segdepth.geometry import CALIBRATION_FILES, Calibration, Camera, project_velodyne, read_kitti_calibration

from .frames import Frame, FrameDataset, require_path
from .kitti_plan import validation_scenes
from .kitti_raw import list_drives, list_images, list_scans, read_velodyne
from .splits import eigen_test_scenes

__all__ = ["KittiRaw", "RawFrames"]

_CAMERAS: tuple[Camera, ...] = (2, 3)
_VAL_SHARE = 0.1


class RawFrames(FrameDataset):
    """What the readers of raw drives share: names are ``<drive>_<camera>/<frame>``, depth is the projected scan."""

    depth_range = (0.001, 80.0)
    crop = "garg"
    points = frozenset({"depth"})

    def _calibration(self, frame: Frame) -> Calibration:
        """Of the frame's day; read when it is needed for the first time."""
        known: dict[Path, Calibration] = self.__dict__.setdefault("_calibrations", {})
        day = self._day(frame)
        if day not in known:
            known[day] = read_kitti_calibration(day)
        return known[day]

    def _camera_sources(self, frame: Frame) -> list[Path]:
        return [self._day(frame) / name for name in CALIBRATION_FILES]

    def _day(self, frame: Frame) -> Path:
        """The folder of the frame's date."""
        assert self.path is not None
        return self.path / frame.name[:10]

    def _read_depth(self, file: Path, frame: Frame) -> Float32[ndarray, "h w"]:
        return project_velodyne(
            read_velodyne(file), self._calibration(frame), picture_size(frame.image), _camera(frame)
        )

    def _focal_px(self, frame: Frame, columns: int) -> float:  # noqa: ARG002  the calibration is for the raw pictures
        return float(self._calibration(frame).intrinsics(_camera(frame))[0, 0])


class KittiRaw(RawFrames):
    """KITTI raw, both colour cameras, with the scan of each frame at the picture's size.

    "test" are the 28 test scenes of Eigen et al.; the others are "val" or "train" as ``segdepth prepare kitti`` decides it.
    Pictures without a scan are left out, and listed in ``missing``.

    Args:
        path: folder with the folders of dates.
        split: "train", "val" or "test".
        targets: what to read besides the image; "depth" or nothing.

    Source:
        Geiger et al. 2013, "Vision meets robotics".
    """

    truth_kind = "one laser scan, projected at the picture's size, nearest point of a pixel"

    def __init__(self, path: Path | None, split: str, targets: frozenset[str]) -> None:
        root = require_path(path, "kitti_raw")
        drives = list_drives(root)
        test = frozenset(drive for drive in drives if drive.removesuffix("_sync") in eigen_test_scenes())
        val = validation_scenes([drive for drive in drives if drive not in test], _VAL_SHARE)
        splits = {"train": frozenset(drives) - test - val, "val": val, "test": test}
        if split not in splits:
            raise DataError(f"kitti_raw has no split {split!r} (there are: {', '.join(splits)})")
        frames: list[Frame] = []
        missing: list[str] = []
        for drive in sorted(splits[split]):
            scans = list_scans(root, drive)
            for camera in _CAMERAS:
                for number, image in list_images(root, drive, camera).items():
                    name = f"{drive}_{camera:02d}/{number}"
                    if "depth" not in targets:
                        frames.append(Frame(name, image))
                    elif number in scans:
                        frames.append(Frame(name, image, {"depth": scans[number]}))
                    else:
                        missing.append(name)
        super().__init__(root, split, targets, frames=frames, kind="kitti_raw", missing=missing)


def _camera(frame: Frame) -> Camera:
    return 3 if frame.name.partition("/")[0].endswith("_03") else 2
