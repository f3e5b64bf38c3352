"""The public lists of KITTI raw: which scenes and files are tested, and where the car stands still.

Source:
    Eigen, Puhrsch and Fergus 2014, arXiv:1406.2283; the files are SfMLearner's (see NOTICE).
"""

from functools import cache
from importlib import resources

__all__ = ["eigen_test_files", "eigen_test_scenes", "parse_static_frames", "static_frames"]


def _lines(name: str) -> list[str]:
    text = resources.files(__package__).joinpath(name).read_text()
    return [line.strip() for line in text.splitlines() if line.strip()]


@cache
def eigen_test_files() -> tuple[str, ...]:
    """The 697 pictures of the Eigen test split, as ``<date>/<drive>/image_02/data/<frame>.png``."""
    return tuple(_lines("test_files_eigen.txt"))


@cache
def eigen_test_scenes() -> frozenset[str]:
    """The 28 scenes of that split, as ``<date>_drive_<number>``; they are no training data."""
    return frozenset(_lines("test_scenes.txt"))


@cache
def static_frames() -> frozenset[tuple[str, str]]:
    """(drive, frame) of the 8044 frames during which the car stands still."""
    return parse_static_frames(_lines("static_frames.txt"))


def parse_static_frames(lines: list[str]) -> frozenset[tuple[str, str]]:
    """(drive, frame) of lines ``<date> <drive> <frame>``.

    Raises:
        ValueError: if a line is not made of three words.

    Example:
        >>> parse_static_frames(["2011_09_26 2011_09_26_drive_0009_sync 0000000386"])
        frozenset({('2011_09_26_drive_0009_sync', '0000000386')})
    """
    words = [line.split() for line in lines]
    for line, parts in zip(lines, words, strict=True):
        if len(parts) != 3:
            raise ValueError(f"{line!r} is not '<date> <drive> <frame>'")
    return frozenset((drive, frame) for _, drive, frame in words)
