"""How much of what one task uses does the other use too: overlap of both maps of one target."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from numpy import ndarray
from torch import Tensor

from segdepth.core.errors import InputError
from segdepth.core.words import as_file_name
from segdepth.data import Sample
from segdepth.saliency.measuring import measure_overlaps

from .columns import OVERLAP, Column, peak_column
from .experiment import Experiment, Rows
from .grid import TargetGrid
from .pairing import CLAIM
from .sources import MapSource

__all__ = ["IouStudy"]


class IouStudy(Experiment):
    """IoU of the active pixels of two networks' maps for every target of a grid; nan where neither has one.

    Args:
        first: maps of the network for the claim's first task.
        second: of the one for its second.
        grid: of targets.
        thresholds: shares of a normalised map's range.
    """

    study: ClassVar[str] = "iou"

    def __init__(
        self,
        first: MapSource,
        second: MapSource,
        grid: TargetGrid,
        thresholds: tuple[float, ...] = (0.05, 0.1, 0.5, 0.9),
    ) -> None:
        tasks = first.task, second.task
        if tasks != CLAIM:
            raise InputError(
                f"overlap is of a {' and a '.join(CLAIM)} network, in this order; these are {', '.join(tasks)}"
            )
        self.sources = (first, second)
        self.grid = grid
        self.thresholds = thresholds

    @property
    def name(self) -> str:
        """The network, or both where they differ."""
        first, second = (s.prefix + s.network for s in self.sources)
        return as_file_name(first if first == second else f"{first}_{second}")

    @property
    def columns(self) -> tuple[str, ...]:
        """One per threshold."""
        return tuple(Column(measure, t).name for measure in OVERLAP for t in self.thresholds)

    @property
    def peaks(self) -> tuple[str, ...]:
        """One for each network."""
        return tuple(peak_column(source.task) for source in self.sources)

    def measure(self, sample: Sample, pixels: Int[ndarray, "p 2"]) -> Rows:
        """The overlaps, each map's largest value and each network's answer at the target (``answer_<task>``)."""
        streams = (source.maps(sample.image, pixels, self.grid.window) for source in self.sources)
        parts, peaks = [], []
        for a, b in _together(*streams):
            parts.append(measure_overlaps(a, b.to(a.device), self.thresholds).cpu().numpy().astype(np.float32))
            peaks.append([maps.amax((1, 2)).cpu().numpy().astype(np.float32) for maps in (a, b)])
        overlaps = np.concatenate(parts) if parts else np.zeros((0, len(self.columns)), np.float32)
        largest = np.concatenate(peaks, axis=1) if peaks else np.zeros((2, 0), np.float32)
        answers: dict[str, Shaped[ndarray, " _p"]] = {}
        for source in self.sources:
            answers |= source.answers_at(sample.image, pixels, f"answer_{source.task}")
        return answers | dict(zip(self.peaks, largest, strict=True)) | dict(zip(self.columns, overlaps.T, strict=True))


def _together(
    first: Iterator[Float[Tensor, "_p h w"]], second: Iterator[Float[Tensor, "_p h w"]]
) -> Iterator[tuple[Float[Tensor, "p h w"], Float[Tensor, "p h w"]]]:
    """Both sources' maps of the same targets, whatever the blocks that each comes in."""
    a = b = torch.zeros(0, 0, 0)
    while True:
        while not len(a) and (block := next(first, None)) is not None:
            a = block
        while not len(b) and (block := next(second, None)) is not None:
            b = block
        count = min(len(a), len(b))
        if not count:
            return
        yield a[:count], b[:count]
        a, b = a[count:], b[count:]
