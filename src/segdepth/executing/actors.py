"""What every place promises where an object is kept ready: a process of this machine, or later one of another."""

from abc import ABC, abstractmethod
from collections.abc import Hashable
from concurrent.futures import Future
from types import TracebackType
from typing import Any, TypeVar

from segdepth.core.errors import SegdepthError

__all__ = ["Actor", "ActorError", "GaveWayError"]


A = TypeVar("A", bound="Actor")


class ActorError(SegdepthError):
    """The place where the object was kept is gone; the next question finds it again, made anew."""


class GaveWayError(SegdepthError):
    """A more urgent question came while this one was under way; nobody was wrong, it can be put again."""

    def __init__(self, sentence: str = "a more urgent question came first") -> None:
        super().__init__(sentence)


class Actor(ABC):
    """An object that is kept ready elsewhere and asked one thing at a time.

    Of the questions that wait the most urgent is put first, and of equally urgent ones the oldest. One that is under way is given
    up for a more urgent one where its method looks for that (:func:`~segdepth.core.giving_way.give_way`).
    """

    @abstractmethod
    def ask(
        self, method: str, *args: Any, urgency: int = 0, topic: Hashable | None = None, **options: Any
    ) -> Future[Any]:
        """Call a method of the object.

        Args:
            method: its name.
            *args: its arguments.
            urgency: 0 is the most urgent.
            topic: questions of this topic that still wait are cancelled, and have cost nothing; None: this one is of none.
            **options: more arguments, by name.

        Returns:
            What the method will return, or raise. It raises ``CancelledError`` where a newer question took its place,
            :class:`GaveWayError` where it was given up for a more urgent one, and :class:`ActorError` where the object was lost
            meanwhile. A question that waits can be cancelled.
        """

    @abstractmethod
    def close(self) -> None:
        """Let the object go, at once. Questions that wait are cancelled, and no more are taken."""

    def __enter__(self: A) -> A:
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
