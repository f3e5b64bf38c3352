"""A job in this process and in several: every key once, the same files, in spite of what fails and dies."""

import logging
import os
from pathlib import Path

import pytest

from segdepth.core.errors import DataError, InputError
from segdepth.executing import Here, Local, Place

from .numbers import Numbers

KEYS = range(9)


def outcomes(place: Place, job: Numbers) -> dict[int, int | None]:
    found = list(place.carry_out(job, KEYS))
    assert sorted(key for key, _ in found) == list(KEYS), "each key once"
    return dict(found)


@pytest.mark.parametrize("place", [Here(), Local(2)])
def test_every_key_once(place: Place, tmp_path: Path) -> None:
    job = Numbers(tmp_path)
    (tmp_path / "4").write_text("16")
    (tmp_path / "claim-1").touch()
    found = outcomes(place, job)
    assert found[4] is None, "somebody else did it"
    assert (set(found.values()) == {None, os.getpid()}) == (place == Here())
    assert not job.left(KEYS)


def test_a_failure_here_is_one_at_once(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="2 is broken"):
        list(Here().carry_out(Numbers(tmp_path, fails=((2, 1),)), KEYS))
    assert not (tmp_path / "3").exists()


def test_what_fails_is_tried_again_and_who_dies_is_replaced(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    job = Numbers(tmp_path, dies=(1, 5), fails=((3, 2),))
    with caplog.at_level(logging.WARNING):
        outcomes(Local(2), job)
    assert not job.left(KEYS)
    assert "3 failed and is tried again: 3 is broken" in caplog.text
    assert "the worker at 5 was lost" in caplog.text


def test_what_fails_again_and_again_does_not_hold_the_others(tmp_path: Path) -> None:
    job = Numbers(tmp_path, fails=((0, 99),))
    with pytest.raises(DataError, match="0 is broken"):
        list(Local(2).carry_out(job, KEYS))
    assert not job.left(KEYS[1:])


def test_workers_that_cannot_begin_say_why(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not on this machine"):
        list(Local(2).carry_out(Numbers(tmp_path, unfit=True), KEYS))


def test_nothing_to_do_starts_nobody(tmp_path: Path) -> None:
    assert list(Local(2).carry_out(Numbers(tmp_path, unfit=True), [])) == []


def test_who_stops_early_waits_for_nothing(tmp_path: Path) -> None:
    running = Local(2).carry_out(Numbers(tmp_path, seconds=0.05), range(10_000))
    next(running)
    running.close()
    assert not (tmp_path / "9999").exists()
