"""Ctrl-C and SIGTERM end a run between two updates, never in the middle of one."""

import logging
import os
import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any

from segdepth.core import group
from segdepth.core.interrupts import STOPPING, AnsweredSignals

__all__ = ["StopRequest"]

log = logging.getLogger(__name__)


class StopRequest:
    """While this context lasts, the first SIGINT or SIGTERM is noted, and answered at once; the next one stops at once.

    An optimizer that is interrupted in the middle of a step has moved some weights and not others; a checkpoint written
    then would not be the state of any update. A second signal ends the program where it is ours (the command line), and is a
    ``KeyboardInterrupt`` in somebody else's. Outside the main thread, where Python takes no signals, nothing is changed.
    """

    def __init__(self) -> None:
        self.requested = False
        self._first = 0.0
        self._process = os.getpid()
        self._before: dict[int, Any] = {}
        self._answered = AnsweredSignals(_answer)

    def __enter__(self) -> "StopRequest":
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in STOPPING}
        self._answered.__enter__()
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._answered.__exit__(error_type, error, trace)
        for number, handler in self._before.items():
            if handler is not None:  # one that was not set by Python cannot be put back by it
                signal.signal(number, handler)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if os.getpid() != self._process:  # a forked process ends as if we were not here
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        elif not self.requested:
            self.requested, self._first = True, time.monotonic()
        elif time.monotonic() - self._first > AnsweredSignals.ECHO:
            raise KeyboardInterrupt

    def check(self) -> None:
        """Called where the run may stop.

        Raises:
            KeyboardInterrupt: if it was asked to.
        """
        if self.requested:
            raise KeyboardInterrupt


def _answer() -> None:
    alone = group.world_size() == 1
    log.warning(
        "stopping after %s", "this update, again to stop now" if alone else "an update that all processes reach"
    )
