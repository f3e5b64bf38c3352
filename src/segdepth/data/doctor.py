"""The doctor: reads every sample of a data set and says what is wrong with it, where, and what to do."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import cv2
import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from segdepth.core.errors import DataError, SegdepthError
from segdepth.core.processes import in_processes
from segdepth.core.words import counted
from segdepth.kinds import IGNORE

from .leakage import drive_of, shared_scenes
from .sample import Dataset, Sample, reader_options

__all__ = ["DEPTH_EDGES_M", "SHIFTS_PX", "Facts", "Finding", "Report", "examine", "examine_splits"]

#: Edges of the histogram of depth, metres.
DEPTH_EDGES_M: tuple[float, ...] = (0.0, 1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 40.0, 60.0, 80.0, 120.0, 1e9)

#: By how many columns the edges of depth are tried against those of the picture.
SHIFTS_PX: tuple[int, ...] = tuple(range(-24, 25, 2))

Progress = Callable[[int, int], None]
Severity = Literal["error", "warning"]

_CHUNK = 16
_MANY_IGNORED = 0.5
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


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be.

    Attributes:
        severity: an error is wrong; a warning may be meant.
        where: split, and sample where it is one sample's.
        what: is wrong, in a sentence.
        todo: what would mend it.
    """

    severity: Severity
    where: str
    what: str
    todo: str


@dataclass(slots=True)
class Facts:
    """What was seen in samples; sums, so that those of many samples can be added up.

    Attributes:
        samples: number of those that could be read.
        sizes: "rows x columns" -> samples.
        classes: pixels of each train id.
        pixels: in all.
        depths: measurements in each interval of :data:`DEPTH_EDGES_M`.
        without_depth: samples with (almost) no measurement.
        medians: median depth of each sample, metres.
        farthest: largest depth, metres.
        beyond: measurements much farther than the data set's range of depths.
        cut: measurements that the reader leaves out as too far.
        saturated: measurements that are the largest number of a 16-bit file, in a usual unit.
        edges: day of recording ("" where the name has none) -> strength of the pictures' edges at jumps in depth, for each of
            :data:`SHIFTS_PX`; and the number of jumps.
        digests: hash of each picture -> names.
        void: samples whose labels are ignored in every pixel.
        bad: name -> what is wrong.
    """

    samples: int = 0
    sizes: Counter[str] = field(default_factory=Counter)
    classes: Int64[ndarray, "256"] = field(default_factory=lambda: np.zeros(256, np.int64))
    pixels: int = 0
    depths: Int64[ndarray, " bins"] = field(default_factory=lambda: np.zeros(len(DEPTH_EDGES_M) - 1, np.int64))
    without_depth: list[str] = field(default_factory=list)
    medians: list[float] = field(default_factory=list)
    farthest: float = 0.0
    beyond: int = 0
    cut: int = 0
    saturated: int = 0
    edges: dict[str, Float64[ndarray, " shifts"]] = field(default_factory=dict)
    digests: dict[str, list[str]] = field(default_factory=dict)
    void: list[str] = field(default_factory=list)
    bad: dict[str, str] = field(default_factory=dict)

    def add(self, other: "Facts") -> None:
        """Take over those of other samples."""
        self.samples += other.samples
        self.sizes += other.sizes
        self.classes = self.classes + other.classes
        self.pixels += other.pixels
        self.depths = self.depths + other.depths
        self.without_depth += other.without_depth
        self.medians += other.medians
        self.farthest = max(self.farthest, other.farthest)
        self.beyond += other.beyond
        self.cut += other.cut
        self.saturated += other.saturated
        for day, sums in other.edges.items():
            self.edges[day] = self.edges.get(day, 0) + sums
        for digest, names in other.digests.items():
            self.digests.setdefault(digest, []).extend(names)
        self.void += other.void
        self.bad |= other.bad

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


@dataclass(frozen=True, slots=True)
class Report:
    """What the doctor found.

    Attributes:
        facts: by split.
        findings: the errors first.
    """

    facts: Mapping[str, Facts]
    findings: tuple[Finding, ...]

    @property
    def healthy(self) -> bool:
        """Whether there is no error."""
        return all(finding.severity != "error" for finding in self.findings)


def examine(sample: Sample, depth_range: tuple[float, float] | None = None) -> Facts:
    """The facts of one sample.

    Args:
        sample: with its truth.
        depth_range: smallest and largest depth that is scored, metres.
    """
    facts = Facts(samples=1, pixels=sample.image.shape[0] * sample.image.shape[1])
    facts.sizes[f"{sample.image.shape[0]}x{sample.image.shape[1]}"] += 1
    facts.digests[hashlib.sha256(sample.image.tobytes()).hexdigest()] = [sample.name]
    if (labels := sample.truths.get("labels")) is not None:
        facts.classes = np.bincount(labels.ravel(), minlength=256).astype(np.int64)
        facts.void = [sample.name] if facts.classes[IGNORE] == labels.size else []
    if "depth" in sample.truths:
        _examine_depth(sample, facts, depth_range)
    return facts


def _examine_depth(sample: Sample, facts: Facts, depth_range: tuple[float, float] | None) -> None:
    depth = sample.truth("depth")
    valid = depth[depth > 0]
    if valid.size < max(1, _FEW_DEPTHS * depth.size):
        facts.without_depth.append(sample.name)
    if valid.size:
        facts.depths = np.histogram(valid, DEPTH_EDGES_M)[0].astype(np.int64)
        facts.medians.append(float(np.median(valid)))
        facts.farthest = float(valid.max())
        facts.beyond = 0 if depth_range is None else int((valid > _BEYOND * depth_range[1]).sum())
        if any(np.isclose(facts.farthest, full, rtol=1e-5) for full in _FULL_SCALES_M):
            facts.saturated = int((valid == valid.max()).sum())
    drive = drive_of(sample.name)
    facts.edges[drive.date if drive else ""] = _edges(sample)


def _edges(sample: Sample) -> Float64[ndarray, " shifts"]:
    """How strong the picture's vertical edges are where depth jumps along a row, and the same some columns away.

    Only jumps from near to far count, on the near side: what is near hides what is far, so its border is an edge of the picture.
    """
    grey = cv2.cvtColor(sample.image, cv2.COLOR_RGB2GRAY)
    strength = np.minimum(np.abs(cv2.Sobel(grey, cv2.CV_32F, 1, 0, ksize=3)), 200)
    row, column = np.nonzero(sample.truth("depth"))
    depth = sample.truth("depth")[row, column]
    together = (row[1:] == row[:-1]) & (column[1:] - column[:-1] <= _REACH_PX)
    ratio = depth[1:] / depth[:-1]
    rising = np.flatnonzero(together & (ratio > _JUMP))  # near on the left
    falling = np.flatnonzero(together & (ratio < 1 / _JUMP)) + 1  # near on the right
    at = np.concatenate([rising, falling])
    margin = max(SHIFTS_PX)
    at = at[(column[at] >= margin) & (column[at] < grey.shape[1] - margin)]
    sums = [float(strength[row[at], column[at] + shift].sum()) for shift in SHIFTS_PX]
    return np.array([*sums, float(len(at))])


def _examine_some(dataset: Dataset, indices: Sequence[int]) -> Facts:
    facts = Facts()
    for index in indices:
        try:
            seen = examine(dataset[index], dataset.depth_range)
            seen.cut = dataset.too_far(index) if "depth" in dataset.targets else 0
            facts.add(seen)
        except SegdepthError as error:
            facts.bad[dataset.names[index]] = str(error)
    return facts


def examine_splits(
    splits: Mapping[str, Dataset | SegdepthError], *, besides: Sequence[str] = (), workers: int = 1, skip_bad: bool = False,
    allow_missing: bool = False, progress: Progress | None = None,
) -> Report:  # fmt: skip
    """Read every sample of every split.

    Args:
        splits: by name; an error where the split could not even be opened.
        besides: splits that could be opened, too, for advice on those that could not.
        workers: processes.
        skip_bad: samples that are broken or incomplete will be left out, so they are no more than warnings.
        allow_missing: the same of those that are incomplete.
        progress: called with (samples done, samples in all).
    """
    opened = {name: dataset for name, dataset in splits.items() if isinstance(dataset, Dataset)}
    total, done = sum(map(len, opened.values())), 0
    facts = {name: Facts() for name in opened}
    for name, dataset in opened.items():
        chunks = [range(start, min(start + _CHUNK, len(dataset))) for start in range(0, len(dataset), _CHUNK)]
        for seen in in_processes(
            partial(_examine_some, dataset), chunks, min(workers, max(1, len(chunks))), _one_thread
        ):
            facts[name].add(seen)
            done += seen.samples + len(seen.bad)
            if progress is not None:
                progress(done, total)
    findings = [
        Finding("error", name, str(error), _mend(error, list(opened), besides))
        for name, error in splits.items()
        if isinstance(error, SegdepthError)
    ]
    for name, dataset in opened.items():
        findings += _findings(name, dataset, facts[name], skip_bad, allow_missing or skip_bad)
    findings += _between(opened, facts)
    return Report(facts, tuple(sorted(findings, key=lambda finding: finding.severity != "error")))


def _mend(error: SegdepthError, opened: Sequence[str], besides: Sequence[str]) -> str:
    """What to do about a split that could not be opened; where another could be, the path is right."""
    todo = error.todo if isinstance(error, DataError) else None
    if todo is None:
        todo = "put the file or folder where it should be" + ("" if opened or besides else ", or mend data.path")
    return todo + (f"; --split {besides[0]} checks what is there" if besides and not opened else "")


def _one_thread() -> None:
    """Workers run beside each other; with a pool of threads in each they would fight for the cores."""
    cv2.setNumThreads(0)


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def _findings(split: str, dataset: Dataset, facts: Facts, skip_bad: bool, allow_missing: bool) -> Iterable[Finding]:
    yield from _broken(split, facts, "warning" if skip_bad else "error")
    if dataset.missing and not (dataset.expected is not None and len(dataset) >= dataset.expected):
        optional = "allow_missing" not in reader_options(type(dataset))  # raw drives have pictures without a scan
        yield Finding(
            "warning" if optional or allow_missing else "error",
            split,
            f"{counted(len(dataset.missing), 'incomplete sample')}: {_few(dataset.missing)}",
            "they are left out; fetch them if you can"
            if optional or allow_missing
            else "fetch them, or leave them out with data.allow_missing=true",
        )
    if facts.samples and "labels" in dataset.targets and dataset.classes is not None:
        yield from _label_findings(split, dataset, facts)
    if facts.samples and "depth" in dataset.targets:
        yield from _depth_findings(split, dataset, facts)


def _broken(split: str, facts: Facts, severity: Severity) -> Iterable[Finding]:
    """What is wrong with files, each sentence once: one calibration breaks a whole day."""
    names: dict[str, list[str]] = {}
    for name, sentence in sorted(facts.bad.items()):
        names.setdefault(sentence, []).append(name)
    todo = "fetch the file anew, or leave it out with --skip-bad" if severity == "error" else "it is left out"
    for sentence, samples in names.items():
        if len(samples) == 1:
            yield Finding(severity, f"{split}: {samples[0]}", sentence, todo)
        else:
            yield Finding(severity, split, f"{sentence} ({len(samples)} samples: {_few(samples)})", todo)


def _label_findings(split: str, dataset: Dataset, facts: Facts) -> Iterable[Finding]:
    assert dataset.classes is not None
    counts, ignored = facts.classes[: len(dataset.classes)], facts.classes[IGNORE]
    if facts.void:
        yield Finding(
            "error",
            split,
            f"{counted(len(facts.void), 'label file')} without any class, every pixel is ignored: {_few(sorted(facts.void))}",
            "fetch them anew, or remove these pictures: they teach nothing",
        )
    if ignored > _MANY_IGNORED * max(1, facts.classes.sum()):
        share = 100 * ignored / facts.classes.sum()
        yield Finding(
            "warning",
            split,
            f"{share:.0f} % of the pixels are ignored",
            "see whether the label files hold other values than expected",
        )
    absent = [name for name, count in zip(dataset.classes.names, counts, strict=True) if count == 0]
    if absent:
        yield Finding(
            "warning",
            split,
            f"classes that never occur: {', '.join(absent)}",
            "right for a small set; otherwise see the label ids",
        )


def _depth_findings(split: str, dataset: Dataset, facts: Facts) -> Iterable[Finding]:
    if facts.without_depth:
        yield Finding(
            "error",
            split,
            f"{counted(len(facts.without_depth), 'sample')} with (almost) no depth: {_few(facts.without_depth)}",
            "see the scans and the calibration",
        )
    yield from _unit_findings(split, dataset, facts)
    for day, (shift, clarity) in facts.shifts().items():
        if abs(shift) > _SHIFT_ALLOWED_PX and clarity > _PEAK:
            yield Finding(
                "error",
                f"{split} {day}".strip(),
                f"jumps in depth fit the pictures' edges best when moved by {shift} columns",
                "the calibration is of another day or camera, or picture and depth are of different moments",
            )


def _unit_findings(split: str, dataset: Dataset, facts: Facts) -> Iterable[Finding]:
    """Depth that is too near or too far to be in metres: the plainest sign alone."""
    if not facts.medians and not facts.cut:
        return
    median = float(np.median(facts.medians)) if facts.medians else _LEAST_MEDIAN_M + 1
    measured = max(1, int(facts.depths.sum()))
    scored = np.inf if dataset.depth_range is None else dataset.depth_range[1]
    saturated, beyond, cut = facts.saturated / measured, facts.beyond / measured, facts.cut / (measured + facts.cut)
    here = f"up to {facts.farthest:.4g} m, in a data set that is scored up to {scored:g} m"
    severity: Severity = "error"
    todo = "see the unit: 16-bit files are mostly millimetres (0.001) or 1/256 m"
    if not _LEAST_MEDIAN_M < median < _MOST_MEDIAN_M:
        what = f"the median depth is {median:.4g} m, which is no room and no street"
    elif saturated > _MANY_SATURATED:
        what = f"{100 * saturated:.1f} % of the depth is {facts.farthest:.4g} m, the largest number of a 16-bit file"
        todo = f"values that mean 'none' must be 0; or {todo}"
    elif facts.farthest > _FARTHEST_M:
        what, todo = f"the farthest depth is {facts.farthest:.4g} m", "values that mean 'none' must be 0"
    elif beyond > _MANY_BEYOND:
        what = f"{100 * beyond:.0f} % of the depth is beyond {_BEYOND * scored:g} m ({here})"
    elif cut > _MANY_CUT:
        severity, what = "warning", f"{100 * cut:.0f} % of the depth is left out, because it is beyond {scored:g} m"
        todo += "; right if it is meant to be (max_depth) or means 'none' (then say invalid_depth)"
    elif median > _STREET_MEDIAN_M:
        severity, what = "warning", f"the median depth is {median:.4g} m, far for a street"
        todo += "; right for pictures from the air"
    elif median < _NEAR_MEDIAN * scored < np.inf and facts.farthest < _NEAR_FARTHEST * scored:
        severity, what = "warning", f"the median depth is {median:.3g} m, which is near ({here})"
        todo += "; right for a small scene (then lower max_depth, where the data set has it)"
    else:
        return
    yield Finding(severity, split, what, todo)


def _between(datasets: Mapping[str, Dataset], facts: Mapping[str, Facts]) -> Iterable[Finding]:
    """Pictures and drives that are in two splits, and pictures that are twice in one."""
    names = list(facts)
    for index, first in enumerate(names):
        twice = [found for found in facts[first].digests.values() if len(found) > 1]
        if twice:
            yield Finding(
                "warning",
                first,
                f"{counted(len(twice), 'picture')} there more than once, such as {' = '.join(twice[0])}",
                "remove the copies",
            )
        for second in names[index + 1 :]:
            both = facts[first].digests.keys() & facts[second].digests.keys()
            if both:
                example = min(both)
                pair = f"{facts[first].digests[example][0]} = {facts[second].digests[example][0]}"
                yield Finding(
                    "error",
                    f"{first}, {second}",
                    f"{counted(len(both), 'picture')} in both, such as {pair}",
                    "scores would be too good: remove them from one",
                )
            elif shared := shared_scenes(datasets[first].names, datasets[second].names):
                yield Finding(
                    "warning",
                    f"{first}, {second}",
                    f"pictures of the same drives are in both: {', '.join(sorted(shared)[:3])}",
                    "split by drive",
                )
