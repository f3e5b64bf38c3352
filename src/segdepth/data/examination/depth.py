"""Depth: whether it is in metres, and whether it lies on the picture's edges."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import cv2
import numpy as np
from jaxtyping import Float32, Float64, Int64
from numpy import ndarray

from segdepth.core.words import counted

from ..leakage import drive_of
from ..sample import Dataset, Sample
from .examiner import Examiner, Finding, Severity, Shares, few

if TYPE_CHECKING:
    from typing import Self

__all__ = ["DepthExaminer"]

#: Edges of the histogram of depth, metres.
EDGES_M: tuple[float, ...] = (0.0, 1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 40.0, 60.0, 80.0, 120.0, 1e9)

#: By how many columns the edges of depth are tried against those of the picture.
SHIFTS_PX: tuple[int, ...] = tuple(range(-24, 25, 2))

_FEW_DEPTHS = 0.001
# the median depth of a room is a metre or more, that of a street less than a hundred
_LEAST_MEDIAN_M, _MOST_MEDIAN_M = 0.4, 120.0
_FARTHEST_M = 1000.0
_STREET_MEDIAN_M = 40.0
# a scanner sees somewhat farther than what is scored, and seldom
_BEYOND, _MANY_BEYOND, _MANY_CUT = 1.5, 0.01, 0.05
# where depth is scored to 80 m, half of it is not nearer than 5.3 m, and something is farther than 40 m
_NEAR_MEDIAN, _NEAR_FARTHEST = 1 / 15, 1 / 2
# the largest number of 16 bits in 1/256 m, millimetres, 1/5000 m and centimetres
_FULL_SCALES_M = (65535 / 256, 65.535, 13.107, 655.35)
_MANY_SATURATED = 0.001
# a jump in depth is a step of a fifth between measurements at most so many columns apart
_JUMP, _REACH_PX = 1.2, 6
_FEWEST_EDGES = 500
_SHIFT_ALLOWED_PX = 5
_PEAK = 1.05


@dataclass
class DepthExaminer(Examiner):
    """Measures distances, and how far jumps in depth are from the picture's edges.

    Attributes:
        depths: measurements in each interval of :data:`EDGES_M`.
        medians: median depth of each sample, metres.
        farthest: largest depth, metres.
        beyond: measurements much farther than the data set's range of depths.
        cut: measurements that the reader leaves out as too far.
        saturated: measurements that are the largest number of a 16-bit file, in a usual unit.
        edges: day of recording ("" where the name has none) -> strength of the pictures' edges at jumps in depth, for each of
            :data:`SHIFTS_PX`; and the number of jumps.
    """

    depths: Int64[ndarray, " bins"] = field(default_factory=lambda: np.zeros(len(EDGES_M) - 1, np.int64))
    medians: list[float] = field(default_factory=list)
    farthest: float = 0.0
    beyond: int = 0
    cut: int = 0
    saturated: int = 0
    edges: dict[str, Float64[ndarray, " shifts"]] = field(default_factory=dict)

    def _is_empty(self, truth: Float32[ndarray, "h w"]) -> bool:
        """Hardly anything is measured."""
        return int((truth > 0).sum()) < max(1, _FEW_DEPTHS * truth.size)

    def _look(self, sample: Sample, dataset: Dataset, index: int) -> None:
        depth = sample.truth(self.kind)
        valid = depth[depth > 0]
        if valid.size:
            self.depths = self.depths + np.histogram(valid, EDGES_M)[0]
            self.medians.append(float(np.median(valid)))
            farthest = float(valid.max())
            self.farthest = max(self.farthest, farthest)
            if dataset.depth_range is not None:
                self.beyond += int((valid > _BEYOND * dataset.depth_range[1]).sum())
            if any(np.isclose(farthest, full, rtol=1e-5) for full in _FULL_SCALES_M):
                self.saturated += int((valid == valid.max()).sum())
        self.cut += dataset.too_far(index, self.kind)
        drive = drive_of(sample.name)
        self._add_edges(drive.date if drive else "", _edges(sample, depth))

    def add(self, other: "Self") -> None:
        """See :meth:`Examiner.add`."""
        super().add(other)
        self.depths = self.depths + other.depths
        self.medians += other.medians
        self.farthest = max(self.farthest, other.farthest)
        self.beyond += other.beyond
        self.cut += other.cut
        self.saturated += other.saturated
        for day, sums in other.edges.items():
            self._add_edges(day, sums)

    def _add_edges(self, day: str, sums: Float64[ndarray, " shifts"]) -> None:
        self.edges[day] = self.edges.get(day, 0) + sums

    def shifts(self) -> dict[str, tuple[int, float]]:
        """By how many columns the jumps of depth fit the pictures best, and how much better than the average shift, by day.

        Days with too few jumps to say are left out.
        """
        result = {}
        for day, sums in self.edges.items():
            if sums[-1] >= _FEWEST_EDGES:
                smooth = np.convolve(np.pad(sums[:-1], 1, mode="edge"), [0.25, 0.5, 0.25], mode="valid")
                best = int(smooth.argmax())
                result[day] = (SHIFTS_PX[best], float(smooth[best] / max(smooth.mean(), 1e-9)))
        return result

    def findings(self, split: str, dataset: Dataset) -> Iterable[Finding]:
        """See :meth:`Examiner.findings`: samples without depth, another unit than metres, another camera's depth."""
        if self.empty:
            yield Finding(
                "error",
                split,
                f"{counted(len(self.empty), 'sample')} with (almost) no depth: {few(sorted(self.empty))}",
                "see the scans and the calibration",
            )
        yield from self._unit_findings(split, dataset)
        for day, (shift, clarity) in self.shifts().items():
            if abs(shift) > _SHIFT_ALLOWED_PX and clarity > _PEAK:
                yield Finding(
                    "error",
                    f"{split} {day}".strip(),
                    f"jumps in depth fit the pictures' edges best when moved by {shift} columns",
                    "the calibration is of another day or camera, or picture and depth are of different moments",
                )

    def _unit_findings(self, split: str, dataset: Dataset) -> Iterable[Finding]:
        """Depth that is too near or too far to be in metres: the plainest sign alone."""
        if not self.medians and not self.cut:
            return
        median = float(np.median(self.medians)) if self.medians else _LEAST_MEDIAN_M + 1
        measured = max(1, int(self.depths.sum()))
        scored = np.inf if dataset.depth_range is None else dataset.depth_range[1]
        saturated, beyond, cut = self.saturated / measured, self.beyond / measured, self.cut / (measured + self.cut)
        here = f"up to {self.farthest:.4g} m, in a data set that is scored up to {scored:g} m"
        severity: Severity = "error"
        todo = "see the unit: 16-bit files are mostly millimetres (0.001) or 1/256 m"
        if not _LEAST_MEDIAN_M < median < _MOST_MEDIAN_M:
            what = f"the median depth is {median:.4g} m, which is no room and no street"
        elif saturated > _MANY_SATURATED:
            what = f"{100 * saturated:.1f} % of the depth is {self.farthest:.4g} m, the largest number of a 16-bit file"
            todo = f"values that mean 'none' must be 0; or {todo}"
        elif self.farthest > _FARTHEST_M:
            what, todo = f"the farthest depth is {self.farthest:.4g} m", "values that mean 'none' must be 0"
        elif beyond > _MANY_BEYOND:
            what = f"{100 * beyond:.0f} % of the depth is beyond {_BEYOND * scored:g} m ({here})"
        elif cut > _MANY_CUT:
            severity, what = "warning", f"{100 * cut:.0f} % of the depth is left out, because it is beyond {scored:g} m"
            todo += "; right if it is meant to be (max_depth) or means 'none' (then say invalid_depth)"
        elif median > _STREET_MEDIAN_M:
            severity, what = "warning", f"the median depth is {median:.4g} m, far for a street"
            todo += "; right for pictures from the air"
        elif median < _NEAR_MEDIAN * scored < np.inf and self.farthest < _NEAR_FARTHEST * scored:
            severity, what = "warning", f"the median depth is {median:.3g} m, which is near ({here})"
            todo += "; right for a small scene (then lower max_depth, where the data set has it)"
        else:
            return
        yield Finding(severity, split, what, todo)

    def sentences(self) -> Iterable[str]:
        """See :meth:`Examiner.sentences`: how well depth lies on the pictures."""
        for day, (shift, clarity) in self.shifts().items():
            yield (
                f"Jumps in depth{f' of {day}' if day else ''} fit the pictures' edges best when moved by {shift} columns"
                f" ({clarity:.2f} times the average shift; 0 is right)."
            )

    def tables(self, dataset: Dataset) -> Iterable[Shares]:
        """See :meth:`Examiner.tables`: the share of the measurements in each interval of distance."""
        del dataset
        total = self.depths.sum()
        if total:
            names = (
                f"{low:g}-{high:g} m" if high < EDGES_M[-1] else f"over {low:g} m" for low, high in pairwise(EDGES_M)
            )
            shares = (self.depths / total).tolist()
            yield Shares("share of measurements", dict(zip(names, shares, strict=True)))


def _edges(sample: Sample, depth: Float32[ndarray, "h w"]) -> Float64[ndarray, " shifts"]:
    """How strong the picture's vertical edges are where depth jumps along a row, and the same some columns away.

    Only jumps from near to far count, on the near side: what is near hides what is far, so its border is an edge of the picture.
    """
    grey = cv2.cvtColor(sample.image, cv2.COLOR_RGB2GRAY)
    strength = np.minimum(np.abs(cv2.Sobel(grey, cv2.CV_32F, 1, 0, ksize=3)), 200)
    row, column = np.nonzero(depth)
    measured = depth[row, column]
    together = (row[1:] == row[:-1]) & (column[1:] - column[:-1] <= _REACH_PX)
    with np.errstate(over="ignore"):
        ratio = measured[1:] / measured[:-1]
    rising = np.flatnonzero(together & (ratio > _JUMP))  # near on the left
    falling = np.flatnonzero(together & (ratio < 1 / _JUMP)) + 1  # near on the right
    at = np.concatenate([rising, falling])
    margin = max(SHIFTS_PX)
    at = at[(column[at] >= margin) & (column[at] < grey.shape[1] - margin)]
    sums = [float(strength[row[at], column[at] + shift].sum()) for shift in SHIFTS_PX]
    return np.array([*sums, float(len(at))])
