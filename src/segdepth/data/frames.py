"""What the readers of files on disk share: a list of frames, read one at a time, sizes compared."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jaxtyping import Float32, UInt8
from numpy import ndarray

from segdepth.core.errors import DataError

from .files import read_rgb, require_same_size
from .sample import Dataset, Sample, Target

__all__ = ["Frame", "FrameDataset", "require_path"]


@dataclass(frozen=True, slots=True)
class Frame:
    """The files of one sample; None where a truth was not asked for or is not there."""

    name: str
    image: Path
    labels: Path | None = None
    depth: Path | None = None


class FrameDataset(Dataset):
    """A data set that is a list of frames.

    A reader lists its frames in the constructor and says in :meth:`_read_labels`, :meth:`_read_depth` and
    :meth:`_focal_px` how a file becomes train ids, metres and pixels.

    Raises:
        DataError: if there is no frame, if two have one name, or if a target is asked for that this kind has
        not.
    """

    def __init__(
        self,
        path: Path,
        split: str,
        targets: frozenset[Target],
        *,
        frames: Sequence[Frame],
        kind: str,
        missing: Iterable[str] = (),
    ) -> None:
        super().__init__(path, split, targets)
        if absent := sorted(targets - self.provides):
            raise DataError(f"{kind} has no {absent[0]} (it has: {', '.join(sorted(self.provides))})")
        if not frames:
            raise DataError(f"{kind}: no images for the split {split!r} in {path}")
        name, count = Counter(frame.name for frame in frames).most_common(1)[0]
        if count > 1:
            raise DataError(f"{kind}: {count} frames of the split {split!r} in {path} have the name {name!r}")
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
        labels = depth = None
        if frame.labels is not None:
            labels = self._read_labels(frame.labels)
            require_same_size(image, frame.image, labels, frame.labels)
        if frame.depth is not None:
            depth = self._read_depth(frame.depth, frame)
            require_same_size(image, frame.image, depth, frame.depth)
        return Sample(image, frame.name, labels, depth, self._focal_px(frame, image.shape[1]))

    def sources(self, index: int) -> list[Path]:
        """Picture and truth of a sample, and the files of its camera."""
        frame = self.frames[index]
        own = (frame.image, frame.labels, frame.depth)
        return [*(file for file in own if file is not None), *self._camera_sources(frame)]

    def _camera_sources(self, frame: Frame) -> Sequence[Path]:  # noqa: ARG002  the default knows no camera
        """The files that the frame's depth or focal length is computed with."""
        return ()

    def _read_labels(self, file: Path) -> UInt8[ndarray, "h w"]:
        """Train ids; 255 = ignore."""
        raise NotImplementedError

    def _read_depth(self, file: Path, frame: Frame) -> Float32[ndarray, "h w"]:
        """Metres; 0 = no measurement."""
        raise NotImplementedError

    def _focal_px(self, frame: Frame, columns: int) -> float | None:  # noqa: ARG002  the default knows no camera
        """Horizontal focal length of the frame's camera for a picture of so many columns, pixels."""
        return None


def require_path(path: Path | None, kind: str) -> Path:
    """The data set's folder.

    Raises:
        DataError: if none is given or if it is not there.
    """
    if path is None:
        raise DataError(f"the data set {kind} needs a path (data.path in the configuration): the folder it is in")
    if not path.is_dir():
        raise DataError(f"no folder {path} for the data set {kind} (data.path in the configuration)")
    return path
