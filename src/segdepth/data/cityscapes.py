"""Cityscapes: streets of fifty cities, with 19 classes and with disparity from a second camera."""

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from jaxtyping import Float32, Int16, UInt8
from numpy import ndarray

from segdepth.core.errors import DataError
from segdepth.core.reading import positive, read_json
from segdepth.geometry import (
    CITYSCAPES_BASELINE_M,
    CITYSCAPES_FOCAL_PX,
    cityscapes_disparity,
    depth_from_disparity,
)
from segdepth.kinds import IGNORE

from .files import (
    files_by_stem,
    label_lookup,
    map_labels,
    pair_by_stem,
    read_labels,
    read_png16,
    require_folder,
)
from .frames import Frame, FrameDataset, require_path, whole_frames
from .labels import CITYSCAPES

__all__ = ["Cityscapes", "cityscapes_lookup"]

_log = logging.getLogger(__name__)

#: Depth from this distance on counts as not measured, metres.
FARTHEST_M = 85.0

_IMAGE_END, _DISPARITY_END, _CAMERA_END = "_leftImg8bit", "_disparity", "_camera"
_LABEL_ENDS = ("_gtFine_labelIds", "_gtFine_labelTrainIds")
_FULL_COLUMNS = 2048
_FILES_LOOKED_AT = 8


class Cityscapes(FrameDataset):
    """Cityscapes in its official layout.

    - images ``leftImg8bit/<split>/<city>/*_leftImg8bit.png``;
    - labels ``gtFine/<split>/<city>/*_gtFine_labelIds.png`` (or ``_labelTrainIds.png`` where only those are),
      label ids or train ids, see :func:`cityscapes_lookup`. The official labels of "test" are held back (the
      files are dummies), so its samples have none;
    - depth from ``disparity/<split>/<city>/*_disparity.png`` and ``camera/<split>/<city>/*_camera.json``. A
      frame without a camera file gets 0.209313 m and 2262.52 px, and the log says so. 85 m and more is not
      measured.

    Depth is scored up to 80 m, as in the published results.

    Args:
        path: folder with ``leftImg8bit/`` and the others.
        split: "train", "val" or "test".
        targets: what to read besides the image.
        allow_missing: leave out pictures without truth.

    Source:
        Cordts et al. 2016, arXiv:1604.01685; cityscapesScripts, README.
    """

    classes = CITYSCAPES
    depth_range = (0.001, 80.0)
    crop = "cityscapes"

    def __init__(self, path: Path | None, split: str, targets: frozenset[str], *, allow_missing: bool = False) -> None:
        root = require_path(path, "cityscapes")
        images = _files(root / "leftImg8bit" / split, _IMAGE_END, ".png")
        self._cameras: dict[str, Path] | None = None  # looked for with the disparities
        finders = {"labels": self._label_files, "depth": self._disparity_files}
        frames, missing = whole_frames(
            images, targets, {kind: partial(find, root, split, allow_missing) for kind, find in finders.items()}
        )
        super().__init__(root, split, targets, frames=frames, dataset="cityscapes", missing=missing)

    def _label_files(
        self, root: Path, split: str, allow_missing: bool, images: Mapping[str, Path]
    ) -> dict[str, Path] | None:
        if split == "test":
            return None
        ending = _label_ending(root)
        files = _truths(images, root / "gtFine" / split, ending, allow_missing)
        official = (root / "gtFine").glob(f"*/*/*{ending}.png")
        self._lookup = cityscapes_lookup(sorted(file for file in official if file.parts[-3] != "test"))
        return files

    def _disparity_files(
        self, root: Path, split: str, allow_missing: bool, images: Mapping[str, Path]
    ) -> dict[str, Path]:
        files = _truths(images, root / "disparity" / split, _DISPARITY_END, allow_missing)
        self._cameras = _camera_files(images, root / "camera" / split)
        self.origins = {"depth": _disparity_words(len(images), len(self._cameras))}
        return files

    def _read_labels(self, file: Path, frame: Frame) -> UInt8[ndarray, "h w"]:  # noqa: ARG002
        return map_labels(read_labels(file), self._lookup, file)

    def _read_depth(self, file: Path, frame: Frame) -> Float32[ndarray, "h w"]:
        focal_px, baseline_m = self._camera(frame)
        return depth_from_disparity(cityscapes_disparity(read_png16(file)), focal_px, baseline_m, FARTHEST_M)

    def _focal_px(self, frame: Frame, columns: int) -> float | None:
        if self._cameras is None:
            return None
        # A camera file is for the pictures it lies beside; the constant is for the full size.
        if frame.name in self._cameras:
            return self._camera(frame)[0]
        return CITYSCAPES_FOCAL_PX * columns / _FULL_COLUMNS

    def _camera_sources(self, frame: Frame) -> list[Path]:
        file = self._camera_file(frame)
        return [file] if file else []

    def _camera_file(self, frame: Frame) -> Path | None:
        return (self._cameras or {}).get(frame.name)

    def _camera(self, frame: Frame) -> tuple[float, float]:
        """Focal length that goes with the disparities, pixels, and distance between the cameras, metres."""
        file = self._camera_file(frame)
        return _read_camera(file) if file else (CITYSCAPES_FOCAL_PX, CITYSCAPES_BASELINE_M)


def cityscapes_lookup(files: Sequence[Path]) -> Int16[ndarray, "256"]:
    """The table for :func:`~segdepth.data.files.map_labels` that fits label files of the Cityscapes family.

    One decision for the whole data set, from the values in up to eight files, spread evenly: a value of
    19..33 is only possible in label ids (it is vegetation, sky, a car, ...), so if any of them has one the
    files hold label ids, otherwise train ids. A file that contradicts the decision later is refused by its
    first impossible value. Both kinds may hold 255, and train ids the ancestor's 250, for what is ignored.

    Args:
        files: label files of the data set, all splits.
    """
    step = max(1, len(files) // _FILES_LOOKED_AT)
    looked_at = (read_labels(file) for file in files[::step][:_FILES_LOOKED_AT])
    if any(((values >= 19) & (values <= 33)).any() for values in looked_at):
        return label_lookup(CITYSCAPES, void=(*range(34), IGNORE))
    return label_lookup(CITYSCAPES, void=(250, IGNORE), train_ids=True)


def _files(folder: Path, ending: str, suffix: str) -> dict[str, Path]:
    """Files of all cities in a split: stem without its ending -> path, sorted."""
    what = f"cityscapes' files *{ending}{suffix}"
    cities = sorted(entry for entry in require_folder(folder, what).iterdir() if entry.is_dir())
    return {
        stem.removesuffix(ending): file
        for city in cities
        for stem, file in files_by_stem(city, (suffix,), what).items()
        if stem.endswith(ending)
    }


def _truths(images: Mapping[str, Path], folder: Path, ending: str, allow_missing: bool) -> dict[str, Path]:
    return pair_by_stem(images, _files(folder, ending, ".png"), folder, f"*{ending}.png", allow_missing)


def _label_ending(root: Path) -> str:
    folder = require_folder(root / "gtFine", "cityscapes' labels")
    for ending in _LABEL_ENDS:
        if any(folder.glob(f"*/*/*{ending}.png")):
            return ending
    raise DataError(f"{folder} has no label files (<split>/<city>/*{_LABEL_ENDS[0]}.png)")


def _camera_files(images: Mapping[str, Path], folder: Path) -> dict[str, Path]:
    cameras = _files(folder, _CAMERA_END, ".json") if folder.is_dir() else {}
    if missing := len(images.keys() - cameras.keys()):
        _log.warning(
            "%d of %d frames have no camera file in %s: baseline %g m and focal length %g px are assumed",
            missing, len(images), folder, CITYSCAPES_BASELINE_M, CITYSCAPES_FOCAL_PX,
        )  # fmt: skip
    return cameras


def _disparity_words(frames: int, cameras: int) -> str:
    assumed = f", {frames - cameras} of {frames} frames with assumed camera" if cameras < frames else ""
    return f"stereo disparity, baseline and focal length of each frame's camera file{assumed}, metres along the camera's axis"


def _read_camera(file: Path) -> tuple[float, float]:
    camera = read_json(file, "a camera file")
    focal_px, baseline_m = positive(camera, ("intrinsic", "fx")), positive(camera, ("extrinsic", "baseline"))
    if focal_px is None or baseline_m is None:
        raise DataError(f"{file} is not a camera file with positive numbers intrinsic.fx and extrinsic.baseline")
    return focal_px, baseline_m
