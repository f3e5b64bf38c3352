"""KITTI semantics (2015): 200 street pictures with the classes of Cityscapes."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from jaxtyping import UInt8
from numpy import ndarray

from segdepth.core.errors import DataError

from .cityscapes import cityscapes_lookup
from .files import IMAGE_ENDINGS, files_by_stem, map_labels, pair_by_stem, read_labels
from .frames import NO_SPLIT, Frame, FrameDataset, require_path, whole_frames
from .labels import CITYSCAPES

__all__ = ["KittiSemantics", "split_images"]

#: Every so many-th picture, from the first, is validation.
VAL_STEP = 5


class KittiSemantics(FrameDataset):
    """KITTI semantics in its official layout.

    ``training/image_2`` is paired with ``training/semantic`` by name. There is no validation part, so every
    fifth of the sorted training pictures, from the first, is "val" (40 of 200) and the rest is "train". The
    labels of ``testing/image_2`` are held back, so samples of "test" have none. Label ids and train ids are
    told apart by :func:`~segdepth.data.cityscapes.cityscapes_lookup`.

    Args:
        path: folder with ``training/`` and ``testing/``.
        split: "train", "val" or "test".
        targets: what to read besides the image; "labels" or nothing.
        allow_missing: leave out pictures without labels.

    Source:
        Alhaija et al. 2018, arXiv:1708.01566.
    """

    classes = CITYSCAPES

    def __init__(self, path: Path | None, split: str, targets: frozenset[str], *, allow_missing: bool = False) -> None:
        root = require_path(path, "kitti")
        images = split_images(root, split)
        finders = {"labels": partial(self._label_files, root, split, allow_missing)}
        frames, missing = whole_frames(images, targets, finders)
        super().__init__(root, split, targets, frames=frames, dataset="kitti", missing=missing)

    def _label_files(
        self, root: Path, split: str, allow_missing: bool, images: Mapping[str, Path]
    ) -> dict[str, Path] | None:
        if split == "test":
            return None
        folder = root / "training" / "semantic"
        labels = files_by_stem(folder, (".png",), "kitti's labels")
        paired = pair_by_stem(images, labels, folder, "label", allow_missing)
        self._lookup = cityscapes_lookup(list(labels.values()))
        return paired

    def _read_labels(self, file: Path, frame: Frame) -> UInt8[ndarray, "h w"]:  # noqa: ARG002
        return map_labels(read_labels(file), self._lookup, file)


def split_images(root: Path, split: str) -> dict[str, Path]:
    """The pictures of a split by name, sorted.

    Raises:
        DataError: if there is no such split or folder.
    """
    if split not in ("train", "val", "test"):
        raise DataError(f"kitti semantics has no split {split!r} (there are: train, val, test)", NO_SPLIT)
    part = "testing" if split == "test" else "training"
    images = files_by_stem(root / part / "image_2", IMAGE_ENDINGS, f"kitti's images, split {split!r}")
    if split == "test":
        return images
    return {
        name: image for index, (name, image) in enumerate(images.items()) if (index % VAL_STEP == 0) == (split == "val")
    }
