"""Where a job is carried out: this process, processes of this machine, a cluster."""

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from segdepth.core.processes import usable_cores

from .actors import Actor
from .agenda import Agenda
from .crew import Crew, Workshop
from .jobs import Job
from .local import LocalActor
from .serving import recruit

__all__ = ["Here", "Local", "Place", "WithWorkers"]

K = TypeVar("K")
R = TypeVar("R")

_VISIBLE = "CUDA_VISIBLE_DEVICES"

#: Seconds between two looks whether others are done with what they are at.
_PAUSE = 0.2


class Place(ABC):
    """Where a job is carried out."""

    @abstractmethod
    def carry_out(self, job: Job[K, R], keys: Sequence[K]) -> Generator[tuple[K, R | None], None, None]:
        """Each key once, in whatever order they are done, with what the worker returned; None where somebody else did it.

        Closed early, it ends its workers.

        Args:
            job: what is done.
            keys: of its tasks.

        Raises:
            SegdepthError: if no worker can be made, or a task failed in spite of being tried again.
        """

    @abstractmethod
    def threads(self, gpus: int) -> int | None:
        """Threads that a worker has cores for; None: as this process.

        Args:
            gpus: that the job can use.
        """


@dataclass(frozen=True)
class Here(Place):
    """This process does one task after the other; a task that fails ends it."""

    def threads(self, gpus: int) -> None:
        """See :meth:`Place.threads`."""
        del gpus

    def carry_out(self, job: Job[K, R], keys: Sequence[K]) -> Generator[tuple[K, R | None], None, None]:
        """See :meth:`Place.carry_out`."""
        agenda = Agenda(job, keys)
        worker = None
        while agenda.left:
            number, found = agenda.take(self)
            for one in found:
                yield keys[one], None
            if number is None:
                if agenda.left:
                    time.sleep(_PAUSE)
                continue
            worker = job.worker() if worker is None else worker
            result = worker.do(keys[number])
            agenda.finish(number)
            yield keys[number], result


class WithWorkers(Place):
    """A place with several workers."""

    @abstractmethod
    def open(self, job: Job[Any, Any]) -> AbstractContextManager[Workshop]:
        """A context in which the place is a :class:`~.crew.Workshop` for a job."""

    def carry_out(self, job: Job[K, R], keys: Sequence[K]) -> Generator[tuple[K, R | None], None, None]:
        """See :meth:`Place.carry_out`."""
        if not keys:
            return
        with self.open(job) as workshop:
            yield from Crew(job, keys, workshop).run()


@dataclass(frozen=True)
class Local(WithWorkers):
    """Processes of this machine, which share its cores.

    Attributes:
        workers: how many; None: one for each GPU that the job can use, or else for each core.
    """

    workers: int | None = None

    def threads(self, gpus: int) -> int:
        """See :meth:`Place.threads`."""
        return max(1, usable_cores() // self._count(gpus))

    @contextmanager
    def open(self, job: Job[Any, Any]) -> Iterator[Workshop]:
        """See :meth:`WithWorkers.open`."""
        yield _Processes(job, self._count(job.gpus), self.threads(job.gpus))

    def _count(self, gpus: int) -> int:
        return self.workers or gpus or usable_cores()


class _Processes(Workshop):
    """Processes of this machine."""

    even = True

    def __init__(self, job: Job[Any, Any], workers: int, threads: int) -> None:
        self._job = job
        self._workers = workers
        self._threads = threads

    def size(self) -> int:
        return self._workers

    def actor(self, number: int) -> Actor:
        gpu = {_VISIBLE: _visible(number % self._job.gpus)} if self._job.gpus else {}
        return LocalActor(
            recruit(self._job, self._threads, gpu), f"{self._job.name}, worker {number}", has_children=True
        )


def _visible(gpu: int) -> str:
    """What CUDA calls a GPU of those that this process may use."""
    ours = [name for name in os.environ.get(_VISIBLE, "").split(",") if name]
    return ours[gpu] if ours else str(gpu)
