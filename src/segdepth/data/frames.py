"""What the readers of files on disk share: a list of frames, read one at a time, sizes compared."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from jaxtyping import UInt8
from numpy import ndarray

from segdepth.core.errors import DataError
from segdepth.kinds import KINDS

from .files import read_rgb, require_same_size
from .sample import Dataset, Sample

__all__ = ["NO_SPLIT", "Find", "Frame", "FrameDataset", "asked_for", "require_path", "whole_frames"]

V = TypeVar("V")

#: Finds the files of one kind of truth: of pictures by name, those that have one; None where a split's are held back.
Find = Callable[[Mapping[str, Path]], Mapping[str, Path] | None]

#: What to do about a split that a data set does not know.
NO_SPLIT = "name a split that there is"


@dataclass(frozen=True, slots=True)
class Frame:
    """The files of one sample.

    Attributes:
        name: of the sample.
        image: its picture.
        truths: by kind, those that are there; only those that were asked for are read.
    """

    name: str
    image: Path
    truths: Mapping[str, Path] = field(default_factory=dict)


class FrameDataset(Dataset):
    """A data set that is a list of frames.

    A reader lists its frames in the constructor (with :func:`whole_frames` it says for each kind of truth where its files are),
    has a method ``_read_<kind>(file, frame)`` for each kind, and says in :meth:`_focal_px` what is known of its cameras.

    Raises:
        DataError: if there is no frame, if two have one name, or if a kind of truth is asked for that there is not.
    """

    def __init__(
        self,
        path: Path,
        split: str,
        targets: frozenset[str],
        *,
        frames: Sequence[Frame],
        dataset: str,
        missing: Iterable[str] = (),
    ) -> None:
        super().__init__(path, split, targets)
        known = sorted(one for one in KINDS if hasattr(self, f"_read_{one}"))
        if absent := sorted(targets.difference(known)):
            raise DataError(f"{dataset} has no {absent[0]} (it has: {', '.join(known)})")
        if not frames:
            raise DataError(f"{dataset}: no images for the split {split!r} in {path}")
        name, count = Counter(frame.name for frame in frames).most_common(1)[0]
        if count > 1:
            raise DataError(f"{dataset}: {count} frames of the split {split!r} in {path} have the name {name!r}")
        self.frames = tuple(frames)
        self.missing = tuple(missing)
        self.names = tuple(frame.name for frame in frames)

    def __getitem__(self, index: int) -> Sample:
        """Read sample number ``index``.

        Raises:
            DataError: if a file is missing or broken, or if image and truth differ in size.
        """
        frame = self.frames[index]
        image = read_rgb(frame.image)
        truths = {}
        for kind, file in self._files(frame).items():
            truths[kind] = getattr(self, f"_read_{kind}")(file, frame)
            require_same_size(image, frame.image, truths[kind], file)
        return Sample(image, frame.name, truths, self._focal_px(frame, image.shape[1]))

    def image(self, index: int) -> UInt8[ndarray, "h w 3"]:
        """The picture of a sample, without reading its truths."""
        return read_rgb(self.frames[index].image)

    def picture(self, index: int) -> Path:
        """The file of a sample's picture."""
        return self.frames[index].image

    def sources(self, index: int) -> list[Path]:
        """Picture and truth of a sample, and the files of its camera."""
        frame = self.frames[index]
        return [frame.image, *self._files(frame).values(), *self._camera_sources(frame)]

    def _files(self, frame: Frame) -> dict[str, Path]:
        """Of the kinds that were asked for."""
        return asked_for(self.targets, frame.truths)

    def _camera_sources(self, frame: Frame) -> Sequence[Path]:  # noqa: ARG002  the default knows no camera
        """The files that the frame's depth or focal length is computed with."""
        return ()

    def _focal_px(self, frame: Frame, columns: int) -> float | None:  # noqa: ARG002  the default knows no camera
        """Horizontal focal length of the frame's camera for a picture of so many columns, pixels."""
        return None


def asked_for(targets: Collection[str], by_kind: Mapping[str, V]) -> dict[str, V]:
    """What belongs to the kinds of truth that are asked for, of a table by kind, in the table's order."""
    return {kind: value for kind, value in by_kind.items() if kind in targets}


def whole_frames(
    images: Mapping[str, Path], targets: Collection[str], finders: Mapping[str, Find]
) -> tuple[list[Frame], list[str]]:
    """The frames of which each truth that is asked for is there, and the names of the others.

    Args:
        images: by name.
        targets: the kinds of truth that are asked for.
        finders: by kind of truth, those that the data set has.
    """
    found = {kind: find(images) for kind, find in asked_for(targets, finders).items()}
    truths = {kind: files for kind, files in found.items() if files is not None}
    frames, missing = [], []
    for name, image in images.items():
        there = {kind: files[name] for kind, files in truths.items() if name in files}
        if len(there) == len(truths):
            frames.append(Frame(name, image, there))
        else:
            missing.append(name)
    return frames, missing


def require_path(path: Path | None, dataset: str) -> Path:
    """The data set's folder.

    Raises:
        DataError: if none is given or if it is not there.
    """
    if path is None:
        raise DataError(f"the data set {dataset} needs a path (data.path in the configuration): the folder it is in")
    if not path.is_dir():
        raise DataError(f"no folder {path} for the data set {dataset} (data.path in the configuration)")
    return path
