"""KITTI pictures with classes and laser depth together: semantics of 2015, joined with the raw drives they come from."""

from pathlib import Path

from jaxtyping import UInt8
from numpy import ndarray

from segdepth.core.errors import ConfigError, DataError
from segdepth.core.reading import read_bytes

from .cityscapes import cityscapes_lookup
from .files import files_by_stem, map_labels, pair_by_stem, read_labels
from .frames import NO_SPLIT, Frame, require_path
from .kitti_frames import RawFrames
from .kitti_names import KittiFrame, read_moment
from .kitti_seg import split_images
from .labels import CITYSCAPES
from .leakage import RAW_FRAMES_OF_SEMANTICS

__all__ = ["KittiJoint"]


class KittiJoint(RawFrames):
    """The frames of KITTI semantics whose laser scan is known and there: image, labels and depth of one moment.

    The benchmark's development kit has a list of the raw frames that its pictures come from, a line a picture
    ("2011_09_26 2011_09_26_drive_0005_sync 0000000010"), empty where there is none; give its path as ``mapping``. Without it two
    frames are known.

    Args:
        path: folder of KITTI semantics, with ``training/``.
        split: "train" or "val" as in :class:`~segdepth.data.kitti_seg.KittiSemantics`, or "all".
        targets: what to read besides the image.
        raw_path: folder of KITTI raw.
        mapping: the development kit's list.

    Source:
        Alhaija et al. 2018, arXiv:1708.01566; Geiger et al. 2013, "Vision meets robotics".
    """

    classes = CITYSCAPES

    def __init__(
        self,
        path: Path | None,
        split: str,
        targets: frozenset[str],
        *,
        raw_path: str | None = None,
        mapping: str | None = None,
    ) -> None:
        root = require_path(path, "kitti_joint")
        if raw_path is None:
            raise ConfigError("data set kitti_joint: raw_path is needed, the folder of KITTI raw with the laser scans")
        raw = Path(raw_path)
        folder = root / "training"
        images = _images(root, split)
        labels = files_by_stem(folder / "semantic", (".png",), "KITTI semantics' labels")
        known = RAW_FRAMES_OF_SEMANTICS if mapping is None else _read_mapping(Path(mapping))
        raw_frames = {name: known[name] for name in images if name in known}
        scans = {name: raw / origin.scan for name, origin in raw_frames.items()}
        there = {name: images[name] for name, scan in scans.items() if scan.exists()}
        missing = sorted(scans.keys() - there.keys())
        if not there:
            raise DataError(
                f"{raw} has none of the {len(scans)} laser scans that are known to belong to pictures in {folder}"
            )
        paired = pair_by_stem(there, labels, folder / "semantic", "label")
        self._lookup = cityscapes_lookup(list(labels.values()))
        frames = [Frame(name, there[name], {"labels": label, "depth": scans[name]}) for name, label in paired.items()]
        super().__init__(
            root, split, targets, raw=raw, raw_frames=raw_frames, frames=frames, dataset="kitti_joint", missing=missing
        )

    def _read_labels(self, file: Path, frame: Frame) -> UInt8[ndarray, "h w"]:  # noqa: ARG002
        return map_labels(read_labels(file), self._lookup, file)


def _images(root: Path, split: str) -> dict[str, Path]:
    if split == "all":
        return dict(sorted((split_images(root, "train") | split_images(root, "val")).items()))
    if split not in ("train", "val"):
        raise DataError(f"kitti_joint has no split {split!r} (there are: train, val, all)", NO_SPLIT)
    return split_images(root, split)


def _read_mapping(path: Path) -> dict[str, KittiFrame]:
    """Picture -> frame of the left camera, of the development kit's list; line k is picture k."""
    mapping = {}
    for number, line in enumerate(read_bytes(path).decode(errors="replace").splitlines()):
        if line.split():
            try:
                drive, moment = read_moment(line)
            except ValueError as error:
                raise DataError(f"{path}: {error}") from None
            mapping[f"{number:06d}_10"] = KittiFrame(drive, 2, moment)
    return mapping
