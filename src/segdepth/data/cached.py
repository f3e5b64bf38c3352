"""Resized samples kept on disk: the second epoch reads arrays in place of decoding large pictures."""

import hashlib
import json
from collections.abc import Mapping, Sequence, Set
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped, UInt8
from numpy import ndarray

from segdepth.core.arrays import read_npz, write_npz
from segdepth.core.errors import ConfigError, DataError
from segdepth.kinds import KINDS

from .loading import resize_sample
from .sample import Dataset, Sample
from .view import DatasetView

__all__ = ["Cached"]


class Cached(DatasetView):
    """A data set whose samples are resized once and then read from a folder.

    A file that is damaged, or whose sample's own files are not those that it was made of, is made anew, so a cache can be
    stopped, shared by processes, or removed at any time. A data set that is opened with another option, or read by another
    version of segdepth, has another folder. Augmentations act on the resized samples.

    Args:
        dataset: whose samples are kept.
        size: rows and columns.
        folder: of all caches; this one gets a folder of its own, named by what it depends on.

    Raises:
        ConfigError: if the data set was opened with something that cannot be written down.
    """

    def __init__(self, dataset: Dataset, size: tuple[int, int], folder: Path) -> None:
        super().__init__(dataset)
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
            return self._read(file, self.names[index], stamp)
        except DataError:  # not there yet, of other files, or damaged
            sample = resize_sample(self._dataset[index], self._size, points=self._dataset.points)
            _write(file, sample, stamp)
            return sample

    def _read(self, file: Path, name: str, stamp: str) -> Sample:
        there = read_npz(file)
        image, truths = there.get("image"), {kind: there[kind] for kind in KINDS if kind in there}
        focal = there.get("focal_px")
        if str(there.get("stamp")) != stamp or image is None or not _fits(self._size, image, truths, focal):
            raise DataError(f"{file} is not of the sample's files, or not ours")
        return Sample(image, name, truths, None if focal is None else float(focal))

    def image(self, index: int) -> UInt8[ndarray, "h w 3"]:
        """The picture of a sample at the cache's size."""
        return self[index].image

    def _stamp(self, index: int) -> str:
        """Which files the sample is made of, with their sizes and times."""
        return json.dumps([_state(file) for file in self._dataset.sources(index)])


def _state(file: Path) -> list[str | int]:
    try:
        state = file.stat()
    except OSError:  # a camera file that some drives have not, say
        return [str(file.absolute())]
    return [str(file.absolute()), state.st_size, state.st_mtime_ns]


def _key(dataset: Dataset, size: tuple[int, int]) -> str:
    """A name for what the samples depend on besides their files."""
    depends_on = [metadata.version("segdepth"), _plain(dataset, "data.cache"), list(size), list(dataset.names)]
    digest = hashlib.sha256(json.dumps(depends_on).encode()).hexdigest()[:16]
    return f"{dataset.reader}-{dataset.split}-{size[0]}x{size[1]}-{digest}"


def _plain(value: Any, where: str) -> Any:
    """A value that a data set was opened with as JSON: equal for equal values, and for no others.

    Raises:
        ConfigError: if there is no such form; left out, it would give the samples of another data set.
    """
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Path():
            return ["path", str(value.resolve())]
        case Dataset():
            return [type(value).__qualname__, _plain(value.opened_with, f"{where}: {type(value).__name__}")]
        case Mapping():
            return ["by name", [[_plain(part, where) for part in pair] for pair in value.items()]]
        case Set():
            return ["in any order", sorted((_plain(part, where) for part in value), key=json.dumps)]
        case Sequence():
            return ["in order", [_plain(part, where) for part in value]]
    raise ConfigError(f"{where} was opened with {value!r}, which a cache cannot be told by; leave data.cache out")


def _fits(
    size: tuple[int, int],
    image: Shaped[ndarray, "..."],
    truths: Mapping[str, Shaped[ndarray, "..."]],
    focal: Shaped[ndarray, "..."] | None,
) -> bool:
    """Whether arrays are of the types and the size that this cache writes."""
    return (
        image.dtype == np.uint8
        and image.shape == (*size, 3)
        and all(truth.dtype == KINDS[kind].dtype and truth.shape[:2] == size for kind, truth in truths.items())
        and (focal is None or (focal.shape == () and focal.dtype.kind == "f"))
    )


def _write(file: Path, sample: Sample, stamp: str) -> None:
    arrays: dict[str, Any] = {"stamp": np.array(stamp), "image": sample.image, **sample.truths}
    if sample.focal_px is not None:
        arrays["focal_px"] = np.array(sample.focal_px)
    write_npz(file, arrays)
