"""An object in another process: asked in order, superseded, lost and made again, let go."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from segdepth.core.errors import InputError
from segdepth.core.giving_way import give_way
from segdepth.executing import ActorError, GaveWayError, LocalActor

#: Seconds; nothing takes so long.
LONG = 60


class UnsendableError(Exception):
    def __reduce__(self) -> Any:
        raise TypeError("not this one")


class Kept:
    """Remembers what it was asked, in order."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def note(self, word: str) -> list[str]:
        self.asked.append(word)
        return list(self.asked)

    def wait_for(self, path: Path) -> None:
        """Until somebody writes into a pipe that has a name."""
        with path.open() as pipe:
            pipe.read()

    def work_for_ever(self, path: Path) -> None:
        """Until somebody more urgent comes; a pipe that has a name is opened first."""
        with path.open():
            while True:
                give_way()

    def pid(self) -> int:
        return os.getpid()

    def parent(self) -> int:
        process = multiprocessing.parent_process()
        assert process is not None
        assert process.pid is not None
        return process.pid

    def die(self) -> None:
        os._exit(3)

    def mistake(self) -> None:
        raise InputError("there is no such pixel")

    def unsendable_answer(self) -> Any:
        return threading.Lock()

    def unsendable_error(self) -> None:
        raise UnsendableError("strange")

    def keywords(self, *, one: int, two: int) -> int:
        return one + two


def broken() -> Kept:
    raise InputError("it cannot be made")


class BrokenOnce:
    """Makes the object at the second time."""

    def __init__(self, flag: Path) -> None:
        self.flag = flag

    def __call__(self) -> Kept:
        if not self.flag.exists():
            self.flag.touch()
            raise InputError("not yet")
        return Kept()


@pytest.fixture
def actor() -> Iterator[LocalActor]:
    with LocalActor(Kept, "an object") as actor:
        yield actor


@contextmanager
def busy(actor: LocalActor, tmp_path: Path) -> Iterator[Future[Any]]:
    """The object is inside a long call as long as this lasts."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    answer = actor.ask("wait_for", pipe, urgency=-1)
    with pipe.open("w"):  # opens once the other end is open: the call has begun
        yield answer
    answer.result(LONG)


def test_asks_the_object_in_a_process_of_its_own(actor: LocalActor) -> None:
    assert actor.pid is None
    assert actor.ask("note", "a").result(LONG) == ["a"]
    assert actor.ask("note", "b").result(LONG) == ["a", "b"]
    assert actor.ask("pid").result(LONG) == actor.pid != os.getpid()
    assert actor.ask("parent").result(LONG) == os.getpid()
    assert actor.ask("keywords", one=1, two=2).result(LONG) == 3


def test_the_most_urgent_first_then_the_oldest(actor: LocalActor, tmp_path: Path) -> None:
    with busy(actor, tmp_path):
        answers = [
            actor.ask("note", word, urgency=urgency) for word, urgency in (("c", 2), ("a", 0), ("d", 2), ("b", 1))
        ]
    assert max((answer.result(LONG) for answer in answers), key=len) == ["a", "b", "c", "d"]


def test_of_a_topic_one_waits_at_most(actor: LocalActor, tmp_path: Path) -> None:
    with busy(actor, tmp_path):
        answers = [actor.ask("note", str(k), topic="pointer") for k in range(100)]
        other = actor.ask("note", "other", topic="another")
        assert [answer.cancelled() for answer in answers] == [True] * 99 + [False]
        assert len(actor._waiting) == 2
    assert answers[-1].result(LONG) == ["99"]
    assert other.result(LONG) == ["99", "other"]
    with pytest.raises(CancelledError):
        answers[0].result(LONG)


def test_a_question_that_waits_can_be_cancelled(actor: LocalActor, tmp_path: Path) -> None:
    with busy(actor, tmp_path):
        taken_back = actor.ask("note", "no")
        assert taken_back.cancel()
    assert actor.ask("note", "yes").result(LONG) == ["yes"]


def test_what_the_object_raises_is_raised(actor: LocalActor) -> None:
    with pytest.raises(InputError, match="no such pixel") as caught:
        actor.ask("mistake").result(LONG)
    assert "in mistake" in caught.value.__notes__[0]
    assert actor.ask("note", "goes on").result(LONG) == ["goes on"]


@pytest.mark.parametrize("method", ["unsendable_answer", "unsendable_error"])
def test_what_cannot_be_sent_is_said(actor: LocalActor, method: str) -> None:
    with pytest.raises(RuntimeError, match="cannot be sent"):
        actor.ask(method).result(LONG)
    assert actor.ask("note", "goes on").result(LONG) == ["goes on"]


def test_a_question_that_cannot_be_sent_is_said(actor: LocalActor) -> None:
    with pytest.raises(TypeError, match="pickle"):
        actor.ask("note", (k for k in "abc")).result(LONG)
    assert actor.ask("note", "goes on").result(LONG) == ["goes on"]


def test_what_is_under_way_gives_way_to_what_is_more_urgent(actor: LocalActor, tmp_path: Path) -> None:
    pipe, gate = tmp_path / "pipe", tmp_path / "gate"
    os.mkfifo(pipe)
    os.mkfifo(gate)
    for _ in range(3):  # no number of an earlier question ends a later one
        working = actor.ask("work_for_ever", pipe, urgency=2)
        with pipe.open("w"):
            less_urgent = actor.ask("note", "later", urgency=2)
            assert not working.done()
            actor.ask("wait_for", gate, urgency=0)  # until all have been asked
            urgent = [actor.ask("note", "urgent", urgency=urgency) for urgency in (1, 0, 0)]
            with pytest.raises(GaveWayError, match="more urgent"):
                working.result(LONG)
        with gate.open("w"):
            pass
        assert [len(one.result(LONG)) % 4 for one in (urgent[1], urgent[2], urgent[0], less_urgent)] == [1, 2, 3, 0]


def test_after_its_death_it_is_started_again(actor: LocalActor, tmp_path: Path) -> None:
    first = actor.ask("pid").result(LONG)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    running = actor.ask("wait_for", pipe)
    with pipe.open("w"):
        waiting = actor.ask("note", "lost")
        os.kill(first, signal.SIGKILL)
        for answer in (running, waiting):
            with pytest.raises(ActorError, match="the process of an object was ended from outside"):
                answer.result(LONG)
    assert actor.ask("note", "anew").result(LONG) == ["anew"]
    assert actor.ask("pid").result(LONG) != first


def test_death_while_it_was_idle_costs_no_question(actor: LocalActor) -> None:
    first = actor.ask("pid").result(LONG)
    os.kill(first, signal.SIGKILL)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)  # it is dead, and whose child it is has not heard of it
    assert actor.ask("pid").result(LONG) != first


def test_its_own_end_is_a_death_too(actor: LocalActor) -> None:
    with pytest.raises(ActorError):
        actor.ask("die").result(LONG)
    assert actor.ask("note", "anew").result(LONG) == ["anew"]


def test_it_leaves_ctrl_c_to_its_parent(actor: LocalActor) -> None:
    os.kill(actor.ask("pid").result(LONG), signal.SIGINT)
    assert actor.ask("note", "goes on").result(LONG) == ["goes on"]


def test_what_making_raises_is_the_answer(tmp_path: Path) -> None:
    with LocalActor(broken, "an object") as actor, pytest.raises(InputError, match="cannot be made"):
        actor.ask("pid").result(LONG)
    with LocalActor(BrokenOnce(tmp_path / "flag"), "an object") as actor:
        with pytest.raises(InputError, match="not yet"):
            actor.ask("pid").result(LONG)
        assert actor.ask("note", "now").result(LONG) == ["now"]


def test_closed_it_leaves_nothing_behind(tmp_path: Path) -> None:
    actor = LocalActor(Kept, "an object")
    pid = actor.ask("pid").result(LONG)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    running = actor.ask("wait_for", pipe)
    with pipe.open("w"):
        waiting = actor.ask("note", "never")
        actor.close()
    assert waiting.cancelled()
    with pytest.raises(ActorError):
        running.result(LONG)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert actor.ask("note", "too late").cancelled()
    actor.close()


def test_closed_unasked_it_has_started_nothing() -> None:
    actor = LocalActor(Kept, "an object")
    actor.close()
    assert actor.pid is None
