"""An object in this process, in a thread of its own."""

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from .actors import Actor
from .waiting import WaitingQuestions

__all__ = ["ThreadActor"]


class ThreadActor(Actor):
    """An object in this process that is asked in a thread of its own; made at the first question.

    Args:
        make: makes the object. What it raises is the answer to the question that it was made for.
        name: what is kept there, in words.
        turn: held during a call, where several such objects take turns.
    """

    def __init__(self, make: Callable[[], Any], name: str, turn: AbstractContextManager[Any] | None = None) -> None:
        self._make = make
        self._turn = turn or nullcontext()
        self._waiting = WaitingQuestions()
        self._thread = threading.Thread(target=self._answer_questions, name=f"asks {name}", daemon=True)
        self._thread.start()

    def ask(
        self, method: str, *args: Any, urgency: int = 0, topic: Hashable | None = None, **options: Any
    ) -> Future[Any]:
        """See :meth:`Actor.ask`."""
        return self._waiting.put((method, args, options), urgency, topic)

    def close(self) -> None:
        """See :meth:`Actor.close`; a call that is under way is waited for."""
        self._waiting.close()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _answer_questions(self) -> None:
        served = None
        while (question := self._waiting.next()) is not None:
            method, args, options = question.call
            try:
                with self._turn:
                    served = self._make() if served is None else served
                    answer = getattr(served, method)(*args, **options)
            except Exception as error:
                question.answer.set_exception(error)
            else:
                question.answer.set_result(answer)
