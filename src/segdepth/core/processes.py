"""Work spread over processes: results as they come, flat memory, nothing left behind after Ctrl-C or a kill."""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, as_completed, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import resource_tracker
from typing import TypeVar

from .errors import SegdepthError

__all__ = ["in_processes", "start_worker", "usable_cores", "without_ctrl_c"]

T = TypeVar("T")
R = TypeVar("R")

#: Items handed out ahead, for each worker.
_AHEAD = 4


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_processes(
    function: Callable[[T], R], items: Iterable[T], workers: int, prepare: Callable[[], None] | None = None
) -> Generator[R, None, None]:
    """``function`` of every item, in any order.

    Only a few items are in the air at a time, so memory does not grow with their number. The processes are started
    afresh, so function and items must be picklable; with one worker everything happens in this process.

    Args:
        function: defined at the top of a module, or a partial of one.
        items: to work on.
        workers: processes, 1 or more.
        prepare: called once in each worker, before its first item.

    Raises:
        SegdepthError: if a worker was ended from outside.
    """
    if workers == 1:
        yield from map(function, items)
        return
    pool = ProcessPoolExecutor(
        workers, mp_context=multiprocessing.get_context("spawn"), initializer=start_worker, initargs=(prepare,)
    )
    pending: set[Future[R]] = set()
    try:
        for item in items:
            with without_ctrl_c():  # the first one starts the processes
                pending.add(pool.submit(function, item))
            if len(pending) >= _AHEAD * workers:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        yield from (future.result() for future in as_completed(pending))
    except BrokenProcessPool:
        raise SegdepthError(
            "a worker process was ended from outside (out of memory?); what is done stays done, the same command goes on"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def without_ctrl_c() -> Iterator[None]:
    """Processes that are started inside leave Ctrl-C at a terminal to this one, from their first import on.

    They take over which signals are blocked here. Once a process runs a program of its own, it is too late to give it a
    group of its own.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # else starting it would unblock the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def start_worker(prepare: Callable[[], None] | None = None) -> None:
    """Called first in a worker: it leaves Ctrl-C to its parent, and ends when the parent is killed, in place of waiting forever.

    Args:
        prepare: what else the worker does before its work.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if prepare is not None:
        prepare()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
