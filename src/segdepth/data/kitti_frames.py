"""KITTI raw as a data set: every picture with its laser scan, at full size, without preparation."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType

from jaxtyping import Float32
from numpy import ndarray

from segdepth.core.errors import DataError
from segdepth.core.pictures import picture_size
from segdepth.geometry import CALIBRATION_FILES, Axis, Calibration, project_velodyne, read_kitti_calibration

from .frames import NO_SPLIT, Frame, FrameDataset, require_path, whole_frames
from .kitti_names import CAMERAS, KittiDrive, KittiFrame
from .kitti_plan import validation_scenes
from .kitti_raw import list_drives, list_images, list_scans, read_velodyne
from .splits import eigen_test_scenes

__all__ = ["SCAN", "KittiRaw", "RawFrames"]

#: Where the depth of raw drives comes from.
SCAN = "one laser scan, projected at the picture's size, nearest point of a pixel, metres along the camera's axis"

_VAL_SHARE = 0.1


class RawFrames(FrameDataset):
    """What the readers of raw drives share: depth is the projected scan.

    Args:
        path: the data set's folder.
        split: of it.
        targets: what to read besides the image.
        raw: folder of KITTI raw.
        raw_frames: sample's name -> its frame there.
        frames: the samples' files.
        dataset: the data set's name.
        missing: names of samples that are left out.
    """

    origins: Mapping[str, str] = MappingProxyType({"depth": SCAN})
    depth_range = (0.001, 80.0)
    crop = "garg"
    points = frozenset({"depth"})

    def __init__(
        self,
        path: Path,
        split: str,
        targets: frozenset[str],
        *,
        raw: Path,
        raw_frames: Mapping[str, KittiFrame],
        frames: Sequence[Frame],
        dataset: str,
        missing: Iterable[str] = (),
    ) -> None:
        super().__init__(path, split, targets, frames=frames, dataset=dataset, missing=missing)
        self._raw = raw
        self._raw_frames = dict(raw_frames)
        self._calibrations: dict[Path, Calibration] = {}

    def _calibration(self, frame: Frame) -> Calibration:
        """Of the frame's day; read when it is needed for the first time."""
        day = self._day(frame)
        if day not in self._calibrations:
            self._calibrations[day] = read_kitti_calibration(day)
        return self._calibrations[day]

    def _camera_sources(self, frame: Frame) -> list[Path]:
        return [self._day(frame) / name for name in CALIBRATION_FILES]

    def _day(self, frame: Frame) -> Path:
        """The folder of the frame's date."""
        return self._raw / self._raw_frames[frame.name].drive.date

    def _read_depth(self, file: Path, frame: Frame) -> Float32[ndarray, "h w"]:
        return self._projected(file, frame, "camera")

    def _projected(self, scan: Path, frame: Frame, axis: Axis) -> Float32[ndarray, "h w"]:
        size, camera = picture_size(frame.image), self._raw_frames[frame.name].camera
        return project_velodyne(read_velodyne(scan), self._calibration(frame), size, camera, axis)

    def _focal_px(self, frame: Frame, columns: int) -> float:  # noqa: ARG002  the calibration is for the raw pictures
        return float(self._calibration(frame).intrinsics(self._raw_frames[frame.name].camera)[0, 0])


class KittiRaw(RawFrames):
    """KITTI raw, both colour cameras, with the scan of each frame at the picture's size.

    "test" are the 28 test scenes of Eigen et al.; the others are "val" or "train" as ``segdepth prepare kitti`` decides it.
    Names are ``<drive>_<camera>/<frame>``. Pictures without a scan are left out, and listed in ``missing``.

    Args:
        path: folder with the folders of dates.
        split: "train", "val" or "test".
        targets: what to read besides the image; "depth" or nothing.

    Source:
        Geiger et al. 2013, "Vision meets robotics".
    """

    def __init__(self, path: Path | None, split: str, targets: frozenset[str]) -> None:
        root = require_path(path, "kitti_raw")
        splits = _splits(list_drives(root))
        if split not in splits:
            raise DataError(f"kitti_raw has no split {split!r} (there are: {', '.join(splits)})", NO_SPLIT)
        if not splits[split]:
            raise _no_drive(root, split, splits)
        images: dict[str, Path] = {}
        raw_frames: dict[str, KittiFrame] = {}
        for drive in sorted(splits[split]):
            for camera in CAMERAS:
                for number, image in list_images(root, drive, camera).items():
                    origin = KittiFrame(drive, camera, number)
                    images[origin.name], raw_frames[origin.name] = image, origin
        frames, missing = whole_frames(images, targets, {"depth": partial(_scan_files, root, raw_frames)})
        super().__init__(
            root, split, targets, raw=root, raw_frames=raw_frames, frames=frames, dataset="kitti_raw", missing=missing
        )


def _scan_files(root: Path, raw_frames: Mapping[str, KittiFrame], images: Mapping[str, Path]) -> dict[str, Path]:
    scans = {drive: list_scans(root, drive) for drive in {raw_frames[name].drive for name in images}}
    there = ((name, scans[raw_frames[name].drive].get(raw_frames[name].number)) for name in images)
    return {name: scan for name, scan in there if scan is not None}


def _no_drive(root: Path, split: str, splits: Mapping[str, Collection[KittiDrive]]) -> DataError:
    there = ", ".join(f"{len(drives)} of {name}" for name, drives in splits.items() if drives)
    scenes = (
        "of Eigen's 28 test scenes"
        if split == "test"
        else "of other scenes, none of which is one of Eigen's 28 test scenes"
    )
    return DataError(
        f"kitti_raw: no drive in {root} is of the split {split!r} (drives that are there: {there})",
        f"fetch drives {scenes}",
    )


def _splits(drives: Collection[KittiDrive]) -> dict[str, frozenset[KittiDrive]]:
    test = eigen_test_scenes().intersection(drives)
    val = validation_scenes([drive for drive in drives if drive not in test], _VAL_SHARE)
    return {"train": frozenset(drives) - test - val, "val": val, "test": test}
