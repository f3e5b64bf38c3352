"""Ctrl-C and SIGTERM end a run between two updates, never in the middle of one."""

import logging
import signal
import threading
from types import FrameType, TracebackType
from typing import Any

from segdepth.core import group
from segdepth.core.interrupts import STOPPING, AnsweredSignals

__all__ = ["StopRequest"]

log = logging.getLogger(__name__)


class StopRequest:
    """While this context lasts, the first SIGINT or SIGTERM is noted, and answered at once; the next one ends the program.

    An optimizer that is interrupted in the middle of a step has moved some weights and not others; a checkpoint written
    then would not be the state of any update. Outside the main thread, where Python takes no signals, nothing is changed.
    """

    def __init__(self) -> None:
        self.requested = False
        self._before: dict[int, Any] = {}
        self._answered = AnsweredSignals(_answer)

    def __enter__(self) -> "StopRequest":
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in STOPPING}
        self._answered.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._answered.__exit__(kind, error, trace)
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.requested = True

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
