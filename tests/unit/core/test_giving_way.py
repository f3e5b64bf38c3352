"""Work that ends early when it is asked to, and is not caught on its way."""

import threading

import pytest

from segdepth.core.giving_way import GaveWay, give_way, giving_way


def test_nobody_asks_outside_and_in_other_threads() -> None:
    give_way()
    ended: list[str] = []
    with giving_way(lambda: True):
        other = threading.Thread(target=lambda: (give_way(), ended.append("by itself")))
        other.start()
        other.join()
    assert ended == ["by itself"]
    give_way()


def test_what_is_asked_is_asked_at_each_step_and_no_handler_of_mistakes_sees_it() -> None:
    left = iter([False, False, True])
    steps = 0
    with pytest.raises(GaveWay), giving_way(lambda: next(left)):
        try:
            while True:
                give_way()
                steps += 1
        except Exception as mistake:
            raise AssertionError from mistake
    assert steps == 2


def test_within_another_the_inner_one_is_asked() -> None:
    with giving_way(lambda: True):
        with giving_way(lambda: False):
            give_way()
        with pytest.raises(GaveWay):
            give_way()
