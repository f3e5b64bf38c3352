"""A job carried out by several workers at once: whoever is free takes the next task."""

import logging
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, Protocol

from .actors import Actor, ActorError
from .agenda import Agenda
from .jobs import Job

__all__ = ["Crew", "Workshop"]

log = logging.getLogger(__name__)

#: Seconds after which it is looked for new machines, and for tasks that take long.
_TICK = 1.0

#: How often in a row a worker may be lost while it is made.
_STARTS = 8


class Workshop(Protocol):
    """A place that is open.

    Attributes:
        even: whether all workers are equally fast and safe, so that a task need not be given to a second one.
    """

    even: bool

    def size(self) -> int:
        """How many workers there is room for now."""

    def actor(self, number: int) -> Actor:
        """Room for one worker, which answers ``ready()`` and ``do(key)``; made at the first question.

        Args:
            number: of the worker, from 0.
        """


@dataclass(eq=False)
class _Hand:
    """A worker as seen from here.

    Attributes:
        number: from 0.
        actor: where it is.
        ready: whether it is made.
        lost: how often in a row it was lost while being made.
        asked: the question that it is at, and the number of the task, if it is one.
    """

    number: int
    actor: Actor
    ready: bool = False
    lost: int = 0
    asked: "tuple[Future[Any], int | None] | None" = field(default=None)


class Crew:
    """Carries out a job. What failed, or lost its worker, is done anew; who takes long does not hold the rest.

    Args:
        job: what is done.
        keys: of its tasks.
        workshop: where.
        clock: seconds.
    """

    def __init__(
        self, job: Job[Any, Any], keys: Sequence[Any], workshop: Workshop, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._job = job
        self._keys = keys
        self._workshop = workshop
        self._agenda = Agenda(job, keys, clock, twice=job.repeatable and not workshop.even)
        self._hands: list[_Hand] = []
        self._retired = 0
        self._hired = 0
        self._looks = 0.0
        self._said: set[str] = set()

    def run(self) -> Generator[tuple[Any, Any], None, None]:
        """Each key once, as it is done, with what the worker returned; None where somebody else did it.

        Raises:
            SegdepthError: if no worker could be made; or, after all others are done, if a task failed.
        """
        try:
            while self._agenda.left:
                self._hire()
                for number in self._hand_out():
                    yield self._keys[number], None
                for number, result in self._hear():
                    yield self._keys[number], result
        finally:
            with ThreadPoolExecutor(max(1, len(self._hands))) as closing:
                list(closing.map(lambda hand: hand.actor.close(), self._hands))
        if self._agenda.failures:
            raise self._agenda.failures[0]

    def _hire(self) -> None:
        """As many hands as there is room for."""
        if time.monotonic() < self._looks:
            return
        self._looks = time.monotonic() + _TICK
        room = self._workshop.size() - self._retired
        for hand in [h for h in self._hands if not h.ready][: max(0, len(self._hands) - room)]:
            self._hands.remove(hand)  # its machine is gone, and there is no other
            hand.actor.close()
        for _ in range(min(room, self._agenda.left) - len(self._hands)):
            self._hands.append(_Hand(self._hired, self._workshop.actor(self._hired)))
            self._hired += 1

    def _hand_out(self) -> list[int]:
        """Ask all that are free; returns the tasks that somebody else has done."""
        found: list[int] = []
        free = [hand for hand in self._hands if hand.asked is None]
        for hand in free:
            if not hand.ready:
                hand.asked = hand.actor.ask("ready"), None
                continue
            number, done = self._agenda.take(hand, self._hands)
            found += done
            if number is not None:
                hand.asked = hand.actor.ask("do", self._keys[number]), number
        return found

    def _hear(self) -> Iterator[tuple[int, Any]]:
        """Wait for some answers; yields the tasks that were done."""
        asked = {hand.asked[0]: hand for hand in self._hands if hand.asked is not None}
        if not asked:
            time.sleep(_TICK)
        for future in wait(asked, timeout=_TICK, return_when=FIRST_COMPLETED).done:
            hand = asked[future]
            assert hand.asked is not None
            number, hand.asked = hand.asked[1], None
            error = future.exception()
            if error is None:
                if number is None:
                    hand.ready, hand.lost = True, 0
                elif self._agenda.finish(number):
                    yield number, future.result()
            elif not isinstance(error, Exception):
                raise error
            elif number is None:
                self._not_made(hand, error)
            else:
                self._not_done(hand, number, error)

    def _not_made(self, hand: _Hand, error: Exception) -> None:
        hand.lost += 1
        if isinstance(error, ActorError) and hand.lost < _STARTS:
            return  # made anew by the next question
        self._hands.remove(hand)
        hand.actor.close()
        self._retired += 1
        if not self._hands and self._workshop.size() <= self._retired:
            raise error
        self._say(f"a worker is let go: {error}")

    def _not_done(self, hand: _Hand, number: int, error: Exception) -> None:
        what = self._job.label(self._keys[number])
        if isinstance(error, ActorError):
            hand.ready = False
            given_up = self._agenda.lose(number, error)
            self._say(f"the worker at {what} was lost ({error})")
        else:
            given_up = self._agenda.fail(number, hand, error, len(self._hands) == 1)
            if not given_up:
                self._say(f"{what} failed and is tried again: {error}")
        if given_up:
            self._say(f"{what} is given up, the others are done first: {error}")

    def _say(self, sentence: str) -> None:
        """Once."""
        if sentence not in self._said:
            self._said.add(sentence)
            log.warning("%s: %s", self._job.name, sentence)
