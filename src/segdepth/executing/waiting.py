"""Questions that wait for whoever answers them: the most urgent first, and of a topic one at most; actors that have such."""

import heapq
import itertools
import threading
from abc import abstractmethod
from collections.abc import Hashable
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from typing import Any

from .actors import Actor, ActorError

__all__ = ["Question", "QueueActor", "RemoteActor", "WaitingQuestions"]


@dataclass(order=True, slots=True)
class Question:
    """A call that waits; the first in order is put first.

    Attributes:
        urgency: 0 is the most urgent.
        number: of equally urgent ones the smallest is put first.
        topic: see :meth:`~.actors.Actor.ask`.
        call: name of the method, its arguments, and more of them by name.
        answer: of the call.
    """

    urgency: int
    number: int
    topic: Hashable | None = field(compare=False)
    call: tuple[str, tuple[Any, ...], dict[str, Any]] = field(compare=False)
    answer: "Future[Any]" = field(compare=False, default_factory=Future)


class WaitingQuestions:
    """A queue that several threads may fill, and one takes from."""

    def __init__(self) -> None:
        self._waiting: list[Question] = []
        self._taken: Question | None = None
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._closed = False

    def __len__(self) -> int:
        with self._changed:
            return len(self._waiting)

    @property
    def closed(self) -> bool:
        """Whether no more are taken."""
        return self._closed

    def overtaken(self) -> Question | None:
        """The question that was taken last, if a more urgent one waits."""
        with self._changed:
            if self._taken is None or not self._waiting or self._waiting[0].urgency >= self._taken.urgency:
                return None
            return self._taken

    def put(
        self, call: tuple[str, tuple[Any, ...], dict[str, Any]], urgency: int, topic: Hashable | None
    ) -> "Future[Any]":
        """Let a call wait; its answer is cancelled where the queue is closed.

        Args:
            call: name of the method, its arguments, and more of them by name.
            urgency: 0 is the most urgent.
            topic: questions of this topic that wait are cancelled; None: this one is of none.
        """
        question = Question(urgency, next(self._numbers), topic, call)
        with self._changed:
            superseded = [q for q in self._waiting if topic is not None and q.topic == topic]
            self._waiting = [q for q in self._waiting if q not in superseded and not q.answer.cancelled()]
            heapq.heapify(self._waiting)
            if self._closed:
                superseded.append(question)
            else:
                heapq.heappush(self._waiting, question)
            self._changed.notify()
        for one in superseded:  # outside the lock: whoever hears of it may ask again
            one.answer.cancel()
        return question.answer

    def next(self) -> Question | None:
        """The one to answer now, which cannot be cancelled any more; waits until there is one. None: the queue is closed."""
        while True:
            with self._changed:
                while not self._waiting and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return None
                question = self._taken = heapq.heappop(self._waiting)
            if question.answer.set_running_or_notify_cancel():
                return question

    def take_all(self) -> list[Question]:
        """All that wait, which do so no more; they cannot be cancelled any more."""
        with self._changed:
            waiting, self._waiting = self._waiting, []
        return [question for question in waiting if question.answer.set_running_or_notify_cancel()]

    def close(self) -> None:
        """Cancel all that wait, and take no more."""
        with self._changed:
            self._closed = True
            waiting, self._waiting = self._waiting, []
            self._changed.notify()
        for question in waiting:
            question.answer.cancel()


class QueueActor(Actor):
    """An actor whose questions wait here, and are put by a thread of this process.

    Args:
        name: what is kept there, in words.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._waiting = WaitingQuestions()
        self._thread = threading.Thread(target=self._put_questions, name=f"asks {name}", daemon=True)
        self._thread.start()

    def ask(
        self, method: str, *args: Any, urgency: int = 0, topic: Hashable | None = None, **options: Any
    ) -> "Future[Any]":
        """See :meth:`Actor.ask`."""
        answer = self._waiting.put((method, args, options), urgency, topic)
        if overtaken := self._waiting.overtaken():
            self._give_up(overtaken)
        return answer

    def close(self) -> None:
        """See :meth:`Actor.close`; the thread is waited for."""
        self._waiting.close()
        self._hurry()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    @abstractmethod
    def _put_questions(self) -> None:
        """The life of the thread: until :meth:`WaitingQuestions.next` has no more."""

    def _give_up(self, question: Question) -> None:
        """A more urgent question than this one waits, which is under way, or has just ended; may be called several times."""

    def _hurry(self) -> None:
        """End a call that is under way."""


class RemoteActor(QueueActor):
    """An actor elsewhere, which may be lost with what it was asked."""

    _busy = False

    def _put_questions(self) -> None:
        """The life of the thread that speaks with it."""
        while (question := self._waiting.next()) is not None:
            self._busy = True
            try:
                good, value = (False, CancelledError()) if self._waiting.closed else self._put(question)
            except BaseException as error:
                if (loss := self._loss(error)) is not None:
                    self._lost(question, loss)
                    continue
                good, value = False, error  # what cannot be sent, or be made
            self._busy = False
            if good:
                question.answer.set_result(value)
            else:
                question.answer.set_exception(value)
        self._end()

    def _hurry(self) -> None:
        if self._busy:  # an idle one ends by itself, and leaves nothing behind
            self._stop()

    def _lost(self, question: Question, error: ActorError) -> None:
        self._end()
        self._busy = False
        for one in (question, *self._waiting.take_all()):
            one.answer.set_exception(error)

    @abstractmethod
    def _put(self, question: Question) -> tuple[bool, Any]:
        """Whether it went well, and what came of it; it is made first where there is none."""

    @abstractmethod
    def _loss(self, error: BaseException) -> ActorError | None:
        """What is said if an error means that it was lost; None if it means something else."""

    @abstractmethod
    def _stop(self) -> None:
        """End it at once, from another thread; it keeps nothing that would have to be whole."""

    @abstractmethod
    def _end(self) -> None:
        """Let it go, if there is one."""
