"""Workers on a Ray cluster: one that runs, which is left as it is, or one on this machine for as long as a job takes.

The only module that knows Ray; it is imported when somebody asks for a cluster.
"""

import logging
import os
import signal
import socket
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from segdepth.core.errors import InputError, SegdepthError, reason
from segdepth.core.processes import usable_cores

from .actors import Actor, ActorError
from .crew import Workshop
from .jobs import Job
from .places import WithWorkers
from .serving import Recruit, recruit
from .waiting import Question, RemoteActor

__all__ = ["Ray", "RayActor"]

log = logging.getLogger(__name__)

#: Bytes of the object store of a cluster that we start: nothing goes through it. Ray takes no less.
_STORE = 80_000_000

#: Seconds that a cluster has to answer.
_PATIENCE = 10.0

#: Read by Ray when it is imported, here and in the processes that it starts: no report of use to its makers, and no counting
#: of GPUs as none for workers that ask for none.
_SETTINGS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}

#: A cluster's own names of what is to be had there.
_CORES, _GPUS = "CPU", "GPU"


def _ray() -> Any:
    """The module.

    Raises:
        InputError: if it is not installed.
    """
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError:
        raise InputError("--on ray needs Ray, which is not installed: pip install 'segdepth[ray]'") from None
    if hasattr(
        ray._private.worker, "print_to_stdstream"
    ):  # its own lines go to stdout, where results go; no switch is public
        ray._private.worker.print_to_stdstream = _note
    return ray


def _note(line: Mapping[str, Any], **_: Any) -> None:
    """What Ray says of itself: that a worker died, say, which is said by whoever asked that worker."""
    log.debug("ray: %s", " ".join(map(str, line.get("lines", ()))))


@dataclass(frozen=True)
class Ray(WithWorkers):
    """A Ray cluster.

    Attributes:
        address: of one that runs, which is not ended; None: one is started on this machine, and ended.
        cores: that each worker computes with.
    """

    address: str | None = None
    cores: int = 1

    def threads(self, gpus: int) -> int:
        """See :meth:`Place.threads`."""
        del gpus
        return self.cores

    @contextmanager
    def open(self, job: Job[Any, Any]) -> Iterator[Workshop]:
        """See :meth:`WithWorkers.open`."""
        ray = _ray()
        if ray.is_initialized():
            raise InputError("this process is connected with a Ray cluster already; leave that first (ray.shutdown())")
        _require_reachable(self.address)
        before = signal.getsignal(signal.SIGTERM)
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR, "configure_logging": False}
        try:
            if self.address is None:
                ray.init("local", num_cpus=usable_cores(), include_dashboard=False, object_store_memory=_STORE, **quiet)
            else:
                ray.init(self.address, **quiet)
        except (ConnectionError, ValueError, RuntimeError, AssertionError) as error:
            where = "on this machine" if self.address is None else f"at {self.address!r}"
            raise InputError(f"no Ray cluster {where}: {reason(error)}") from None
        try:
            yield _Cluster(job, self.cores)
        finally:
            ray.shutdown()  # ends what this process started, and leaves a cluster that others started
            if before is not None and threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, before)  # Ray has put its own there


def _require_reachable(address: str | None) -> None:
    """Ray tries for minutes.

    Raises:
        InputError: if nobody listens at an address with a port.
    """
    host, colon, port = (address or "").removeprefix("ray://").rpartition(":")
    if not (colon and port.isdigit()):
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE).close()
    except (OSError, OverflowError) as error:
        raise InputError(f"no Ray cluster at {address!r}: {reason(error)}") from None


class _Cluster(Workshop):
    """A cluster that this process is connected with; its machines may be unlike."""

    even = False

    def __init__(self, job: Job[Any, Any], cores: int) -> None:
        self._job = job
        self._ray = ray = _ray()
        there = ray.cluster_resources()
        self._needs = {_CORES: float(cores)}
        if job.gpus and there.get(_GPUS, 0) >= 1:
            self._needs[_GPUS] = 1.0
        if not self.size():
            largest = f"{there.get(_CORES, 0):.0f} cores"
            raise InputError(
                f"no machine of the cluster has room for a worker of {cores} cores (it has {largest} in all)"
            )

    def size(self) -> int:
        try:
            alive = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        except Exception as error:
            raise SegdepthError(
                f"the Ray cluster is gone ({reason(error)}); what is done stays done, the same command goes on"
            ) from None
        return sum(int(min(node.get(name, 0) // need for name, need in self._needs.items())) for node in alive)

    def actor(self, number: int) -> Actor:
        make = recruit(self._job, int(self._needs[_CORES]))
        return RayActor(make, f"{self._job.name}, worker {number}", self._needs[_CORES], self._needs.get(_GPUS, 0))


class RayActor(RemoteActor):
    """An object in a process of a cluster, which is started at the first question, wherever there is room.

    A process that is lost, with its machine or alone, fails the questions that it had and that waited for it, and is started
    again at the next one, perhaps elsewhere.

    Args:
        make: makes the object, in the process; picklable. What it raises is the answer to the question that it was made for.
        name: what is kept there, in words.
        cores: that the cluster keeps for it.
        gpus: the same.
    """

    def __init__(self, make: Callable[[], Any], name: str, cores: float = 1, gpus: float = 0) -> None:
        self._make = make
        self._needs = {"num_cpus": cores, "num_gpus": gpus}
        self._kept: Any = None
        self._ray = _ray()
        super().__init__(name)

    def _put(self, question: Question) -> tuple[bool, Any]:
        if self._kept is None:
            options = self._ray.remote(_Kept).options(**self._needs, scheduling_strategy="SPREAD", max_restarts=0)
            self._kept = options.remote(self._make)
            if self._waiting.closed:  # meanwhile, when there was nothing to end yet
                self._stop()
        good, value = self._ray.get(self._kept.ask.remote(*question.call))
        return bool(good), value

    def _loss(self, error: BaseException) -> ActorError | None:
        kinds = self._ray.exceptions
        if not isinstance(error, (kinds.RayActorError, kinds.RaySystemError, kinds.WorkerCrashedError)):
            return None
        return ActorError(
            f"a process of the cluster was lost ({reason(error)}); it is started again at the next question"
        )

    def _stop(self) -> None:
        if (kept := self._kept) is not None:
            self._ray.kill(kept)

    def _end(self) -> None:
        self._stop()
        self._kept = None


class _Kept:
    """The object, in its process."""

    def __init__(self, make: Recruit) -> None:
        self._make = make
        self._made: Any = None

    def ask(self, method: str, args: tuple[Any, ...], options: dict[str, Any]) -> tuple[bool, Any]:
        """Whether it went well, and what came of it."""
        try:
            self._made = self._make() if self._made is None else self._made
            return True, getattr(self._made, method)(*args, **options)
        except Exception as error:
            error.add_note("".join(traceback.format_exception(error)))  # tracebacks do not travel
            return False, error
