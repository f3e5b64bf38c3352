"""The doctor: reads every sample of a data set and says what is wrong with it, where, and what to do."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import cv2

from segdepth.core.errors import DataError, SegdepthError
from segdepth.core.processes import in_processes
from segdepth.core.words import counted

from .examination import Examiner, Finding, Severity, examiners_of, few
from .leakage import shared_scenes
from .sample import Dataset

__all__ = ["Facts", "Finding", "Report", "examine", "examine_splits"]

Progress = Callable[[int, int], None]
_CHUNK = 16


@dataclass(slots=True)
class Facts:
    """What was seen in samples; sums, so that those of many samples can be added up.

    Attributes:
        examiners: of each kind of truth that is asked for, with what it saw.
        samples: number of those that could be read.
        sizes: "rows x columns" -> samples.
        digests: hash of each picture -> names.
        bad: name -> what is wrong.
    """

    examiners: Mapping[str, Examiner] = field(default_factory=dict)
    samples: int = 0
    sizes: Counter[str] = field(default_factory=Counter)
    digests: dict[str, list[str]] = field(default_factory=dict)
    bad: dict[str, str] = field(default_factory=dict)

    def add(self, other: "Facts") -> None:
        """Take over those of other samples of the same data set."""
        for kind, examiner in self.examiners.items():
            examiner.add(other.examiners[kind])
        self.samples += other.samples
        self.sizes += other.sizes
        for digest, names in other.digests.items():
            self.digests.setdefault(digest, []).extend(names)
        self.bad |= other.bad


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


def examine(dataset: Dataset, index: int) -> Facts:
    """The facts of one sample.

    Raises:
        DataError: if one of its files is broken.
    """
    sample = dataset[index]
    facts = Facts(examiners_of(dataset.targets), samples=1)
    facts.sizes[f"{sample.image.shape[0]}x{sample.image.shape[1]}"] += 1
    facts.digests[hashlib.sha256(sample.image.tobytes()).hexdigest()] = [sample.name]
    for examiner in facts.examiners.values():
        examiner.look(sample, dataset, index)
    return facts


def _examine_some(dataset: Dataset, indices: Sequence[int]) -> Facts:
    facts = Facts(examiners_of(dataset.targets))
    for index in indices:
        try:
            facts.add(examine(dataset, index))
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
    facts = {name: Facts(examiners_of(dataset.targets)) for name, dataset in opened.items()}
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


def _findings(split: str, dataset: Dataset, facts: Facts, skip_bad: bool, allow_missing: bool) -> Iterable[Finding]:
    yield from _broken(split, facts, "warning" if skip_bad else "error")
    if dataset.missing and not (dataset.expected is not None and len(dataset) >= dataset.expected):
        optional = "allow_missing" not in dataset.options  # raw drives have pictures without a scan
        yield Finding(
            "warning" if optional or allow_missing else "error",
            split,
            f"{counted(len(dataset.missing), 'incomplete sample')}: {few(dataset.missing)}",
            "they are left out; fetch them if you can"
            if optional or allow_missing
            else "fetch them, or leave them out with data.allow_missing=true",
        )
    if facts.samples:
        for examiner in facts.examiners.values():
            yield from examiner.findings(split, dataset)


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
            yield Finding(severity, split, f"{sentence} ({len(samples)} samples: {few(samples)})", todo)


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
