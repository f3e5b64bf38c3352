"""CamVid in the form that was published with SegNet: 11 classes and void, 360x480."""

from pathlib import Path

from jaxtyping import UInt8
from numpy import ndarray

from segdepth.core.errors import DataError
from segdepth.core.reading import read_lines
from segdepth.kinds import IGNORE

from .files import (
    IMAGE_ENDINGS,
    files_by_stem,
    label_lookup,
    map_labels,
    pair_by_stem,
    read_labels,
)
from .frames import Frame, FrameDataset, require_path
from .labels import CAMVID

__all__ = ["CamVid"]

#: The value of "unlabelled" in the files.
VOID = 11

_LOOKUP = label_lookup(CAMVID, void=(VOID, IGNORE))


class CamVid(FrameDataset):
    """The CamVid data set, labels only.

    ``<split>.txt`` has a line "<image> <label>" for each frame, relative to ``path``. The lists as published
    have absolute paths of another machine; of those the last two parts are used. Without any list,
    ``<split>/`` is paired with ``<split>annot/`` by name.

    Args:
        path: folder with the lists and with ``train/``, ``trainannot/`` and so on.
        split: "train", "val" or "test".
        targets: what to read besides the image; "labels" or nothing.
        allow_missing: leave out frames of which a file is missing.

    Source:
        Brostow et al. 2009, "Semantic object classes in video"; Badrinarayanan et al. 2015, arXiv:1511.00561.
    """

    classes = CAMVID

    def __init__(self, path: Path | None, split: str, targets: frozenset[str], *, allow_missing: bool = False) -> None:
        root = require_path(path, "camvid")
        list_file = root / f"{split}.txt"
        listed = list_file.is_file()
        pairs, missing = _listed(root, list_file, allow_missing) if listed else _paired(root, split, allow_missing)
        frames = [Frame(image.stem, image, {"labels": label}) for image, label in pairs]
        frames.sort(key=lambda frame: frame.name)
        super().__init__(root, split, targets, frames=frames, dataset="camvid", missing=missing)

    def _read_labels(self, file: Path, frame: Frame) -> UInt8[ndarray, "h w"]:  # noqa: ARG002
        return map_labels(read_labels(file), _LOOKUP, file)


Pairs = list[tuple[Path, Path]]


def _listed(root: Path, list_file: Path, allow_missing: bool) -> tuple[Pairs, list[str]]:
    pairs, missing = [], []
    for line in read_lines(list_file, "a list of images and labels"):
        entries = [_inside(root, entry) for entry in line.split()]
        if len(entries) != 2:
            raise DataError(f'{list_file}: {line!r} is not "<image> <label>"')
        absent = [entry for entry in entries if not entry.is_file()]
        if absent and not allow_missing:
            raise DataError(f"no file {absent[0]}, which {list_file} lists; data.allow_missing leaves it out")
        if absent:
            missing.append(entries[0].stem)
        else:
            pairs.append((entries[0], entries[1]))
    return pairs, missing


def _inside(root: Path, entry: str) -> Path:
    """The file that a list's entry means, in our folder."""
    return root / (Path(*Path(entry).parts[-2:]) if entry.startswith("/") else entry)


def _paired(root: Path, split: str, allow_missing: bool) -> tuple[Pairs, list[str]]:
    images = files_by_stem(root / split, IMAGE_ENDINGS, f"camvid's images, split {split!r}")
    folder = root / f"{split}annot"
    labels = files_by_stem(folder, (".png",), f"camvid's labels, split {split!r}")
    paired = pair_by_stem(images, labels, folder, "label", allow_missing)
    return [(images[key], label) for key, label in paired.items()], [key for key in images if key not in paired]
