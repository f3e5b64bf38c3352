"""An object of this process that is asked in a thread."""

import threading
from concurrent.futures import CancelledError

import pytest

from segdepth.core.errors import InputError
from segdepth.core.giving_way import give_way
from segdepth.executing import GaveWayError, ThreadActor

#: Seconds; nothing takes so long.
LONG = 60


class Kept:
    """Remembers what it was asked, and waits where it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.begun, self.go_on = threading.Event(), threading.Event()

    def note(self, word: str, *, twice: bool = False) -> list[str]:
        self.asked += [word] * (1 + twice)
        return list(self.asked)

    def wait(self) -> str:
        self.begun.set()
        assert self.go_on.wait(LONG)
        return threading.current_thread().name

    def work_for_ever(self) -> None:
        self.begun.set()
        while True:
            give_way()

    def mistake(self) -> None:
        raise InputError("there is no such pixel")


def test_questions_are_answered_in_a_thread_and_superseded_ones_are_not() -> None:
    kept = Kept()
    with ThreadActor(lambda: kept, "an object") as actor:
        first = actor.ask("wait")
        assert kept.begun.wait(LONG)
        answers = [actor.ask("note", str(k), topic="pointer") for k in range(10)]
        urgent = actor.ask("note", "urgent", urgency=-1, twice=True)
        kept.go_on.set()
        assert first.result(LONG) == "asks an object"
        assert urgent.result(LONG) == ["urgent", "urgent"]
        assert answers[-1].result(LONG) == ["urgent", "urgent", "9"]
        assert all(answer.cancelled() for answer in answers[:-1])


def test_a_mistake_is_the_answer_to_its_question_only() -> None:
    with ThreadActor(Kept, "an object") as actor:
        with pytest.raises(InputError, match="no such pixel"):
            actor.ask("mistake").result(LONG)
        assert actor.ask("note", "a").result(LONG) == ["a"]


def test_what_cannot_be_made_is_tried_again_at_the_next_question() -> None:
    tries: list[int] = []

    def make() -> Kept:
        tries.append(1)
        if len(tries) == 1:
            raise InputError("not yet")
        return Kept()

    with ThreadActor(make, "an object") as actor:
        with pytest.raises(InputError, match="not yet"):
            actor.ask("note", "a").result(LONG)
        assert actor.ask("note", "b").result(LONG) == ["b"]


def test_closed_it_takes_no_more() -> None:
    actor = ThreadActor(Kept, "an object")
    actor.close()
    with pytest.raises(CancelledError):
        actor.ask("note", "a").result(LONG)


def test_several_take_turns() -> None:
    turn = threading.Lock()
    kept = Kept()
    with ThreadActor(Kept, "one", turn) as one, ThreadActor(lambda: kept, "another", turn) as another:
        waiting = another.ask("wait")
        assert kept.begun.wait(LONG)
        note = one.ask("note", "a")
        assert turn.locked()
        kept.go_on.set()
        assert waiting.result(LONG) == "asks another"
        assert note.result(LONG) == ["a"]


def test_what_is_under_way_gives_way_to_what_is_more_urgent() -> None:
    kept = Kept()
    with ThreadActor(lambda: kept, "an object") as actor:
        working = actor.ask("work_for_ever", urgency=1)
        assert kept.begun.wait(LONG)
        assert actor.ask("note", "urgent").result(LONG) == ["urgent"]
        with pytest.raises(GaveWayError):
            working.result(LONG)
        assert actor.ask("note", "goes on", urgency=1).result(LONG) == ["urgent", "goes on"]
