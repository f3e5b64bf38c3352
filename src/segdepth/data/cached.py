"""Resized samples kept on disk: the second epoch reads arrays in place of decoding large pictures."""

import hashlib
import json
import zipfile
from pathlib import Path

import numpy as np

from segdepth.core.files import replacing

from .frames import FrameDataset
from .loading import resize_sample
from .sample import Dataset, Sample

__all__ = ["Cached"]


class Cached(Dataset):
    """A data set whose samples are resized once and then read from a folder.

    A file that is damaged, of another size, or older than the sample's own files is made anew, so a cache can be stopped,
    shared by processes, or removed at any time. Augmentations act on the resized samples.

    Args:
        dataset: whose samples are kept.
        size: rows and columns.
        folder: of all caches; this one gets a folder of its own, named by what it depends on.
    """

    def __init__(self, dataset: Dataset, size: tuple[int, int], folder: Path) -> None:
        super().__init__(dataset.path, dataset.split, dataset.targets)
        self.names = dataset.names
        self.classes, self.depth_range, self.crop = dataset.classes, dataset.depth_range, dataset.crop
        self.truth_kind, self.expected, self.missing = dataset.truth_kind, dataset.expected, dataset.missing
        self._dataset = dataset
        self._size = size
        self._folder = folder / _key(dataset, size)

    def __getitem__(self, index: int) -> Sample:
        """Sample number ``index`` at the cache's size.

        Raises:
            DataError: if it is not there yet, and one of its files is broken.
        """
        file = self._folder / f"{self.names[index]}.npz"
        stamp = self._stamp(index)
        try:
            return _read(file, self.names[index], stamp)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            sample = resize_sample(self._dataset[index], self._size, sparse=self._dataset.sparse_depth)
            _write(file, sample, stamp)
            return sample

    def _stamp(self, index: int) -> str:
        """Sizes and times of the sample's files, as far as they are known."""
        if not isinstance(self._dataset, FrameDataset):
            return ""
        frame = self._dataset.frames[index]
        states = [
            file.stat() for file in (frame.image, frame.labels, frame.depth) if file is not None and file.exists()
        ]
        return json.dumps([[state.st_size, state.st_mtime_ns] for state in states])


def _key(dataset: Dataset, size: tuple[int, int]) -> str:
    """A name for what the samples depend on besides their files."""
    kind, where = type(dataset).__name__, "" if dataset.path is None else str(dataset.path.resolve())
    options = {
        key: repr(value) for key, value in sorted(vars(dataset).items()) if isinstance(value, str | int | float | None)
    }
    text = json.dumps([kind, where, sorted(dataset.targets), list(size), options, list(dataset.names)])
    return f"{kind}-{dataset.split}-{size[0]}x{size[1]}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"


def _read(file: Path, name: str, stamp: str) -> Sample:
    with file.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
        if str(stored["stamp"]) != stamp:
            raise ValueError("the sample's files have changed")
        there = {key: stored[key] for key in stored.files}
    focal = there.get("focal_px")
    return Sample(
        there["image"], name, there.get("labels"), there.get("depth"), None if focal is None else float(focal)
    )


def _write(file: Path, sample: Sample, stamp: str) -> None:
    arrays = {
        key: value for key in ("image", "labels", "depth", "focal_px") if (value := getattr(sample, key)) is not None
    }
    with replacing(file) as temporary:
        np.savez(temporary, stamp=np.array(stamp), **arrays)
