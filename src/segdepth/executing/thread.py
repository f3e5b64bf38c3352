"""An object in this process, in a thread of its own."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from segdepth.core.giving_way import GaveWay, giving_way

from .actors import GaveWayError
from .waiting import QueueActor

__all__ = ["ThreadActor"]


class ThreadActor(QueueActor):
    """An object in this process that is asked in a thread of its own; made at the first question.

    Args:
        make: makes the object. What it raises is the answer to the question that it was made for.
        name: what is kept there, in words.
        turn: held during a call, where several such objects take turns.
    """

    def __init__(self, make: Callable[[], Any], name: str, turn: AbstractContextManager[Any] | None = None) -> None:
        self._make = make
        self._turn = turn or nullcontext()
        super().__init__(name)

    def _put_questions(self) -> None:
        served = None
        while (question := self._waiting.next()) is not None:
            method, args, options = question.call
            try:
                with self._turn, giving_way(lambda: self._waiting.overtaken() is not None):
                    served = self._make() if served is None else served
                    answer = getattr(served, method)(*args, **options)
            except GaveWay:
                question.answer.set_exception(GaveWayError())
            except Exception as error:
                question.answer.set_exception(error)
            else:
                question.answer.set_result(answer)
