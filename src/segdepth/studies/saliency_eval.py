"""How far and how widely a network's maps reach: per target (``eval``), and per class of the target (``class``)."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from segdepth.core.errors import DataError
from segdepth.data import Sample
from segdepth.kinds import KINDS
from segdepth.saliency.measuring import MEASURES, measure_maps

from .columns import REACH, Column, peak_column
from .experiment import Experiment, Rows
from .grid import TargetGrid
from .sources import MapSource

__all__ = ["ClassStudy", "EvalStudy", "statistic_names"]

#: The kind of truth whose values are classes.
_CLASSES = next(kind for kind in KINDS.values() if kind.names_classes)


def statistic_names(thresholds: Sequence[float]) -> tuple[str, ...]:
    """What :func:`~segdepth.saliency.measuring.measure_maps` gives, in order."""
    return (*(Column(measure, t).name for measure in REACH for t in thresholds), *MEASURES)


class EvalStudy(Experiment):
    """Statistics of a network's map for every target of a grid.

    Args:
        source: of the maps.
        grid: of targets.
        thresholds: shares of a normalised map's range.
    """

    study: ClassVar[str] = "eval"

    def __init__(self, source: MapSource, grid: TargetGrid, thresholds: tuple[float, ...] = (0.1, 0.5, 0.9)) -> None:
        self.sources = (source,)
        self.grid = grid
        self.thresholds = thresholds

    @property
    def columns(self) -> tuple[str, ...]:
        """The statistics."""
        return statistic_names(self.thresholds)

    def measure(self, sample: Sample, pixels: Int[ndarray, "p 2"]) -> Rows:
        """The statistics, the map's largest value ("peak") and what the network says at the target ("answer" and its numbers)."""
        source = self.sources[0]
        relative = torch.from_numpy(pixels - self.grid.corner)
        statistics, peaks = [], []
        done = 0
        for maps in source.maps(sample.image, pixels, self.grid.window):
            statistics.append(measure_maps(maps, relative[done : done + len(maps)], self.thresholds))
            peaks.append(maps.amax((1, 2)))
            done += len(maps)
        said = source.answers_at(sample.image, pixels, "answer")
        columns = _together(statistics, len(self.columns)).T
        return {
            **said,
            peak_column(): _together([p[:, None] for p in peaks], 1)[:, 0],
            **dict(zip(self.columns, columns, strict=True)),
        }


class ClassStudy(EvalStudy):
    """The same for the labelled targets of a grid that starts in the crop's corner: statistics per class.

    Args:
        source: of the maps.
        grid: of targets.
        thresholds: shares of a normalised map's range.
    """

    study: ClassVar[str] = "class"

    def __init__(
        self, source: MapSource, grid: TargetGrid, thresholds: tuple[float, ...] = (0.1, 0.3, 0.5, 0.7, 0.9)
    ) -> None:
        super().__init__(source, grid, thresholds)

    def targets(self, sample: Sample) -> Int[ndarray, "p 2"]:
        """Those of which a class is known.

        Raises:
            DataError: if the picture has no truth that names classes.
        """
        truth = sample.truths.get(_CLASSES.name)
        if truth is None:
            name = _CLASSES.name
            raise DataError(f"{sample.name!r} has no {name}; the class study needs pictures with {name}")
        pixels = self.grid.pixels
        return np.compress(truth[tuple(pixels.T)] != _CLASSES.void, pixels, axis=0)


def _together(parts: Iterable[Float[Tensor, "_p s"]], columns: int) -> Float[ndarray, "p s"]:
    arrays = [part.cpu().numpy().astype(np.float32) for part in parts]
    return np.concatenate(arrays) if arrays else np.zeros((0, columns), np.float32)
