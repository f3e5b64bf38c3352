"""What a data set yields, and what every data set promises."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from jaxtyping import Shaped, UInt8
from numpy import ndarray

from segdepth.core.errors import DataError
from segdepth.kinds import Colours

from .labels import ClassTable

__all__ = ["Dataset", "Sample", "reader_options"]

D = TypeVar("D", bound="Dataset")


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture with its truth, all at the same size; only an evaluation view shrinks the picture and keeps the truth.

    Attributes:
        image: RGB, 0..255.
        name: says which frame this is, unique in the data set and fit for a file name
            ("2011_09_26_drive_0005_sync_02/0000000010").
        truths: by the name of their kind (:data:`segdepth.kinds.KINDS`), those that were asked for and are there.
        focal_px: the camera's horizontal focal length at this image's size, pixels; None where not known.
    """

    image: UInt8[ndarray, "h w 3"]
    name: str
    truths: Mapping[str, Shaped[ndarray, "th tw *values"]] = field(default_factory=dict)
    focal_px: float | None = None

    def truth(self, kind: str) -> Shaped[ndarray, "_th _tw *_values"]:
        """The truth of a kind.

        Raises:
            DataError: if it is not there.
        """
        if kind not in self.truths:
            raise DataError(f"the sample {self.name!r} has no {kind}")
        return self.truths[kind]


class Dataset(ABC):
    """An indexed list of samples at their files' own size. Reads files, changes nothing.

    The constructor takes ``path``, ``split``, ``targets`` and the data set's own options as keyword arguments; it lists
    and pairs the files (sorted, the same on every machine) and raises :class:`~segdepth.core.errors.DataError` with a
    sentence that names the missing file or folder.

    Attributes:
        path: its folder; None for one that is made up.
        split: "train", "val", "test", or what the data set knows besides.
        targets: what is read besides the image.
        classes: names and colours of the train ids; None if the data set has no labels.
        depth_range: smallest and largest depth that is scored, metres; None if it has no depth.
        crop: name of the window in which depth is scored (see :mod:`segdepth.geometry.crops`).
        points: the kinds of truth that are known at single points only, such as a laser's depth.
        names: the samples' names, in order.
        origins: by kind, where the truth comes from, in words; without the kinds of which the data set's name says it.
        expected: number of samples that the split should have; None where there is no such number.
        missing: names of samples that should be there and are not, where the data set may be incomplete.
        positions: of the samples in the list that papers number them by; None: their own order.
    """

    path: Path | None
    split: str
    targets: frozenset[str]
    classes: ClassTable | None = None
    depth_range: tuple[float, float] | None = None
    crop: str = "none"
    points: frozenset[str] = frozenset()
    names: Sequence[str]
    origins: Mapping[str, str] = MappingProxyType({})
    expected: int | None = None
    missing: Sequence[str] = ()
    positions: Sequence[int] | None = None
    _arguments: tuple[tuple[Any, ...], dict[str, Any]]

    def __new__(cls: type[D], *args: Any, **kwargs: Any) -> D:
        """Note what the data set is opened with, so that no reader can forget to."""
        dataset = super().__new__(cls)
        dataset._arguments = args, kwargs
        return dataset

    def __init__(self, path: Path | None, split: str, targets: frozenset[str]) -> None:
        self.path = path
        self.split = split
        self.targets = targets

    @property
    def opened_with(self) -> dict[str, Any]:
        """Every argument of the constructor by its name, those that were left out as well."""
        args, kwargs = self._arguments
        bound = inspect.signature(type(self).__init__).bind(self, *args, **kwargs)
        bound.apply_defaults()
        return dict(list(bound.arguments.items())[1:])  # without self

    @property
    def reader(self) -> str:
        """Name of the class that reads the files, for people and protocols."""
        return type(self).__name__

    @property
    def options(self) -> list[str]:
        """Names of the reader's own options."""
        return reader_options(type(self))

    @property
    def colours(self) -> Colours:
        """RGB of each class; empty where there are no classes."""
        return self.classes.colours if self.classes else ()

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.names)

    @abstractmethod
    def __getitem__(self, index: int) -> Sample:
        """Sample number ``index``, 0 <= index < len.

        Raises:
            DataError: if a file is broken; the sentence names it.
        """

    def sources(self, index: int) -> Sequence[Path]:  # noqa: ARG002  what is made up has none
        """The files that a sample is made of: a copy of it is good as long as they stay as they are."""
        return ()

    def optical_axis(self, index: int, size: tuple[int, int]) -> tuple[float, float]:  # noqa: ARG002  most are in the middle
        """Where the axis of a sample's camera meets the picture: column and row, for a picture of so many rows and columns."""
        return (size[1] - 1) / 2, (size[0] - 1) / 2

    def image(self, index: int) -> UInt8[ndarray, "h w 3"]:
        """The picture of a sample alone, for whoever has no use for its truths.

        Raises:
            DataError: if its file is broken.
        """
        return self[index].image

    def picture(self, index: int) -> Path | None:  # noqa: ARG002  what is made up has none
        """The file of a sample's picture; None where there is none."""
        return None

    def too_far(self, index: int, kind: str) -> int:  # noqa: ARG002  most readers leave nothing out
        """Number of measurements of a kind that the reader leaves out of a sample because they are too far; for the doctor."""
        return 0


def reader_options(reader: type[Dataset]) -> list[str]:
    """Names of a data set's own options: the keyword arguments of its constructor."""
    parameters = inspect.signature(reader.__init__).parameters
    return [key for key, value in parameters.items() if value.kind is value.KEYWORD_ONLY]
