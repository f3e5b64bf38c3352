"""What every kind of truth says of itself, and of answers of its kind."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Shaped, UInt8
from numpy import ndarray

from segdepth.geometry.resize import resize_nearest

__all__ = ["AnswerFiles", "Colours", "Kind", "LegendEntry", "Picture", "ReadAnswer", "Resized", "Truth", "Value"]

Truth = Shaped[ndarray, "h w *values"]
#: At another size than what it was made of.
Resized = Shaped[ndarray, "_h _w *values"]
Picture = UInt8[ndarray, "h w 3"]
#: What stands at one pixel.
Value = np.generic | ndarray
#: RGB of each class of a data set or network, where it has classes.
Colours = Sequence[tuple[int, int, int]]


class LegendEntry(NamedTuple):
    """What a colour means, or a ramp of colours.

    Attributes:
        text: of the colour, or of the ramp's first.
        colours: RGB; several are a ramp, evenly spaced.
        end: of the ramp's last; empty where there is none.
    """

    text: str
    colours: Colours
    end: str = ""


class ReadAnswer(ABC):
    """Reads the files of answers to a data set.

    Attributes:
        unit: of the numbers in the files, one of :attr:`Kind.units`.
    """

    unit: str

    @abstractmethod
    def __call__(self, name: str) -> tuple[Shaped[ndarray, "..."], str]:
        """What :meth:`Kind.answer_from` takes of a sample's file, and the file, for messages.

        Raises:
            DataError: if the file is broken.
        """


class AnswerFiles(ABC):
    """Files of answers to a data set, and the ways in which they can be read."""

    @abstractmethod
    def as_numbers(self, unit: str) -> ReadAnswer:
        """Each holds numbers of this unit."""

    @abstractmethod
    def as_classes(self, unit: str | None) -> ReadAnswer:
        """Each holds classes of the data set, by its train ids or by its label ids; None: what names and values tell.

        Raises:
            DataError: if nothing tells which.
        """


class Kind(ABC):
    """One kind of truth: an array ``[h, w]``, or ``[h, w, values]``, that says something of each pixel of a picture.

    Attributes:
        name: what data sets, files and samples call it.
        void: the value of a pixel of which nothing is known.
        dtype: of truths, and of answers for people (but see :meth:`answer_dtype`).
        units: what the numbers in files of answers may be, the usual one first.
        resizing: how :meth:`answer_from` comes to another size, as an adverb.
        endings: what :meth:`save` appends to a picture's name, without the files' suffixes.
        derived_from: the kind of truth that this one is computed from (see :meth:`derive`); None: files hold it.
        is_relative: whether a value means something only beside the others of its picture.
        is_inverse: whether larger values are nearer.
        names_classes: whether a value is the number of one of a data set's classes.
        symbol: of the unit of a value, beside the number; empty where it has none.
        digits: behind the point that are worth reading.
        column: in tables of pixels, what the column of its values is called; None where a value is no single number.
    """

    name: ClassVar[str]
    void: ClassVar[int | float]
    dtype: ClassVar[type[np.generic]]
    units: ClassVar[tuple[str, ...]]
    resizing: ClassVar[str]
    endings: ClassVar[tuple[str, ...]]
    derived_from: ClassVar[str | None] = None
    is_relative: ClassVar[bool] = False
    is_inverse: ClassVar[bool] = False
    names_classes: ClassVar[bool] = False
    symbol: ClassVar[str] = ""
    digits: ClassVar[int] = 2
    column: ClassVar[str | None] = None

    # from file to loss

    def derive(self, source: Truth, focal_px: float, centre: tuple[float, float]) -> Resized:
        """The truth from the one that it is :attr:`derived_from`, at the same pixels.

        Args:
            source: as a camera with square pixels saw it.
            focal_px: the camera's focal length, pixels.
            centre: column and row of its optical axis.
        """
        raise NotImplementedError

    def resized(self, truth: Truth, size: tuple[int, int], *, points: bool = False) -> Resized:
        """At another size: each pixel takes the value of the nearest one, never a mean of several.

        Args:
            truth: at any size.
            size: rows and columns wanted.
            points: it is known at single points only, of which shrinking must lose none that matters.
        """
        del points
        return resize_nearest(truth, size)

    def turned(self, truth: Truth, turn: Float64[ndarray, "2 2"]) -> Truth:
        """The values after the picture was mapped about its optical axis: where they are directions they turn with it.

        Args:
            truth: its pixels are where they belong already.
            turn: of (x, y), x to the right and y down.
        """
        del turn
        return truth

    def nearer(self, truth: Truth, factor: float) -> Truth:
        """The values as a camera would see them that is so many times nearer."""
        del factor
        return truth

    @abstractmethod
    def target(self, truth: Truth) -> Shaped[ndarray, "*values h w"]:
        """What losses are given, in the type that they compare with: ``[h, w]`` or ``[values, h, w]``."""

    def answer_dtype(self, channels: int) -> type[np.generic]:
        """In which answers for people are held: :attr:`dtype`, where that is wide enough.

        Args:
            channels: of the network that answers.
        """
        del channels
        return self.dtype

    # without looking at a picture

    @abstractmethod
    def guesses(self, truths: Shaped[ndarray, "n h w *values"]) -> Mapping[str, Truth]:
        """The floor that a network has to beat: ``constant``, one answer everywhere, and ``position``, one for each place."""

    # from others' files

    def reader_of(self, files: AnswerFiles, unit: str | None) -> ReadAnswer:
        """Who reads files of answers.

        Args:
            files: of answers of this kind.
            unit: one of :attr:`units`; None: what they tell of themselves, or the usual one.
        """
        return files.as_numbers(unit or self.units[0])

    @abstractmethod
    def answer_from(self, values: Shaped[ndarray, "..."], where: str, size: tuple[int, int], unit: str) -> Truth:
        """The answer at a truth's size from what a file holds.

        Args:
            values: the file's.
            where: the file, for messages.
            size: rows and columns wanted.
            unit: one of :attr:`units`.

        Raises:
            DataError: if these cannot be answers of this kind.
        """

    # in tables of pixels

    def tabled(self, values: Shaped[ndarray, " n"]) -> Shaped[ndarray, " n"]:
        """Values of some pixels for the column.

        Args:
            values: of a truth.
        """
        return values

    def strata(self, values: Shaped[ndarray, " n"], names: Sequence[str]) -> Mapping[str, Bool[ndarray, " n"]]:
        """Which pixels go together in statistics, by the name of each group.

        Args:
            values: of the column.
            names: of the classes, where there are classes.
        """
        del values, names
        return {}

    # for people

    @abstractmethod
    def painter(self, truth: Truth | None, colours: Colours) -> Callable[[Resized], UInt8[ndarray, "_h _w 3"]]:
        """Colours for a truth and for answers to the same picture.

        Args:
            truth: whose range the colours spread over; None: a range for all pictures of streets, which :meth:`legend` says.
            colours: of the classes, where there are classes.
        """

    @abstractmethod
    def legend(self, names: Sequence[str], colours: Colours) -> Sequence[LegendEntry]:
        """What the colours mean that are the same in all pictures.

        Args:
            names: of the classes, where there are classes.
            colours: of the classes.
        """

    @abstractmethod
    def laid_over(self, image: Picture, truth: Truth, colours: Colours) -> Picture:
        """A truth on its picture."""

    @abstractmethod
    def answer_over(self, image: Picture, answer: Truth, colours: Colours) -> Picture:
        """A network's answer, on its picture where that helps."""

    @abstractmethod
    def panels(self, image: Picture, answer: Truth, truth: Truth, colours: Colours) -> Mapping[str, Picture]:
        """Truth, answer, and where they differ, by what each picture shows."""

    @abstractmethod
    def words(self, value: Value, names: Sequence[str], *, exact: bool = False) -> str:
        """A pixel's answer.

        Args:
            value: at the pixel.
            names: of the classes, where there are classes.
            exact: for a table, not for reading.
        """

    @abstractmethod
    def save(self, answer: Truth, stem: Path) -> list[Path]:
        """Write an answer so that others can read it, and :class:`segdepth.evaluation.Predictions` too; the files.

        Args:
            answer: of a picture.
            stem: path to which the files' endings are added.
        """
