"""The first code of a job in a worker's process: what has to be set before anything is imported that reads it."""

import logging
import os
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from segdepth.core.errors import InputError

from .jobs import Job, Worker

__all__ = ["Recruit", "recruit"]

#: Read by OpenMP, MKL and Numba when they are loaded. Ray sets the first for its workers, so none can be left alone.
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(frozen=True)
class Recruit:
    """Makes a worker, in its process; picklable, also where the job's own modules are not loaded yet.

    Attributes:
        job: pickled.
        threads: that the worker computes with.
        folder: where the parent stands, from which relative paths count.
        made_by: version of the code that pickled the job.
        environment: more variables.
    """

    job: bytes
    threads: int
    folder: str
    made_by: str
    environment: Mapping[str, str] = field(default_factory=dict)

    def __call__(self) -> "Recruited":
        """The worker.

        Raises:
            SegdepthError: if this process cannot do the work.
        """
        os.environ.update(dict.fromkeys(_THREADS, str(self.threads)) | dict(self.environment))
        logging.disable(logging.WARNING)  # the parent, which does the same, has said it once
        if (here := version("segdepth")) != self.made_by:
            raise InputError(f"this is segdepth {here}, the command was given with {self.made_by}; install the same")
        try:
            os.chdir(self.folder)
        except OSError as error:
            raise InputError(f"no folder {self.folder!r} here ({error.strerror}); all machines must see it") from None
        job: Job[Any, Any] = pickle.loads(self.job)
        return Recruited(job.worker())


class Recruited:
    """What an actor keeps of a job's worker.

    Args:
        worker: that does the work.
    """

    def __init__(self, worker: Worker[Any, Any]) -> None:
        self._worker = worker

    def ready(self) -> None:
        """Returns when the worker is made."""

    def do(self, key: Any) -> Any:
        """See :meth:`~.jobs.Worker.do`."""
        return self._worker.do(key)


def recruit(job: Job[Any, Any], threads: int, environment: Mapping[str, str] | None = None) -> Recruit:
    """A recruit for a job.

    Args:
        job: that is given to it.
        threads: for its computations.
        environment: of its process.
    """
    return Recruit(pickle.dumps(job), threads, str(Path.cwd()), version("segdepth"), environment or {})
