"""KITTI depth for training: the folders that ``segdepth prepare`` writes."""

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from segdepth.core.errors import DataError
from segdepth.core.reading import read_lines

from .files import files_by_stem, pair_by_stem, read_depth_png, read_npy
from .frames import Frame, FrameDataset, require_path, whole_frames
from .kitti_names import PREPARED_CAMERA, PREPARED_DEPTH

__all__ = ["KittiDepth"]

_METRES_PER_UNIT = 1 / 256
_LIST = "a list of the split's folders (`segdepth prepare` writes it)"
_TODO_EMPTY = "name folders in it, a line each; `segdepth prepare` does, with more drives or another --val-share"


class KittiDepth(FrameDataset):
    """Prepared KITTI drives: ``<drive>_<camera>/<frame>.jpg`` with ``<frame>.npy`` beside it.

    ``<split>.txt`` lists the folders, one a line. Images may be JPEG or PNG. Depth is a float array in metres
    (``.npy``) or a 16-bit PNG of metres x 256 (``<frame>.depth.png``; beside JPEG images also
    ``<frame>.png``); 0 = no measurement. ``cam.txt`` holds the
    3x3 intrinsic matrix at the images' size; without it the focal length is unknown.

    Args:
        path: folder with the drives and the lists.
        split: "train", "val", or the name of any other list.
        targets: what to read besides the image; "depth" or nothing.
        allow_missing: leave out pictures without depth.

    Source:
        Geiger et al. 2013, "Vision meets robotics"; depth range and crop of Eigen et al. 2014,
        arXiv:1406.2283, and Garg et al. 2016, arXiv:1603.04992.
    """

    origins: Mapping[str, str] = MappingProxyType(
        {"depth": "laser scans as they were prepared, metres along the camera's axis"}
    )
    depth_range = (0.001, 80.0)
    crop = "garg"
    points = frozenset({"depth"})

    def __init__(self, path: Path | None, split: str, targets: frozenset[str], *, allow_missing: bool = False) -> None:
        root = require_path(path, "kitti")
        list_file = root / f"{split}.txt"
        drives = sorted(set(read_lines(list_file, _LIST, _TODO_EMPTY)))
        frames: list[Frame] = []
        missing: list[str] = []
        for drive in drives:
            folder = root / drive
            images, depths = _files(folder, drive, list_file)
            find = partial(pair_by_stem, truths=depths, folder=folder, what="depth", allow_missing=allow_missing)
            there, absent = whole_frames(images, targets, {"depth": find})
            frames += there
            missing += absent
        self._focal = {root / drive: _read_focal_px(root / drive / PREPARED_CAMERA) for drive in drives}
        super().__init__(root, split, targets, frames=frames, dataset="kitti", missing=missing)

    def _read_depth(self, file: Path, frame: Frame) -> Float32[ndarray, "h w"]:  # noqa: ARG002
        return read_npy(file) if file.suffix == ".npy" else read_depth_png(file, _METRES_PER_UNIT)

    def _camera_sources(self, frame: Frame) -> list[Path]:
        return [frame.image.parent / PREPARED_CAMERA]

    def _focal_px(self, frame: Frame, columns: int) -> float | None:  # noqa: ARG002  cam.txt is for the stored size
        return self._focal[frame.image.parent]


def _files(folder: Path, drive: str, list_file: Path) -> tuple[dict[str, Path], dict[str, Path]]:
    """A drive's pictures and its files of depth, by the samples' names."""
    what = f"the images that {list_file} lists"
    pngs = files_by_stem(folder, (".png",), what)
    images = files_by_stem(folder, (".jpg", ".jpeg"), what)
    # what is no ".depth.png" is a picture where there is no JPEG, and depth where there is
    plain = {stem: file for stem, file in pngs.items() if not stem.endswith(PREPARED_DEPTH)}
    if not (images or plain):
        raise DataError(f"no images in {folder}, which {list_file} lists")
    depths = plain if images else {}
    depths |= {stem.removesuffix(PREPARED_DEPTH): file for stem, file in pngs.items() if stem.endswith(PREPARED_DEPTH)}
    depths |= files_by_stem(folder, (".npy",), what)
    return _named(drive, images or plain), _named(drive, depths)


def _named(drive: str, files: Mapping[str, Path]) -> dict[str, Path]:
    return {f"{drive}/{stem}": file for stem, file in files.items()}


def _read_focal_px(file: Path) -> float | None:
    if not file.exists():
        return None
    words = re.split(r"[\s,]+", " ".join(read_lines(file, "a 3x3 matrix")))
    try:
        matrix = np.array([float(word) for word in words]).reshape(3, 3)
    except ValueError as error:
        raise DataError(f"{file} is not a 3x3 matrix of numbers: {' '.join(words)[:60]!r}") from error
    return float(matrix[0, 0])
