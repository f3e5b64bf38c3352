"""The public lists of KITTI raw: which scenes and files are tested, and where the car stands still.

Source:
    Eigen, Puhrsch and Fergus 2014, arXiv:1406.2283; the files are SfMLearner's (see NOTICE).
"""

from functools import cache
from importlib import resources

from ..kitti_names import KittiDrive, KittiFrame, read_moment

__all__ = ["eigen_test_files", "eigen_test_scenes", "static_frames"]


def _lines(name: str) -> list[str]:
    text = resources.files(__package__).joinpath(name).read_text()
    return [line.strip() for line in text.splitlines() if line.strip()]


@cache
def eigen_test_files() -> tuple[KittiFrame, ...]:
    """The 697 pictures of the Eigen test split, in the list's order."""
    return tuple(frame for line in _lines("test_files_eigen.txt") if (frame := KittiFrame.read_line(line)))


@cache
def eigen_test_scenes() -> frozenset[KittiDrive]:
    """The 28 scenes of that split; they are no training data."""
    return frozenset(drive for line in _lines("test_scenes.txt") if (drive := KittiDrive.read(line)))


@cache
def static_frames() -> frozenset[tuple[KittiDrive, str]]:
    """(drive, frame) of the 8044 frames during which the car stands still."""
    return frozenset(map(read_moment, _lines("static_frames.txt")))
