"""What there is to prepare of KITTI raw: which frames, which of them for validation. Plain data, the same everywhere."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from segdepth.core.errors import DataError, InputError
from segdepth.core.pictures import picture_size
from segdepth.core.reading import read_lines
from segdepth.core.words import counted
from segdepth.geometry import Camera

from .kitti_names import CAMERAS, KittiDrive, KittiFrame, read_moment
from .kitti_raw import list_drives, list_images, list_scans, moving_frames, read_velocity
from .splits import eigen_test_scenes, static_frames

__all__ = ["FEWEST", "SHORT", "Job", "Plan", "Setup", "plan_kitti", "validation_scenes"]

#: A folder with fewer pictures is left out.
FEWEST = 3

#: Why a drive, or one camera of it, is left out.
TEST_SCENE, NO_PICTURES = "test scene", "no pictures"
SHORT = f"fewer than {FEWEST} frames with picture and scan that do not stand still"

#: Drive and frame number of the frames that stand still.
Static = frozenset[tuple[KittiDrive, str]]


@dataclass(frozen=True, slots=True)
class Setup:
    """What the prepared data look like.

    Attributes:
        height: rows of the pictures.
        width: columns of the pictures.
        image_format: of the pictures.
        jpeg_quality: 1..100; read only for JPEG.
        depth_format: float32 arrays in metres, or 16-bit PNG of metres x 256.
        depth_reduction: name in :data:`segdepth.data.prepare_kitti.DEPTH_REDUCTIONS`.
        static: which frames count as standing still: those of the shipped "list", those between which the summed velocity is too
            small ("speed"), "none", or the path of a list.
        val_share: share of the scenes that are validation, 0..1.
        drives: only these, test scenes as well; empty for all but the test scenes.

    Raises:
        InputError: if a value is out of range.
    """

    height: int = 256
    width: int = 832
    image_format: Literal["jpg", "png"] = "jpg"
    jpeg_quality: int = 95
    depth_format: Literal["npy", "png"] = "npy"
    depth_reduction: Literal["nearest-point", "reference"] = "nearest-point"
    static: str = "list"
    val_share: float = 0.1
    drives: tuple[KittiDrive, ...] = ()

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("height", self.height, 8, 4096), ("width", self.width, 8, 8192),
            ("jpeg_quality", self.jpeg_quality, 1, 100), ("val_share", self.val_share, 0, 1),
        ):  # fmt: skip
            if not low <= value <= high:
                raise InputError(f"{name} is {value}; it must be {low}..{high}")

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.height, self.width

    def names(self, frame: KittiFrame) -> tuple[str, str]:
        """The files of a frame in the tree: picture and depth."""
        return frame.prepared(self.image_format, self.depth_format)


@dataclass(frozen=True, slots=True)
class Job:
    """One scan and the pictures that were taken with it."""

    drive: KittiDrive
    number: str
    scan: Path
    images: tuple[tuple[KittiFrame, Path], ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What there is to do; the same on every machine that sees the same source.

    Attributes:
        jobs: in the order of drive and frame.
        sizes: rows and columns of a drive's pictures, by drive and camera.
        incomplete: frames with a picture but no scan, or the other way round.
        static: number of frames left out because the car stands still.
        test: number of drives left out because they are test scenes.
        left_out: drive, or drive and camera -> why it is left out.
    """

    jobs: tuple[Job, ...]
    sizes: Mapping[tuple[KittiDrive, Camera], tuple[int, int]]
    incomplete: tuple[str, ...]
    static: int
    test: int
    left_out: Mapping[str, str]

    @property
    def digest(self) -> str:
        """Short hash of the frames in the plan."""
        frames = (f"{job.drive} {job.number} {[frame.camera for frame, _ in job.images]}" for job in self.jobs)
        return hashlib.sha256("\n".join(frames).encode()).hexdigest()[:12]


def plan_kitti(source: Path, setup: Setup, *, skip_bad: bool = False) -> Plan:
    """List what there is to do: frames that are complete and do not stand still, outside the test scenes or of named drives.

    Args:
        source: KITTI raw, with its folders of dates.
        setup: what is wanted.
        skip_bad: leave out drives whose speed is wanted and cannot be read, instead of stopping at the first.

    Raises:
        DataError: if there are no drives, or one that is named is not there, or nothing is left of them, or a drive's speed
            cannot be read.
    """
    there = list_drives(source)
    wanted = _wanted(source, there, setup.drives)
    test = 0 if setup.drives else len(there) - len(wanted)
    left_out = dict.fromkeys((str(drive) for drive in there if drive not in wanted), TEST_SCENE) if test else {}
    listed = _listed_static(setup.static)
    drives: list[_Drive] = []
    for drive in wanted:
        try:
            drives.append(_plan_drive(source, drive, listed))
        except DataError as error:
            if not skip_bad:
                raise
            left_out[str(drive)] = str(error)
            continue
        left_out |= drives[-1].left_out
    jobs = tuple(job for drive in drives for job in drive.jobs)
    if not jobs:
        raise DataError(_nothing_left(source, len(there), test))
    sizes = {key: size for drive in drives for key, size in drive.sizes.items()}
    incomplete = tuple(name for drive in drives for name in drive.incomplete)
    return Plan(jobs, sizes, incomplete, sum(drive.static for drive in drives), test, left_out)


def _wanted(source: Path, there: Sequence[KittiDrive], named: Sequence[KittiDrive]) -> list[KittiDrive]:
    """The drives to prepare, sorted."""
    if not named:
        return [drive for drive in there if drive not in eigen_test_scenes()]
    if absent := sorted(set(named).difference(there)):
        some = ", ".join(map(str, there[:3])) + (", ..." if len(there) > 3 else "")
        raise DataError(f"{source} has no drive {absent[0]} (it has {len(there)}: {some})")
    return sorted(set(named))


def _nothing_left(source: Path, drives: int, test: int) -> str:
    frames = f"{FEWEST} frames with picture and scan that are not standing still"
    there = f"{source} has {counted(drives, 'drive')}"
    if not test:
        return f"{there}, and none that is wanted has {frames}"
    others = "no other" if test == drives else f"none of the others has {frames}"
    return f"{there}, {test} of test scenes, and {others} (a test scene is prepared where it is named: --drive)"


@dataclass(frozen=True, slots=True)
class _Drive:
    """A drive's part of a :class:`Plan`."""

    jobs: tuple[Job, ...]
    sizes: Mapping[tuple[KittiDrive, Camera], tuple[int, int]]
    incomplete: tuple[str, ...]
    static: int
    left_out: Mapping[str, str]


def _plan_drive(source: Path, drive: KittiDrive, listed: Static | None) -> _Drive:
    scans = list_scans(source, drive)
    cameras = {camera: list_images(source, drive, camera) for camera in CAMERAS}
    numbers = sorted(scans.keys() | {number for images in cameras.values() for number in images})
    moving = _moving(source, drive, numbers, listed)
    sizes: dict[tuple[KittiDrive, Camera], tuple[int, int]] = {}
    incomplete: list[str] = []
    left_out = {} if any(cameras.values()) else {str(drive): NO_PICTURES}
    chosen: dict[Camera, dict[str, Path]] = {}
    for camera, images in cameras.items():
        if not images:
            continue
        incomplete += [KittiFrame(drive, camera, n).name for n in numbers if (n in images) != (n in scans)]
        complete = {number: images[number] for number in images if number in scans and number in moving}
        if len(complete) >= FEWEST:
            chosen[camera] = complete
            sizes[drive, camera] = _first_size(complete.values())
        else:
            left_out[drive.prepared(camera)] = SHORT
    jobs = []
    for number in sorted({number for images in chosen.values() for number in images}):
        pictures = ((KittiFrame(drive, camera, number), images.get(number)) for camera, images in chosen.items())
        there = tuple((frame, image) for frame, image in pictures if image is not None)
        jobs.append(Job(drive, number, scans[number], there))
    return _Drive(tuple(jobs), sizes, tuple(incomplete), len(numbers) - len(moving), left_out)


def _moving(source: Path, drive: KittiDrive, numbers: Sequence[str], listed: Static | None) -> set[str]:
    """The frames that do not stand still, by a list, or by the positioning system where there is none."""
    if listed is not None:
        return {number for number in numbers if (drive, number) not in listed}
    folder = source / drive.positions
    if not folder.is_dir():
        raise DataError(
            f"the drive {drive} has no folder oxts/data, whose speeds decide which frames stand still (--static-frames speed);"
            " fetch it, take --static-frames list, or leave the drive out with --skip-bad"
        )
    kept = moving_frames(np.array([read_velocity(folder / f"{number}.txt") for number in numbers]).reshape(-1, 3))
    return {number for number, keep in zip(numbers, kept, strict=True) if keep}


def _listed_static(static: str) -> Static | None:
    """What counts as standing still; None if the speed decides."""
    if static in ("none", "list", "speed"):
        return {"none": frozenset(), "list": static_frames(), "speed": None}[static]
    try:
        return frozenset(map(read_moment, read_lines(Path(static), "a list of static frames")))
    except ValueError as error:
        raise DataError(f"{static}: {error}") from None


def _first_size(images: Iterable[Path]) -> tuple[int, int]:
    """Rows and columns of the first picture whose head can be read; (0, 0) if none can."""
    for path in images:
        try:
            return picture_size(path)
        except DataError:
            continue
    return 0, 0


def validation_scenes(scenes: Sequence[KittiDrive], share: float) -> frozenset[KittiDrive]:
    """The scenes that are validation, decided by their names alone.

    Args:
        scenes: the same scene is decided alike whatever others there are. Only if none of several would be validation, the
            one with the smallest hash is.
        share: of the scenes, about.
    """
    place = {scene: int(hashlib.sha256(str(scene).encode()).hexdigest(), 16) / 2**256 for scene in scenes}
    chosen = frozenset(scene for scene in scenes if place[scene] < share)
    if chosen or share == 0 or len(place) < 2:
        return chosen
    return frozenset([min(place, key=place.__getitem__)])
