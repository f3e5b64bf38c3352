"""Carry out a study: picture by picture, from where it was left, alone or as one of several shards."""

import logging
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from segdepth.core import group
from segdepth.core.errors import InputError
from segdepth.core.files import remove_unfinished
from segdepth.core.locks import Part, held
from segdepth.data import Dataset, Sample
from segdepth.data.loading import resize_sample
from segdepth.saliency.request import BLOCK_BYTES

from .experiment import Experiment
from .store import Store, StudyInfo

__all__ = ["Plan", "Shard", "describe_study", "make_plan", "run_study"]

log = logging.getLogger(__name__)

#: How many of the pictures with zero maps a warning names.
_NAMED = 5

_PROBE = (16, 96)
_BYTES_PER_VALUE = 4


@dataclass(frozen=True)
class Shard:
    """A share of the pictures: number ``index`` of ``count``.

    Example:
        >>> Shard.parse("1/4").of(10)
        [1, 5, 9]
    """

    index: int = 0
    count: int = 1

    @staticmethod
    def parse(text: str | None) -> "Shard":
        """From ``i/n``, counted from 0; None: from torchrun's environment, or else everything.

        Raises:
            InputError: if it is neither.
        """
        if text is None:
            return Shard(group.rank(), group.world_size())
        index, _, count = text.partition("/")
        if not (index.isdigit() and count.isdigit() and int(index) < int(count)):
            raise InputError(f"--shard {text!r} is not i/n with 0 <= i < n, such as 0/4")
        return Shard(int(index), int(count))

    @property
    def part(self) -> Part | None:
        """Of the folder that the shards share; None of the whole."""
        return Part(self.index, self.count) if self.count > 1 else None

    def of(self, count: int) -> list[int]:
        """Which of so many pictures are its own."""
        return list(range(self.index, count, self.count))


def describe_study(experiment: Experiment, dataset: Dataset, count: int) -> StudyInfo:
    """What is asked: the experiment, of the first ``count`` pictures of a data set."""
    tasks = [source.task for source in experiment.sources]
    return StudyInfo(
        kind=experiment.study,
        network=experiment.sources[0].network,
        task=tasks[0] if len(tasks) == 1 else "both",
        model=experiment.sources[0].model,
        columns=experiment.columns,
        protocol=experiment.describe(),
        images=tuple(dataset.names[:count]),
        classes=dataset.classes.names if dataset.classes is not None else (),
        dataset={"kind": dataset.reader, "path": dataset.path and str(dataset.path), "split": dataset.split},
    )


def run_study(
    experiment: Experiment,
    dataset: Dataset,
    store: Store,
    shard: Shard,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Do the pictures of a shard that are not there yet.

    Args:
        experiment: what is measured.
        dataset: the pictures.
        store: where rows go.
        shard: which pictures.
        progress: called with (pictures done, pictures of the shard).

    Returns:
        Number of pictures done now. A warning names the pictures with maps that are zero everywhere, once, at the end.

    Raises:
        BusyError: if another process does them.
    """
    with held(store.folder, shard.part):
        if shard.count == 1:
            remove_unfinished(store.folder)
        return _do(experiment, dataset, store, shard, progress)


def _do(
    experiment: Experiment, dataset: Dataset, store: Store, shard: Shard, progress: Callable[[int, int], None] | None
) -> int:
    own = shard.of(len(store.info.images))
    missing = store.missing(own)
    _compute_as(experiment, store.begin(lambda: _arithmetic(experiment, dataset)))
    zeros: dict[str, int] = {}
    for done, index in enumerate(missing):
        if progress is not None:
            progress(len(own) - len(missing) + done, len(own))
        sample = resize_sample(dataset[index], experiment.grid.size)
        rows = experiment.rows(sample)
        store.write(index, rows, sample.image)
        if count := sum(int((rows[peak] == 0).sum()) for peak in experiment.peaks):
            zeros[store.info.images[index]] = count
    if progress is not None:
        progress(len(own), len(own))
    if zeros:
        log.warning(
            "study: %d maps in %d of %d pictures are zero everywhere: the output has no gradient there (a dead ReLU?); their "
            "rows are kept, with peak 0: %s%s",
            sum(zeros.values()), len(zeros), len(missing), ", ".join(list(zeros)[:_NAMED]),
            ", ..." if len(zeros) > _NAMED else "",
        )  # fmt: skip
    return len(missing)


def _arithmetic(experiment: Experiment, dataset: Dataset) -> dict[str, Any]:
    """Who computes the maps, chosen by the first picture, and what else decides of their last digits."""
    sample = resize_sample(dataset[0], experiment.grid.size)
    count = len(experiment.targets(sample))
    for source in experiment.sources:
        source.settle(sample.image, count, experiment.grid.window)
    return {"engines": [source.engine for source in experiment.sources], **_machine(experiment)}


def _machine(experiment: Experiment) -> dict[str, Any]:
    width = None
    if any(source.engine == "sparse" for source in experiment.sources):
        from segdepth.saliency.sparse.processor import this_processor  # Numba takes a second to import

        width = this_processor().vector_bytes
    return {"precision": "full", "vector_bytes": width, "instruction_sets": torch.backends.cpu.get_cpu_capability()}


def _compute_as(experiment: Experiment, arithmetic: Mapping[str, Any]) -> None:
    """Compute as whoever began the study does; a study from before this was kept says nothing."""
    for source, engine in zip(experiment.sources, arithmetic.get("engines", ()), strict=False):
        if engine is not None:
            source.engine = engine
    here = _machine(experiment)
    other = [
        f"{key} {arithmetic[key]}, here {here[key]}" for key in here if arithmetic.get(key, here[key]) != here[key]
    ]
    if other:
        log.warning(
            "study: begun on another kind of processor (%s): maps computed here may differ from those in the last digits, by "
            "about 1e-6 of their peaks", "; ".join(other),
        )  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """What a shard will take.

    Attributes:
        images: pictures to do.
        done: pictures that are there already.
        maps: to compute, an upper bound where targets need a label.
        seconds_per_image: measured on some targets of one picture.
        memory_bytes: the process's largest size so far, and a block of maps.
        disk_bytes: of the results before compression.
    """

    images: int
    done: int
    maps: int
    seconds_per_image: float
    memory_bytes: int
    disk_bytes: int

    @property
    def seconds(self) -> float:
        """Of all."""
        return self.images * self.seconds_per_image


def make_plan(experiment: Experiment, dataset: Dataset, count: int, missing: list[int]) -> Plan:
    """Measure a few targets of one picture and say what the rest will take.

    Args:
        experiment: what is measured.
        dataset: the pictures.
        count: pictures of the shard.
        missing: those to do.
    """
    seconds = 0.0
    targets = len(experiment.grid.pixels)
    if missing:
        sample = resize_sample(dataset[missing[0]], experiment.grid.size)
        seconds = _seconds_per_image(experiment, sample)
    rows, columns = experiment.grid.window
    one_map = (rows.stop - rows.start) * (columns.stop - columns.start) * _BYTES_PER_VALUE
    block = len(experiment.sources) * min(targets * one_map, BLOCK_BYTES)
    width = len(experiment.columns) + 6
    maps = len(missing) * targets * len(experiment.sources)
    disk = len(missing) * targets * width * _BYTES_PER_VALUE
    return Plan(len(missing), count - len(missing), maps, seconds, _largest_size() + block, disk)


def _seconds_per_image(experiment: Experiment, sample: Sample) -> float:
    """Time is a fixed part and one per target; the first call, which also traces the network, does not count."""
    pixels = experiment.targets(sample)
    if not len(pixels):
        return 0.0
    few, many = (min(n, len(pixels)) for n in _PROBE)
    middle = max(0, len(pixels) // 2 - many // 2)
    times = {}
    for n in (few, few, many):
        started = time.perf_counter()
        experiment.measure(sample, pixels[middle : middle + n])
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times[n] = time.perf_counter() - started
    if few == many:
        return times[few]
    each = max(0.0, (times[many] - times[few]) / (many - few))
    return float(np.maximum(times[few] - few * each, 0) + len(pixels) * each)


def _largest_size() -> int:
    """Bytes; Linux counts in KiB."""
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if sys.platform == "darwin" else largest << 10
