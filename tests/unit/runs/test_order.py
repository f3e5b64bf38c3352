"""The newest run is the one that was begun last, whatever clocks and names say."""

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from segdepth.networks import find_weights
from segdepth.runs import begin, find_run, find_runs, newest_first
from segdepth.runs.order import next_beginning
from segdepth.training import find_checkpoint

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def clock(monkeypatch: pytest.MonkeyPatch, time: datetime) -> None:
    """What this machine takes the time for, in every module that asks."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return time

    for module in ("segdepth.runs.order", "segdepth.runs.record", "segdepth.core.provenance"):
        monkeypatch.setattr(f"{module}.datetime", Clock)


def begun(root: Path) -> Path:
    """A run that wrote a checkpoint."""
    run = begin(root / "fcn", {"task": "seg"}, seed=1)
    run.checkpoint_folder.mkdir()
    run.checkpoint(1).write_bytes(b"weights")
    return run.path


def newest_of_all(root: Path) -> set[Path]:
    """Whatever anyone takes for the newest."""
    return {
        newest_first(root / "fcn")[0].path,
        find_weights(root / "fcn").parents[1],
        find_checkpoint(root / "fcn").parents[1],
        find_run("fcn", root).folder.path,
        find_runs(root)[0].folder.path,
    }


def test_of_many_runs_in_one_second_the_last_is_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock(monkeypatch, NOON)
    for number in range(1, 13):
        run = begun(tmp_path)
        assert run.name.endswith("Z" if number == 1 else f"-{number}")
        assert newest_of_all(tmp_path) == {run}
    assert newest_first(tmp_path / "fcn")[-1].path.name.endswith("Z")


def test_a_clock_that_was_set_back_takes_no_older_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock(monkeypatch, NOON)
    first = begun(tmp_path)
    for hours in (3, 2, 5):
        clock(monkeypatch, NOON - timedelta(hours=hours))
        run = begun(tmp_path)
        assert newest_of_all(tmp_path) == {run}
    assert newest_first(tmp_path / "fcn")[-1].path == first
    assert find_runs(tmp_path)[0].started == NOON - timedelta(hours=5), "shown is what the clock said"


def test_copies_checkouts_and_new_names_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for hour in range(3):
        clock(monkeypatch, NOON + timedelta(hours=hour))
        begun(tmp_path / "here")
    runs = [run.path for run in newest_first(tmp_path / "here/fcn")]
    for number, run in enumerate(runs):  # the newest is copied first, and gets the name that sorts first
        shutil.copytree(run, tmp_path / "there/fcn" / f"run {number}", copy_function=shutil.copy)
    assert [run.path.name for run in newest_first(tmp_path / "there/fcn")] == ["run 0", "run 1", "run 2"]


def test_runs_of_before_are_told_by_time_then_number(tmp_path: Path) -> None:
    stamp = "2026-03-01T12-00-00Z"
    for name in (stamp, f"{stamp}-2", f"{stamp}-9", f"{stamp}-11", "2026-02-28T12-00-00Z-30"):
        (tmp_path / name).mkdir()
    (tmp_path / f"{stamp}-2" / "provenance.json").write_text('{"time": "2026-03-01T12:00:00+00:00"}')
    names = [run.path.name for run in newest_first(tmp_path)]
    assert names == [f"{stamp}-11", f"{stamp}-9", f"{stamp}-2", stamp, "2026-02-28T12-00-00Z-30"]


@pytest.mark.parametrize("record", ["", "{", "[1]", '{"begun": 3}', '{"begun": "yesterday", "time": null}', "\x00"])
def test_a_broken_record_is_passed_over(tmp_path: Path, record: str) -> None:
    for name in ("2026-03-01T12-00-00Z", "2026-03-02T12-00-00Z", "mine"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "provenance.json").write_text(record)
    os.utime(tmp_path / "mine", (0, 0))
    assert [run.path.name[:10] for run in newest_first(tmp_path)] == ["2026-03-02", "2026-03-01", "mine"]
    assert newest_first(tmp_path / "nowhere") == []


def test_what_is_no_run_comes_last(tmp_path: Path) -> None:
    for name in ("2026-01-01T00-00-00Z", "notes"):
        (tmp_path / name).mkdir()
    assert [run.path.name for run in newest_first(tmp_path)] == ["2026-01-01T00-00-00Z", "notes"]


def test_a_beginning_at_the_end_of_time_can_be_followed(tmp_path: Path) -> None:
    run = tmp_path / "2026-01-01T00-00-00Z"
    run.mkdir()
    (run / "provenance.json").write_text('{"begun": "9999-12-31T23:59:59.999999+00:00"}')
    assert next_beginning(tmp_path).year < 9999
