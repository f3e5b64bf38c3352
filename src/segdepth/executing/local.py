"""An object in a process of this machine."""

import contextlib
import multiprocessing
import threading
import traceback
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from segdepth.core.giving_way import GaveWay, giving_way
from segdepth.core.processes import start_worker, without_ctrl_c

from .actors import ActorError, GaveWayError
from .waiting import Question, RemoteActor

__all__ = ["LocalActor"]

#: Seconds that a worker has to end by itself once nobody asks it any more.
_PATIENCE = 3.0


class LocalActor(RemoteActor):
    """An object in a process of its own, which is started at the first question.

    A process that died (out of memory, killed) fails the questions that it had and that waited for it, and is started again at
    the next one. It leaves Ctrl-C to this process, and ends with it.

    Args:
        make: makes the object, in the process; picklable. What it raises is the answer to the question that it was made for.
        name: what is kept there, in words.
        has_children: whether the object starts processes of its own. Such an actor has to be closed.
    """

    def __init__(self, make: Callable[[], Any], name: str, has_children: bool = False) -> None:
        self._make = make
        self._has_children = has_children
        self._lock = threading.Lock()
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None
        self._urgent: Connection | None = None
        self._given_up = -1
        super().__init__(name)

    @property
    def pid(self) -> int | None:
        """Number of the process; None where there is none now."""
        with self._lock:
            return None if self._process is None else self._process.pid

    def _stop(self) -> None:
        with self._lock:
            if self._process is not None:
                self._process.kill()

    def _give_up(self, question: Question) -> None:
        with self._lock, contextlib.suppress(OSError):  # its death is seen elsewhere
            # once: a pipe that nobody empties is full
            if self._urgent is not None and question.number != self._given_up:
                self._given_up = question.number
                self._urgent.send(question.number)

    def _put(self, question: Question) -> tuple[bool, Any]:
        """Whether it went well, and what came of it."""
        if self._process is not None and not self._process.is_alive():  # nobody's question was lost: it was idle
            self._end()
        if self._connection is None:
            self._start()
            made, problem = self._receive()
            if not made:
                self._end()
                return False, problem
        assert self._connection is not None
        self._connection.send((question.number, question.call))
        return self._receive()

    def _receive(self) -> tuple[bool, Any]:
        assert self._connection is not None
        good, value = self._connection.recv()
        return good, value

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        told, urgent = context.Pipe(duplex=False)
        # Python ends a daemon by itself, and lets it have no children
        process = context.Process(
            target=_serve, args=(self._make, theirs, told), name=self._name, daemon=not self._has_children
        )
        with without_ctrl_c():
            process.start()
        for connection in (theirs, told):
            connection.close()  # the process's end is its own, so that its death is seen
        with self._lock:
            self._process, self._connection, self._urgent = process, ours, urgent
            if self._waiting.closed:  # meanwhile, when there was nothing to kill yet
                process.kill()

    def _loss(self, error: BaseException) -> ActorError | None:
        if not isinstance(error, (EOFError, OSError)):  # a closed pipe
            return None
        return ActorError(
            f"the process of {self._name} was ended from outside (out of memory?); it is started again at the next question"
        )

    def _end(self) -> None:
        with self._lock:
            process, connections = self._process, (self._connection, self._urgent)
            self._process = self._connection = self._urgent = None
        for connection in connections:
            if connection is not None:
                connection.close()
        if process is not None:
            process.join(_PATIENCE)
            if process.is_alive():
                process.kill()
                process.join()
            process.close()


class _GivenUp:
    """Which questions are to be given up.

    Args:
        told: brings their numbers.
    """

    def __init__(self, told: Connection) -> None:
        self._told = told
        self._newest = -1

    def __call__(self, number: int) -> bool:
        """Whether this one is."""
        while self._told.poll():
            self._newest = self._told.recv()
        return number == self._newest


def _serve(make: Callable[[], Any], connection: Connection, told: Connection) -> None:
    """The life of the process."""
    start_worker()
    given_up = _GivenUp(told)
    with contextlib.suppress(EOFError, OSError):  # whoever asks has left
        try:
            served = make()
        except Exception as error:
            _send(connection, False, error)
            return
        _send(connection, True, None)
        while True:
            number, (method, args, options) = connection.recv()
            try:
                with giving_way(partial(given_up, number)):
                    answer = getattr(served, method)(*args, **options)
            except GaveWay:
                _send(connection, False, GaveWayError())
            except Exception as error:
                _send(connection, False, error)
            else:
                _send(connection, True, answer)


def _send(connection: Connection, good: bool, value: Any) -> None:
    """What came of a question; of what cannot be sent, why."""
    if isinstance(value, Exception):
        value.add_note("".join(traceback.format_exception(value)))  # tracebacks do not travel
    try:
        connection.send((good, value))
    except OSError:
        raise
    except Exception as error:
        words = f"{value!r} cannot be sent from one process to another ({error})"
        connection.send((False, RuntimeError(words)))
