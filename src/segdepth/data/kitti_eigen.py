"""KITTI depth for testing: raw drives and the list of Eigen's test files."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from jaxtyping import Float32
from numpy import ndarray

from segdepth.core.errors import DataError
from segdepth.core.reading import read_lines

from .files import IMAGE_ENDINGS, read_depth_png
from .frames import NO_SPLIT, Frame, asked_for, require_path
from .kitti_frames import SCAN, RawFrames
from .kitti_names import KittiFrame
from .splits import eigen_test_files

__all__ = ["DepthTruth", "KittiEigen", "NoTruthError"]

#: What depth is tested against.
DepthTruth = Literal["velodyne", "velodyne-forward", "improved"]

#: How many of the 697 files have an improved truth. Source: Uhrig et al. 2017, arXiv:1708.06500, as counted by later papers.
IMPROVED_FILES = 652

_METRES_PER_UNIT = 1 / 256
_ORIGINS: Mapping[DepthTruth, str] = {
    "velodyne": SCAN,
    "velodyne-forward": "one laser scan, projected at the picture's size, nearest point of a pixel,"
    " metres along the laser's forward axis, about 0.27 m more than along the camera's",
    "improved": "improved ground truth: eleven scans, outliers removed (annotated depth maps), metres along the camera's axis",
}


class NoTruthError(DataError):
    """None of the files that are to be scored has the truth that is wanted."""


class KittiEigen(RawFrames):
    """KITTI raw with the files that depth is tested on, by default Eigen's 697.

    ``path`` holds the raw drives. The truth is the laser scan of the frame, in metres along the camera's axis; with
    ``truth: velodyne-forward`` the same in metres along the laser's forward axis, as the published truth of monodepth and
    monodepth2 has it; with ``truth: improved`` the official annotated depth maps
    (``train|val/<drive>/proj_depth/groundtruth/image_02/<frame>.png`` below ``truth_path``), which 652 of the 697 files have.
    A file that is missing is an error, unless ``allow_missing`` says that the others are to be scored; either way it is named.

    Args:
        path: folder with the folders of dates.
        split: "test"; there is no other.
        targets: what to read besides the image; "depth" or nothing.
        files: a list of pictures, ``<date>/<drive>/image_02/data/<frame>.png`` or ``<date>/<drive> <frame> l`` a line
            (``image_03`` and ``r`` for the right camera); None for Eigen's.
        truth: which truth.
        truth_path: folder of the annotated depth maps; None for ``path``.
        allow_missing: go on without files that are missing.

    Source:
        Eigen, Puhrsch and Fergus 2014, arXiv:1406.2283; Garg et al. 2016, arXiv:1603.04992; Uhrig et al. 2017,
        arXiv:1708.06500.
    """

    def __init__(
        self,
        path: Path | None,
        split: str,
        targets: frozenset[str],
        *,
        files: str | None = None,
        truth: DepthTruth = "velodyne",
        truth_path: str | None = None,
        allow_missing: bool = False,
    ) -> None:
        root = require_path(path, "kitti_eigen")
        if split != "test":
            raise DataError(f"kitti_eigen has no split {split!r} (there is only: test)", NO_SPLIT)
        raw_frames = eigen_test_files() if files is None else _listed(Path(files))
        self._truth = truth
        truth_root = root if truth_path is None else Path(truth_path)
        find = partial(_improved, truth_root) if truth == "improved" else partial(_scan, root)
        finders = asked_for(targets, {"depth": find})
        frames = [_files(root, origin, finders) for origin in raw_frames]
        found = {frame.name: position for position, frame in enumerate(frames) if isinstance(frame, Frame)}
        self.expected = IMPROVED_FILES if truth == "improved" and files is None else len(frames)
        missing = tuple(sorted(frame for frame in frames if isinstance(frame, str)))
        self.origins = {"depth": _ORIGINS[truth]}
        if len(found) < self.expected and not (allow_missing and found):
            error_type = DataError if found else NoTruthError
            raise error_type(_missing_sentence(root, self.expected, len(found), missing))
        there = sorted((frame for frame in frames if isinstance(frame, Frame)), key=lambda frame: frame.name)
        #: Each sample's place in the list, by which other programs number their files.
        self.positions = tuple(found[frame.name] for frame in there)
        super().__init__(
            root,
            split,
            targets,
            raw=root,
            raw_frames={origin.name: origin for origin in raw_frames},
            frames=there,
            dataset="kitti_eigen",
            missing=missing,
        )

    def _read_depth(self, file: Path, frame: Frame) -> Float32[ndarray, "h w"]:
        if self._truth == "improved":
            return read_depth_png(file, _METRES_PER_UNIT)
        return self._projected(file, frame, "camera" if self._truth == "velodyne" else "laser")


def _listed(file: Path) -> list[KittiFrame]:
    """The frames of a list."""
    frames = []
    for line in read_lines(file, "a list of pictures of KITTI raw"):
        if (frame := KittiFrame.read_line(line)) is None:
            raise DataError(
                f"{file}: {line!r} is neither <date>/<drive>_sync/image_02/data/<frame>.png nor <date>/<drive>_sync <frame> l"
            )
        frames.append(frame)
    return frames


def _scan(root: Path, origin: KittiFrame) -> tuple[Path, str]:
    """Where a frame's laser scan is: the data set's folder, and the path in it."""
    return root, origin.scan


def _improved(root: Path, origin: KittiFrame) -> tuple[Path, str]:
    """Where a frame's annotated depth map is, or would be."""
    parts = [origin.improved(part) for part in ("train", "val")]
    return root, next((file for file in parts if (root / file).exists()), parts[0])


def _files(
    root: Path, origin: KittiFrame, finders: Mapping[str, Callable[[KittiFrame], tuple[Path, str]]]
) -> Frame | str:
    """The files of a frame, or the path of what is missing."""
    files = (root / f"{origin.image}{ending}" for ending in IMAGE_ENDINGS)
    image = next((file for file in files if file.exists()), None)
    if image is None:
        return f"{origin.image}.png"
    truths = {}
    for kind, find in finders.items():
        folder, file = find(origin)
        if not (folder / file).exists():
            return file
        truths[kind] = folder / file
    return Frame(origin.name, image, truths)


def _missing_sentence(root: Path, expected: int, found: int, missing: Sequence[str]) -> str:
    named = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
    fewer = " (a score of fewer files is another score: allow_missing, on the command line --allow-missing, takes it)"
    return (
        f"{root} has {found} of the {expected} files that are to be scored; missing are {named}{fewer if found else ''}"
    )
