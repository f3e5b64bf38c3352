"""Carry out a study: picture by picture, from where it was left, alone or as one of several shards."""

import logging
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from segdepth.core import group
from segdepth.core.at_work import remove_stale_notes
from segdepth.core.errors import InputError
from segdepth.core.files import remove_unfinished
from segdepth.core.locks import Crew, Part, held
from segdepth.core.words import counted
from segdepth.data import Dataset, Sample
from segdepth.data.loading import resize_sample
from segdepth.executing import Here, Place
from segdepth.saliency.request import BLOCK_BYTES

from .experiment import Experiment
from .job import Recipe, StudyJob, StudyKey, describe_study, machine
from .store import Store

__all__ = ["HERE", "Plan", "Shard", "describe_study", "make_plan", "run_study"]

log = logging.getLogger(__name__)

#: How many of the pictures with zero maps a warning names.
_NAMED = 5

#: One picture after the other, in this process.
HERE = Here()

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


def run_study(
    experiment: Experiment,
    dataset: Dataset,
    store: Store,
    shard: Shard,
    progress: Callable[[int, int], None] | None = None,
    place: Place = HERE,
    recipe: Recipe | None = None,
    gpus: int = 0,
) -> int:
    """Do the pictures of a shard that are not there yet.

    In this process a picture is one task. Elsewhere its blocks are; whoever does the last one writes its part.

    Args:
        experiment: what is measured.
        dataset: the pictures.
        store: where rows go.
        shard: which pictures.
        progress: called with (tasks done, tasks of the shard).
        place: where the work is done.
        recipe: makes the same experiment and pictures, in other processes.
        gpus: of this machine, that workers of a place can have.

    Returns:
        Number of pictures done now. A warning names the pictures with maps that are zero everywhere, once, at the end.

    Raises:
        BusyError: if another process does them.
        InputError: if a place other than this process has machines that compute otherwise than the one that began.
    """
    alone = isinstance(place, Here)
    with held(store.folder, shard.part or (None if alone else Crew())):
        if alone and shard.part is None:
            remove_unfinished(store.folder)
        remove_stale_notes(store.folder)
        own = shard.of(len(store.info.images))
        missing = store.missing(own)
        room = place.threads(gpus) or torch.get_num_threads()
        arithmetic = store.begin(lambda: _arithmetic(experiment, dataset, room))
        _say_threads(arithmetic.get("threads", room), room)
        blocks = 1 if alone else experiment.blocks
        job = StudyJob(
            recipe or (lambda: (experiment, dataset)), store.folder, replace(store.info, arithmetic=arithmetic), blocks,
            exact=not alone, gpus=gpus,
        )  # fmt: skip
        threads = torch.get_num_threads()
        try:
            _carry_out(job, own, missing, place, progress)
        finally:
            torch.set_num_threads(threads)
            store.join_blocks(experiment.blocks)
            remove_stale_notes(store.folder)
    return sum(store.path(index).exists() for index in missing)


def _carry_out(
    job: StudyJob, own: Sequence[int], missing: Sequence[int], place: Place, progress: Callable[[int, int], None] | None
) -> None:
    done, total = (len(own) - len(missing)) * job.blocks, len(own) * job.blocks
    zeros: Counter[str] = Counter()
    keys = [StudyKey(index, None if job.blocks == 1 else block) for index in missing for block in range(job.blocks)]
    if progress is not None:
        progress(done, total)
    outcomes = place.carry_out(job, keys)
    with closing(outcomes):
        for count, (key, zero) in enumerate(outcomes, start=1):
            if progress is not None:
                progress(done + count, total)
            if zero:
                zeros[job.info.images[key.picture]] += zero
    if zeros:
        log.warning(
            "study: %d maps in %d of %d pictures are zero everywhere: the output has no gradient there (a dead ReLU?); their "
            "rows are kept, with peak 0: %s%s",
            sum(zeros.values()), len(zeros), len(missing), ", ".join(list(zeros)[:_NAMED]),
            ", ..." if len(zeros) > _NAMED else "",
        )  # fmt: skip


def _say_threads(began: int, room: int) -> None:
    """What else than speed depends on the number of threads is no choice any more."""
    if began != room:
        log.info(
            "study: begun with %s, so each process goes on with as many, on which the last digits depend; it has room for %d "
            "(--on local:N gives each of N processes its share of the cores, --cores-each says it for a cluster)",
            counted(began, "thread"), room,
        )  # fmt: skip


def _arithmetic(experiment: Experiment, dataset: Dataset, threads: int) -> dict[str, Any]:
    """Who computes the maps, chosen by the first picture, and what else decides of their last digits."""
    sample = resize_sample(dataset[0], experiment.grid.size)
    count = len(experiment.targets(sample))
    for source in experiment.sources:
        source.settle(sample.image, count, experiment.grid.window)
    return {"engines": [source.engine for source in experiment.sources], **machine(experiment), "threads": threads}


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
