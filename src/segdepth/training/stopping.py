"""Ctrl-C and SIGTERM end a run between two updates, never in the middle of one."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

__all__ = ["StopRequest"]


class StopRequest:
    """While this context lasts, the first SIGINT or SIGTERM is only noted; the second one ends the program at once.

    An optimizer that is interrupted in the middle of a step has moved some weights and not others; a checkpoint written
    then would not be the state of any update. Outside the main thread, where Python takes no signals, nothing is changed.
    """

    def __init__(self) -> None:
        self.requested = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "StopRequest":
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, _: FrameType | None) -> None:
        if self.requested:
            raise SystemExit(128 + number)
        self.requested = True

    def check(self) -> None:
        """Called where the run may stop.

        Raises:
            KeyboardInterrupt: if it was asked to.
        """
        if self.requested:
            raise KeyboardInterrupt
