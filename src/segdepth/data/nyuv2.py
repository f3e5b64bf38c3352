"""NYU Depth v2, the labelled frames: indoor pictures with dense depth and 39 classes."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from jaxtyping import Float32, Shaped, UInt8
from numpy import ndarray

from segdepth.kinds import IGNORE

from .files import (
    IMAGE_ENDINGS,
    files_by_stem,
    label_lookup,
    map_labels,
    pair_by_stem,
    read_depth_png,
    read_labels,
)
from .frames import Frame, FrameDataset, require_path, whole_frames
from .labels import NYU40

__all__ = ["NYUv2"]

#: Horizontal focal length of the colour camera at 640 columns, pixels. Source: the data set's toolbox.
FOCAL_PX_AT_640 = 518.857901
#: Column and row of its axis at 480x640. Source: the same.
_AXIS_PX_AT_640 = (325.582449, 253.736166)

_METRES_PER_UNIT = 0.001
#: Where the files of each kind of truth are.
_FOLDERS = {"labels": "label", "depth": "depth"}
# Value 39 is the fortieth class, "other props", in copies that keep it.
_LOOKUP = label_lookup(NYU40, void=(39, IGNORE))

M = TypeVar("M", bound=Shaped[ndarray, "h w"])


class NYUv2(FrameDataset):
    """NYU Depth v2 as ``<split>/rgb/NNNN.jpg``, ``<split>/depth/NNNN.png`` and ``<split>/label/NNNN.png``.

    Depth files are 16-bit millimetres, 0 = no measurement; label files have train ids 0..38, 255 (or 39) =
    ignore. Rectifying the pictures left a white frame whose depth is made up: outside rows 44..470 and
    columns 40..600 of 480x640 (22..235 and 20..300 of 240x320; other sizes in proportion) depth becomes 0 and
    labels become 255.

    Args:
        path: folder with ``train/`` and ``val/``.
        split: "train" or "val".
        targets: what to read besides the image.
        allow_missing: leave out pictures without truth.

    Source:
        Silberman et al. 2012, "Indoor segmentation and support inference from RGBD images"; the frame is that
        of the data set's toolbox, ``get_projection_mask.m``.
    """

    classes = NYU40
    depth_range = (0.001, 10.0)
    crop = "nyu"

    def __init__(self, path: Path | None, split: str, targets: frozenset[str], *, allow_missing: bool = False) -> None:
        root = require_path(path, "nyuv2")
        folder = root / split
        images = files_by_stem(folder / "rgb", IMAGE_ENDINGS, f"nyuv2's images, split {split!r}")
        finders = {kind: partial(_truths, kind, folder / part, allow_missing) for kind, part in _FOLDERS.items()}
        frames, missing = whole_frames(images, targets, finders)
        super().__init__(root, split, targets, frames=frames, dataset="nyuv2", missing=missing)

    def _read_labels(self, file: Path, frame: Frame) -> UInt8[ndarray, "h w"]:  # noqa: ARG002
        return _only_inside(map_labels(read_labels(file), _LOOKUP, file), outside=IGNORE)

    def _read_depth(self, file: Path, frame: Frame) -> Float32[ndarray, "h w"]:  # noqa: ARG002
        return _only_inside(read_depth_png(file, _METRES_PER_UNIT), outside=0)

    def optical_axis(self, index: int, size: tuple[int, int]) -> tuple[float, float]:  # noqa: ARG002  one camera took them all
        """See :meth:`Dataset.optical_axis`."""
        column, row = _AXIS_PX_AT_640
        return (column + 0.5) * size[1] / 640 - 0.5, (row + 0.5) * size[0] / 480 - 0.5

    def _focal_px(self, frame: Frame, columns: int) -> float:  # noqa: ARG002  one camera took them all
        return FOCAL_PX_AT_640 * columns / 640


def _truths(kind: str, folder: Path, allow_missing: bool, images: Mapping[str, Path]) -> dict[str, Path]:
    return pair_by_stem(images, files_by_stem(folder, (".png",), f"nyuv2's {kind}"), folder, kind, allow_missing)


def _only_inside(values: M, outside: int) -> M:
    """The map with ``outside`` in the white frame's place."""
    height, width = values.shape
    rows = np.arange(height) * 480 / height
    columns = np.arange(width) * 640 / width
    inside = ((rows >= 44) & (rows <= 470))[:, None] & ((columns >= 40) & (columns <= 600))
    values[~inside] = outside
    return values
