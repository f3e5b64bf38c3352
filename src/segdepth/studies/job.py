"""A study as a job: its keys are pictures, or blocks of a picture's targets, and each leaves its file."""

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch

from segdepth.core.at_work import at_work, notes_in
from segdepth.core.errors import InputError
from segdepth.data import Dataset, Sample
from segdepth.data.loading import resize_sample
from segdepth.executing import Job, Worker

from .experiment import Experiment
from .store import Store, StudyInfo, block_path, part_path

__all__ = ["Recipe", "StudyJob", "StudyKey", "compute_with", "describe_study", "machine", "other_machine"]

log = logging.getLogger(__name__)

#: Makes what is measured, and opens the pictures; picklable where the work is done elsewhere.
Recipe = Callable[[], tuple[Experiment, Dataset]]


class StudyKey(NamedTuple):
    """A picture, or a block of it.

    Attributes:
        picture: its number.
        block: number of the block; None: the whole picture.
    """

    picture: int
    block: int | None = None

    def __str__(self) -> str:
        return f"picture {self.picture}" + ("" if self.block is None else f" block {self.block}")


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


@dataclass(frozen=True)
class StudyJob(Job[StudyKey, int]):
    """Fills a study's folder. A task's result is the number of its maps that are zero everywhere.

    Attributes:
        recipe: of the experiment and the pictures.
        folder: of the study, which has been begun.
        info: what it says.
        blocks: of a picture.
        exact: whether a machine that computes otherwise than the one that began is refused, in place of a warning.
        gpus: see :class:`~segdepth.executing.Job`.
    """

    recipe: Recipe
    folder: Path
    info: StudyInfo
    blocks: int
    exact: bool = False
    gpus: int = 0
    name: str = "study"

    def worker(self) -> Worker[StudyKey, int]:
        """See :meth:`~segdepth.executing.Job.worker`.

        Raises:
            ConfigError: if the network or the pictures here are others.
            InputError: if this machine would compute otherwise, and that is refused.
        """
        experiment, dataset = self.recipe()
        store = Store(self.folder, describe_study(experiment, dataset, len(self.info.images)))
        compute_with(self.info.arithmetic)
        _compute_as(experiment, self.info.arithmetic, self.exact)
        return _StudyWorker(experiment, dataset, store)

    def done(self, key: StudyKey) -> bool:
        """Whether the part of the picture is there, or the block."""
        if part_path(self.folder, key.picture).exists():
            return True
        return key.block is not None and block_path(self.folder, key.picture, key.block, self.blocks).exists()

    def claimed(self) -> Collection[StudyKey]:
        """What workers of others are at, as their notes say; our own are among them, and their tasks do not wait any more."""
        names = {note.at for note in notes_in(self.folder) if not note.is_ours}
        return [key for name in names for key in _parse(name, self.blocks)]

    def label(self, key: StudyKey) -> str:
        """By its picture's name."""
        name = repr(self.info.images[key.picture])
        return name if key.block is None else f"block {key.block} of {name}"


def _parse(name: str, blocks: int) -> list[StudyKey]:
    """The keys that a note speaks of: of a whole picture all its blocks, too; of a block that alone."""
    words = name.split()
    numbers = [int(word) for word in words[1::2] if word.isdigit()]
    if len(numbers) == 2:
        return [StudyKey(*numbers)]
    return [StudyKey(numbers[0], block) for block in (None, *range(blocks))] if numbers else []


class _StudyWorker:
    """One picture, or block, after the other."""

    def __init__(self, experiment: Experiment, dataset: Dataset, store: Store) -> None:
        self._experiment = experiment
        self._dataset = dataset
        self._store = store
        self._last: tuple[int, Sample] | None = None

    def do(self, key: StudyKey) -> int:
        """Measure and write it; returns the number of maps that are zero everywhere."""
        experiment, store = self._experiment, self._store
        with at_work(store.folder, str(key)):
            sample = self._sample(key.picture)
            rows = experiment.rows(sample, key.block)
            if key.block is None:
                store.write(key.picture, rows, sample.image)
            else:
                store.write_block(key.picture, key.block, experiment.blocks, rows, sample.image)
        return sum(int((rows[peak] == 0).sum()) for peak in experiment.peaks)

    def _sample(self, picture: int) -> Sample:
        """Of several blocks it is read once."""
        if self._last is None or self._last[0] != picture:
            self._last = picture, resize_sample(self._dataset[picture], self._experiment.grid.size)
        return self._last[1]


def machine(experiment: Experiment) -> dict[str, Any]:
    """What of this machine decides of the last digits of an experiment's maps, beside the threads, whose number can be chosen."""
    width = None
    if any(source.engine == "sparse" for source in experiment.sources):
        from segdepth.saliency.sparse.processor import this_processor  # Numba takes a second to import

        width = this_processor().vector_bytes
    return {
        "precision": "full",
        "vector_bytes": width,
        "instruction_sets": torch.backends.cpu.get_cpu_capability(),
        "device": ", ".join(sorted({source.device for source in experiment.sources})),
    }


def other_machine(experiment: Experiment, arithmetic: Mapping[str, Any]) -> str:
    """In what this machine differs from the one that began; empty if in nothing.

    Args:
        experiment: of the engines that began.
        arithmetic: of who began; of a study from before something was kept it says nothing.
    """
    here = machine(experiment)
    return "; ".join(
        f"{key} {arithmetic[key]}, here {here[key]}" for key in here if arithmetic.get(key, here[key]) != here[key]
    )


def compute_with(arithmetic: Mapping[str, Any]) -> None:
    """Take as many threads as whoever began: PyTorch adds up in an order that depends on their number."""
    if (threads := arithmetic.get("threads")) is not None and threads != torch.get_num_threads():
        torch.set_num_threads(int(threads))


def _compute_as(experiment: Experiment, arithmetic: Mapping[str, Any], exact: bool) -> None:
    """Compute as whoever began the study does; a study from before this was kept says nothing."""
    for source, engine in zip(experiment.sources, arithmetic.get("engines", ()), strict=False):
        if engine is not None:
            source.engine = engine
    other = other_machine(experiment, arithmetic)
    if other and exact:
        raise InputError(
            f"the study was begun on another kind of processor ({other}), and the last digits of maps computed here would "
            "differ; use machines like that one, or go on without --on, which warns"
        )
    if other:
        log.warning(
            "study: begun on another kind of processor (%s): maps computed here may differ from those in the last digits, by "
            "about 1e-6 of their peaks", other,
        )  # fmt: skip
