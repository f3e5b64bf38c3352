"""Which task is next: in order, not those that are done, those of others last, failed ones elsewhere, long ones twice."""

from collections.abc import Collection

from segdepth.core.errors import DataError
from segdepth.executing import Job, Worker
from segdepth.executing.agenda import LOSSES, TRIES, Agenda


class Letters(Job[str, None]):
    name = "letters"

    def __init__(self) -> None:
        self.there: set[str] = set()
        self.others: list[str] = []

    def worker(self) -> Worker[str, None]:
        raise NotImplementedError

    def done(self, key: str) -> bool:
        return key in self.there

    def claimed(self) -> Collection[str]:
        return self.others


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_tasks_come_in_order_and_those_that_are_done_are_told() -> None:
    job = Letters()
    agenda = Agenda(job, "abcd")
    assert agenda.take("x") == (0, [])
    job.there |= {"b", "c"}
    assert agenda.take("y") == (3, [1, 2])
    assert agenda.finish(0)
    assert not agenda.finish(0), "done is done once"
    assert agenda.finish(3)
    assert agenda.left == 0


def test_what_failed_at_one_is_given_to_another_and_given_up_at_last() -> None:
    agenda = Agenda(Letters(), "a")
    error = OSError("stale")
    for tries, (worker, other) in enumerate([("x", "y"), ("y", "x"), ("x", "y")], start=1):
        assert agenda.take(other, [worker, other])[0] is None or tries == 1 or tries == TRIES
        number = 0 if tries in (1, TRIES) else agenda.take(worker, [worker, other])[0]
        assert number == 0
        assert agenda.fail(0, worker, error, alone=False) == (tries == TRIES)
    assert agenda.failures == [error]
    assert agenda.left == 0


def test_a_mistake_of_the_users_is_one_at_once_where_nobody_else_can_try() -> None:
    agenda = Agenda(Letters(), "ab")
    agenda.take("x")
    assert agenda.fail(0, "x", DataError("no such file"), alone=True)
    assert agenda.take("x") == (1, [])
    assert not agenda.fail(1, "x", OSError("later perhaps"), alone=True)
    assert agenda.take("x") == (1, []), "there is nobody else"


def test_a_task_whose_workers_are_lost_goes_back_first_and_is_given_up_when_it_kills_them_all() -> None:
    agenda = Agenda(Letters(), "ab")
    for count in range(1, LOSSES + 1):
        assert agenda.take(f"x{count}")[0] == 0
        assert agenda.lose(0, OSError("gone")) == (count == LOSSES)
    assert agenda.take("y")[0] == 1


def test_tasks_of_others_come_last_and_are_done_anyway_when_they_take_long() -> None:
    job, clock = Letters(), Clock()
    job.others = ["a", "b"]
    agenda = Agenda(job, "abc", clock)
    assert agenda.take("x") == (2, [])
    assert agenda.take("y") == (None, [])
    clock.now = 10.0
    agenda.finish(2)
    clock.now = 19.0
    assert agenda.take("x") == (None, []), "a task takes ten seconds"
    clock.now = 21.0
    job.there.add("a")
    assert agenda.take("x") == (1, [0])


def test_a_task_that_takes_long_is_given_to_a_second_worker_and_never_to_a_third() -> None:
    clock = Clock()
    agenda = Agenda(Letters(), "ab", clock, twice=True)
    agenda.take("x")
    agenda.take("y")
    clock.now = 3.0
    agenda.finish(1)
    assert agenda.take("y") == (None, [])
    clock.now = 7.0
    assert agenda.take("y") == (0, [])
    assert agenda.take("z") == (None, [])
    assert agenda.lose(0, OSError("gone")) is False
    assert agenda.finish(0), "by the other one"
    assert agenda.left == 0
