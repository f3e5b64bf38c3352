"""Ctrl-C is answered when it comes, also while the main thread is inside one long call."""

import contextlib
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType

__all__ = ["STOPPING", "AnsweredSignals", "end_now"]

#: The signals that ask a program to stop.
STOPPING = (signal.SIGINT, signal.SIGTERM)


class AnsweredSignals:
    """While this context lasts, a thread of its own answers the signals that the program handles.

    Python's handlers run in the main thread, between two of its instructions, and one convolution may take minutes: a program
    that only has handlers seems to be deaf. The handlers stay as they are; outside the main thread, where Python takes no
    signals, nothing is changed.

    Args:
        answer: called once, ``patience`` seconds after the first SIGINT or SIGTERM, unless the context has been left before.
        patience: seconds.
        end: called with the number of a signal that comes after the first; None: what the context around this one does, and
            nothing where there is none, for in somebody else's program it is not ours to end.
    """

    #: A signal that comes within so many seconds of the first is its echo: a terminal and a launcher may both send it.
    ECHO = 0.5

    def __init__(
        self, answer: Callable[[], None], patience: float = 0.0, end: Callable[[int], None] | None = None
    ) -> None:
        self._answer = answer
        self._patience = patience
        self._end: Callable[[int], None] | None = end or (_watching[-1]._end if _watching else None)
        self._thread: threading.Thread | None = None
        self._others = -1

    def __enter__(self) -> "AnsweredSignals":
        if threading.current_thread() is threading.main_thread() and sys.platform != "win32":
            self._reader, self._writer = os.pipe()
            os.set_blocking(self._writer, False)
            self._before = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
            self._others = _watching[-1]._others if _watching else self._before
            _watching.append(self)
            self._thread = threading.Thread(target=self._listen, name="signals", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is None:
            return
        _watching.remove(self)
        signal.set_wakeup_fd(self._before, warn_on_full_buffer=False)
        os.write(self._writer, b"\0")  # closing would not do: a forked worker has the other end, too
        self._thread.join()
        os.close(self._writer)
        os.close(self._reader)
        self._thread = None

    def _listen(self) -> None:
        arrived = select.poll()  # any descriptor, also one above 1023
        arrived.register(self._reader, select.POLLIN)
        first: float | None = None
        answered = False
        while True:
            left = None if first is None or answered else max(0.0, first + self._patience - time.monotonic())
            if not arrived.poll(None if left is None else 1000 * left):
                answered = True
                with contextlib.suppress(OSError, ValueError):  # the terminal is gone
                    self._answer()
                continue
            numbers = os.read(self._reader, 64)
            if self._others != -1:  # an event loop's, which waits for signals of its own
                with contextlib.suppress(OSError):
                    os.write(self._others, numbers.replace(b"\0", b""))
            for number in numbers:
                if number == 0:
                    return
                if number not in STOPPING:
                    continue
                if first is None:
                    first = time.monotonic()
                elif self._end is not None and time.monotonic() - first > self.ECHO:
                    self._end(number)


#: Contexts that last, the innermost last.
_watching: list[AnsweredSignals] = []


def _leave_to_parent() -> None:
    """A forked process answers no signals of its own by its parent's thread."""
    if _watching:
        signal.set_wakeup_fd(-1)
        _watching.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_parent)


def end_now(number: int) -> None:
    """End the program at once, whatever the main thread is doing. Files stay whole: each is renamed when it is complete.

    Args:
        number: of the signal that asked for it.
    """
    import multiprocessing  # there is time now; the command line's help has none

    with contextlib.suppress(Exception):  # workers that load pictures do not take signals, and would outlive us
        for worker in multiprocessing.active_children():
            worker.kill()
    with contextlib.suppress(OSError):
        show_cursor = b"\x1b[?25h\n" if os.isatty(2) else b""  # which a bar has hidden
        os.write(2, show_cursor + b"segdepth: stopped at once; what was written before is whole\n")
    os._exit(128 + number)
