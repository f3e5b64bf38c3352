"""What every saliency study promises: one picture in, a row for every target out."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Int, Shaped
from numpy import ndarray

from segdepth.core.errors import DataError
from segdepth.core.words import as_file_name
from segdepth.data import Sample
from segdepth.kinds import KINDS, Kind

from .columns import peak_column
from .grid import TargetGrid
from .sources import MapSource

__all__ = ["Experiment", "Rows"]

#: Columns by name, all of one length.
Rows = Mapping[str, Shaped[ndarray, " p"]]


class Experiment(ABC):
    """A measurement of the maps of one picture.

    Attributes:
        study: the study's name.
        grid: of targets.
        sources: of maps.
        thresholds: shares of a normalised map's range.
    """

    study: ClassVar[str]
    grid: TargetGrid
    sources: Sequence[MapSource]
    thresholds: tuple[float, ...]

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """The statistics, by name."""

    @abstractmethod
    def measure(self, sample: Sample, pixels: Int[ndarray, "p 2"]) -> Rows:
        """The statistics, and other columns that need the networks, of some targets.

        Args:
            sample: at the network's size.
            pixels: row and column of the targets.
        """

    @property
    def peaks(self) -> tuple[str, ...]:
        """The columns with the maps' largest values."""
        return (peak_column(),)

    @property
    def name(self) -> str:
        """Of the store's folder: network and task."""
        source = self.sources[0]
        return as_file_name(f"{source.prefix}{source.network}" + (f"_{source.task}" if source.task != "none" else ""))

    def targets(self, sample: Sample) -> Int[ndarray, "p 2"]:
        """The targets of a picture."""
        del sample
        return self.grid.pixels

    @property
    def block(self) -> int | None:
        """Targets that are measured together: cut after them, the numbers stay the same. None: all of a picture."""
        return math.lcm(*(source.block(self.grid.window) for source in self.sources))

    @property
    def blocks(self) -> int:
        """Blocks of a picture; of one that has fewer targets than the grid the last ones are empty."""
        return 1 if self.block is None else max(1, -(-len(self.grid.pixels) // self.block))

    def rows(self, sample: Sample, block: int | None = None) -> dict[str, Shaped[ndarray, " p"]]:
        """Every target of a picture: where it is, what is there, and the statistics of its map.

        Args:
            sample: at the network's size.
            block: number of the block; None: all.
        """
        self.check(sample)
        pixels = self.targets(sample)
        if block is not None and self.block is not None:
            pixels = pixels[block * self.block : (block + 1) * self.block]
        row, col = pixels.T
        places = {"row": row.astype(np.int16), "col": col.astype(np.int16)}
        there = {kind.column: _truth_at(kind, sample, pixels) for kind in KINDS.values() if kind.column is not None}
        return {**places, **there, **self.measure(sample, pixels)}

    def check(self, sample: Sample) -> None:
        """Refuse a picture that is not at the study's size.

        Raises:
            DataError: with both sizes.
        """
        if sample.image.shape[:2] != self.grid.size:
            raise DataError(f"{sample.name!r} is {sample.image.shape[:2]}, the study is at {self.grid.size}")

    def describe(self) -> dict[str, Any]:
        """The protocol, plain data."""
        rows, columns = self.grid.window
        return {
            "size": list(self.grid.size),
            "crop": self.grid.crop,
            "window": [rows.start, rows.stop, columns.start, columns.stop],
            "sample_rate": self.grid.sample_rate,
            "grid_start": self.grid.start,
            "thresholds": list(self.thresholds),
            "normalisation": "reference",
            "sources": [source.describe() for source in self.sources],
        }


def _truth_at(kind: Kind, sample: Sample, pixels: Int[ndarray, "p 2"]) -> Shaped[ndarray, " p"]:
    """What is known of some pixels; of a picture without this kind of truth nothing is."""
    if kind.name in sample.truths:
        return kind.tabled(sample.truths[kind.name][tuple(pixels.T)])
    return kind.tabled(np.full(len(pixels), kind.void, kind.dtype))
