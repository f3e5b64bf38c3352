"""A queue of questions: order, topics, closing."""

import threading
from concurrent.futures import CancelledError
from typing import Any

import pytest

from segdepth.executing.waiting import WaitingQuestions


def call(word: str) -> Any:
    return "note", (word,), {}


def words(waiting: WaitingQuestions, count: int) -> list[str]:
    found = []
    for _ in range(count):
        question = waiting.next()
        assert question is not None
        found.append(question.call[1][0])
    return found


def test_the_most_urgent_first_then_the_oldest() -> None:
    waiting = WaitingQuestions()
    for word, urgency in (("c", 2), ("a", 0), ("d", 2), ("b", 1)):
        waiting.put(call(word), urgency, None)
    assert words(waiting, 4) == ["a", "b", "c", "d"]


def test_of_a_topic_the_newest_waits() -> None:
    waiting = WaitingQuestions()
    old = waiting.put(call("old"), 0, "pointer")
    other = waiting.put(call("other"), 0, "another")
    new = waiting.put(call("new"), 0, "pointer")
    assert [old.cancelled(), other.cancelled(), new.cancelled()] == [True, False, False]
    assert words(waiting, 2) == ["other", "new"]


def test_what_was_cancelled_is_passed_over_and_what_was_taken_cannot_be() -> None:
    waiting = WaitingQuestions()
    first, second = waiting.put(call("first"), 0, None), waiting.put(call("second"), 0, None)
    assert first.cancel()
    assert words(waiting, 1) == ["second"]
    assert not second.cancel()


def test_all_are_taken_at_once() -> None:
    waiting = WaitingQuestions()
    answers = [waiting.put(call(str(k)), 0, None) for k in range(3)]
    answers[1].cancel()
    assert [question.call[1][0] for question in waiting.take_all()] == ["0", "2"]
    assert len(waiting) == 0


def test_closing_cancels_and_wakes_who_waits() -> None:
    waiting = WaitingQuestions()
    found: list[Any] = []
    taker = threading.Thread(target=lambda: found.append(waiting.next()))
    taker.start()
    waiting.close()
    taker.join(60)
    assert found == [None]
    assert waiting.closed
    with pytest.raises(CancelledError):
        waiting.put(call("late"), 0, None).result(0)


def test_a_question_is_overtaken_by_a_more_urgent_one_only() -> None:
    waiting = WaitingQuestions()
    assert waiting.overtaken() is None
    waiting.put(call("taken"), 1, None)
    waiting.next()
    for urgency in (2, 1):
        waiting.put(call("as urgent"), urgency, None)
        assert waiting.overtaken() is None
    waiting.put(call("urgent"), 0, None)
    found = waiting.overtaken()
    assert found is not None
    assert found.call[1] == ("taken",)
