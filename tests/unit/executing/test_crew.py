"""Workers that come and go, on a place without processes."""

from collections.abc import Hashable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from segdepth.core.errors import InputError
from segdepth.executing import Actor, ActorError
from segdepth.executing import crew as crews
from segdepth.executing.crew import Crew

from .numbers import Numbers


class Answering(Actor):
    """Answers at once, in this thread, or as it is told."""

    def __init__(self, job: Numbers, unready: list[Exception | None]) -> None:
        self._job = job
        self._unready = unready
        self.closed = False

    def ask(
        self, method: str, *args: Any, urgency: int = 0, topic: Hashable | None = None, **options: Any
    ) -> "Future[Any]":
        answer: Future[Any] = Future()
        try:
            if method == "ready":
                problem = self._unready.pop() if self._unready else None
                if problem is not None:
                    raise problem
                answer.set_result(None)
            else:
                answer.set_result(self._job.do(*args))
        except Exception as error:
            answer.set_exception(error)
        return answer

    def close(self) -> None:
        self.closed = True


class Rooms:
    """Has as many workers as it is told."""

    even = True

    def __init__(self, job: Numbers, sizes: list[int], unready: list[Exception | None] | None = None) -> None:
        self._job = job
        self._sizes = sizes
        self._unready = unready if unready is not None else []
        self.actors: list[Answering] = []

    def size(self) -> int:
        return self._sizes.pop(0) if len(self._sizes) > 1 else self._sizes[0]

    def actor(self, number: int) -> Actor:
        assert number == len(self.actors)
        self.actors.append(Answering(self._job, self._unready))
        return self.actors[-1]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crews, "_TICK", 0.0)


def test_new_machines_get_workers_and_all_are_let_go_at_the_end(tmp_path: Path) -> None:
    job = Numbers(tmp_path)
    rooms = Rooms(job, [1, 1, 3])
    assert sorted(key for key, _ in Crew(job, range(20), rooms).run()) == list(range(20))
    assert len(rooms.actors) == 3
    assert all(actor.closed for actor in rooms.actors)


def test_there_are_no_more_workers_than_tasks(tmp_path: Path) -> None:
    rooms = Rooms(Numbers(tmp_path), [100])
    assert len(list(Crew(Numbers(tmp_path), range(2), rooms).run())) == 2
    assert len(rooms.actors) == 2


def test_who_is_lost_while_it_begins_begins_again_and_who_cannot_is_let_go(tmp_path: Path) -> None:
    job = Numbers(tmp_path)
    rooms = Rooms(job, [2], [InputError("not here"), ActorError("lost"), ActorError("lost")])
    assert len(list(Crew(job, range(5), rooms).run())) == 5
    assert len(rooms.actors) == 2
    with pytest.raises(InputError, match="not here"):
        list(Crew(job, range(5, 9), Rooms(job, [2], [InputError("not here")] * 2)).run())


def test_workers_that_fit_nowhere_any_more_do_not_hold_the_others(tmp_path: Path) -> None:
    job = Numbers(tmp_path)

    class Waiting(Answering):
        def ask(self, method: str, *args: Any, **options: Any) -> "Future[Any]":
            return Future()

    class Shrinking(Rooms):
        def actor(self, number: int) -> Actor:
            super().actor(number)
            if number == 1:
                self.actors[1] = Waiting(job, [])
            return self.actors[number]

    rooms = Shrinking(job, [2, 1])
    assert len(list(Crew(job, range(5), rooms).run())) == 5
    assert rooms.actors[1].closed
