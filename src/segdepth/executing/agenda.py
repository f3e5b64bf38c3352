"""Which task is next: what is left, what somebody else is at, what failed and how often, what takes long."""

import statistics
import time
from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

from segdepth.core.errors import SegdepthError

from .jobs import Job

__all__ = ["Agenda"]

#: How often a task is tried that fails, and a task whose worker is lost.
TRIES, LOSSES = 3, 8

#: A task takes long when it has taken so many times the usual time, and so many seconds.
LONG, LONG_S = 2.0, 2.0

#: Tasks by which the usual time is judged.
_RECENT = 101

#: Seconds between two looks at who else is at work; of many, whose notes take long to read, so many times what a look takes.
_LOOK, _RARELY = 2.0, 50.0


class Agenda:
    """The tasks of a job that are not done, in order.

    Args:
        job: whose they are.
        keys: of all.
        clock: seconds.
        twice: whether a task that takes long is given to a second worker.

    Attributes:
        failures: what was raised by tasks that were given up.
    """

    def __init__(
        self, job: Job[Any, Any], keys: Sequence[Any], clock: Callable[[], float] = time.monotonic, twice: bool = False
    ) -> None:
        self._job = job
        self._keys = keys
        self._clock = clock
        self._twice = twice
        self._waiting = deque(range(len(keys)))
        self._open = set(self._waiting)
        self._tries: Counter[int] = Counter()
        self._losses: Counter[int] = Counter()
        self._refused: dict[int, set[Hashable]] = {}
        self._begun: dict[int, list[float]] = {}
        self._seconds: deque[float] = deque(maxlen=_RECENT)
        self._claimed: dict[Any, float] = {}
        self._looks = -float("inf")
        self.failures: list[BaseException] = []

    @property
    def left(self) -> int:
        """Tasks that are neither done nor given up."""
        return len(self._open)

    def take(self, worker: Hashable, others: Iterable[Hashable] = ()) -> tuple[int | None, list[int]]:
        """The task for a worker that is free.

        Args:
            worker: who asks.
            others: who works, too. What failed at one is given to another.

        Returns:
            Number of the task, or None if there is nothing for it now; and those that were found done by somebody else.
        """
        found: list[int] = []
        self._look()
        there = set(others) | {worker}
        for _ in range(len(self._waiting)):
            number = self._waiting.popleft()
            if number not in self._open:
                continue
            if self._job.done(self._keys[number]):
                self._open.discard(number)
                found.append(number)
            elif self._is_for(number, worker, there):
                self._begin(number)
                return number, found
            else:
                self._waiting.append(number)
        late = self._slowest() if self._twice else None
        if late is not None:
            self._begin(late)
        return late, found

    def finish(self, number: int) -> bool:
        """A task was done; whether it is news."""
        if number not in self._open:
            return False
        self._seconds.append(self._clock() - self._begun.pop(number)[-1])
        self._open.discard(number)
        return True

    def fail(self, number: int, worker: Hashable, error: Exception, alone: bool) -> bool:
        """A task raised something; whether it is given up.

        Args:
            number: of the task.
            worker: who tried.
            error: what it raised.
            alone: whether there is nobody else to try. A mistake of the user's is then one at once.
        """
        self._tries[number] += 1
        self._refused.setdefault(number, set()).add(worker)
        final = self._tries[number] >= TRIES or (alone and isinstance(error, SegdepthError))
        return self._put_back(number, error, final)

    def lose(self, number: int, error: Exception) -> bool:
        """The worker of a task was lost; whether the task is given up."""
        self._losses[number] += 1
        return self._put_back(number, error, self._losses[number] >= LOSSES)

    def _put_back(self, number: int, error: Exception, final: bool) -> bool:
        if number not in self._open:
            return False
        if final:
            self._open.discard(number)
            del self._begun[number]
            self.failures.append(error)
            return True
        self._begun[number].pop()
        if not self._begun[number]:
            self._waiting.appendleft(number)
        return False

    def _begin(self, number: int) -> None:
        self._begun.setdefault(number, []).append(self._clock())

    def _is_for(self, number: int, worker: Hashable, there: set[Hashable]) -> bool:
        refused = self._refused.get(number, set())
        if worker in refused and not there <= refused:
            return False
        since = self._claimed.get(self._keys[number]) if self._claimed else None
        return since is None or self._clock() - since > self._patience

    @property
    def _patience(self) -> float:
        """Seconds after which a task takes long; for ever while nobody knows how long one takes."""
        return max(LONG_S, LONG * statistics.median(self._seconds)) if self._seconds else float("inf")

    def _slowest(self) -> int | None:
        """The task that has taken longest, if it takes long and only one worker is at it."""
        running = ((times[0], number) for number, times in self._begun.items() if len(times) == 1)
        since, number = min(running, default=(float("inf"), -1))
        return number if self._clock() - since > self._patience else None

    def _look(self) -> None:
        """Who else is at what, and since when that has been seen."""
        now = self._clock()
        if now < self._looks:
            return
        claimed = self._job.claimed()
        after = self._clock()
        self._looks = after + max(_LOOK, _RARELY * (after - now))
        self._claimed = {key: self._claimed.get(key, now) for key in claimed}
