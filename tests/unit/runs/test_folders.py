"""The newest run is the one that was begun last, whatever clocks and names say; one process works in a folder."""

import json
import os
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from segdepth.config import check_config
from segdepth.core.errors import BusyError
from segdepth.networks import find_weights
from segdepth.runs import folders
from segdepth.runs.folders import checkpoints, held, newest_first, next_beginning
from segdepth.runs.run import find_run, find_runs
from segdepth.training import find_checkpoint
from segdepth.training.run import create_run_folder

CONFIG = check_config(
    {
        "model": {"arch": "segnet"},
        "task": "seg",
        "data": {"dataset": "synthetic", "img_rows": 32, "img_cols": 64},
        "training": {"train_iters": 1, "batch_size": 1},
    }
)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def clock(monkeypatch: pytest.MonkeyPatch, time: datetime) -> None:
    """What this machine takes the time for, in every module that asks."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return time

    for module in ("segdepth.runs.folders", "segdepth.core.provenance", "segdepth.training.run"):
        monkeypatch.setattr(f"{module}.datetime", Clock)


def begin(root: Path) -> Path:
    """A run that wrote a checkpoint."""
    run = create_run_folder(root, "fcn", CONFIG)
    (run / "checkpoints").mkdir()
    (run / "checkpoints/00000001.pt").write_bytes(b"weights")
    return run


def newest_of_all(root: Path) -> set[Path]:
    """Whatever anyone takes for the newest."""
    return {
        newest_first(root / "fcn")[0],
        find_weights(root / "fcn").parents[1],
        find_checkpoint(root / "fcn").parents[1],
        find_run("fcn", root).folder,
        find_runs(root)[0].folder,
    }


def test_of_many_runs_in_one_second_the_last_is_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock(monkeypatch, NOON)
    for number in range(1, 13):
        run = begin(tmp_path)
        assert run.name.endswith("Z" if number == 1 else f"-{number}")
        assert newest_of_all(tmp_path) == {run}
    assert newest_first(tmp_path / "fcn")[-1].name.endswith("Z")


def test_a_clock_that_was_set_back_takes_no_older_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock(monkeypatch, NOON)
    first = begin(tmp_path)
    for hours in (3, 2, 5):
        clock(monkeypatch, NOON - timedelta(hours=hours))
        run = begin(tmp_path)
        assert newest_of_all(tmp_path) == {run}
    assert newest_first(tmp_path / "fcn")[-1] == first
    assert find_runs(tmp_path)[0].started == NOON - timedelta(hours=5), "shown is what the clock said"


def test_copies_checkouts_and_new_names_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for hour in range(3):
        clock(monkeypatch, NOON + timedelta(hours=hour))
        begin(tmp_path / "here")
    runs = newest_first(tmp_path / "here/fcn")
    for number, run in enumerate(runs):  # the newest is copied first, and gets the name that sorts first
        shutil.copytree(run, tmp_path / "there/fcn" / f"run {number}", copy_function=shutil.copy)
    assert [run.name for run in newest_first(tmp_path / "there/fcn")] == ["run 0", "run 1", "run 2"]


def test_runs_of_before_are_told_by_time_then_number(tmp_path: Path) -> None:
    stamp = "2026-03-01T12-00-00Z"
    for name in (stamp, f"{stamp}-2", f"{stamp}-9", f"{stamp}-11", "2026-02-28T12-00-00Z-30"):
        (tmp_path / name).mkdir()
    (tmp_path / f"{stamp}-2" / "provenance.json").write_text('{"time": "2026-03-01T12:00:00+00:00"}')
    names = [run.name for run in newest_first(tmp_path)]
    assert names == [f"{stamp}-11", f"{stamp}-9", f"{stamp}-2", stamp, "2026-02-28T12-00-00Z-30"]


@pytest.mark.parametrize("record", ["", "{", "[1]", '{"begun": 3}', '{"begun": "yesterday", "time": null}', "\x00"])
def test_a_broken_record_is_passed_over(tmp_path: Path, record: str) -> None:
    for name in ("2026-03-01T12-00-00Z", "2026-03-02T12-00-00Z", "mine"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "provenance.json").write_text(record)
    os.utime(tmp_path / "mine", (0, 0))
    assert [run.name[:10] for run in newest_first(tmp_path)] == ["2026-03-02", "2026-03-01", "mine"]
    assert newest_first(tmp_path / "nowhere") == []


def test_checkpoints_are_ordered_by_their_updates(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    for name in ("99999999.pt", "100000000.pt", "00000003.pt", ".00000004.77.part.pt", "4 (copy).pt", "readme.txt"):
        (tmp_path / "checkpoints" / name).touch()
    assert [path.stem for path in checkpoints(tmp_path)] == ["100000000", "99999999", "00000003"]


HOLDER = """
import sys, time
from pathlib import Path
from segdepth.runs.folders import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path):
    """Another process that works in the folder."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path / "run")], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    with process:
        yield process
        process.kill()


def test_the_second_is_told_who_the_first_is(tmp_path: Path, holder: subprocess.Popen) -> None:
    for _ in range(2):
        with (
            pytest.raises(
                BusyError, match=rf"run' is in use by process {holder.pid} on .+, since \d{{4}}-\d\d-\d\d \d\d:"
            ),
            held(tmp_path / "run"),
        ):
            raise AssertionError
    with held(tmp_path / "other"):
        pass


def test_the_lock_of_a_killed_process_keeps_nobody_out(tmp_path: Path, holder: subprocess.Popen) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert json.loads((tmp_path / "run/.lock").read_text())["pid"] == holder.pid
    with held(tmp_path / "run"):
        assert json.loads((tmp_path / "run/.lock").read_text())["pid"] == os.getpid()
    assert list((tmp_path / "run").iterdir()) == []


def test_a_process_that_was_forked_does_not_hold_it_on(tmp_path: Path) -> None:
    """As the processes are that load pictures: they outlive a killed run by seconds."""
    with held(tmp_path):
        child = os.fork()
        if child == 0:
            signal.pause()
        lock = folders._OURS.copy()
    assert len(lock) == 1
    try:
        subprocess.run([sys.executable, "-c", HOLDER.replace("60", "0"), str(tmp_path)], check=True)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_the_same_process_is_kept_out_too_and_an_error_gives_it_back(tmp_path: Path) -> None:
    with held(tmp_path), pytest.raises(BusyError, match=f"process {os.getpid()} "), held(tmp_path / "."):
        raise AssertionError
    with pytest.raises(ZeroDivisionError), held(tmp_path):
        raise ZeroDivisionError
    with held(tmp_path):
        pass


def test_a_file_system_without_locks_keeps_nobody_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fcntl = pytest.importorskip("fcntl")

    def refuse(*_: object) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(fcntl, "lockf", refuse)
    with held(tmp_path):
        pass


@pytest.mark.parametrize(("first", "second"), [("", "0-of-2"), ("0-of-2", ""), ("0-of-2", "1-of-3"), ("", "")])
def test_the_whole_and_its_parts_keep_each_other_out(tmp_path: Path, first: str, second: str) -> None:
    with held(tmp_path, first), pytest.raises(BusyError, match="is in use by process"), held(tmp_path, second):
        pass
    with held(tmp_path, second):  # given back
        pass


def test_parts_of_one_number_work_side_by_side(tmp_path: Path) -> None:
    with held(tmp_path, "0-of-2"), held(tmp_path, "1-of-2"):
        assert len(list(tmp_path.glob(".lock-*"))) == 2


def test_a_part_of_another_process_keeps_the_whole_out(tmp_path: Path, holder: subprocess.Popen) -> None:
    run = tmp_path / "run"
    (run / ".lock").rename(run / ".lock-0-of-2")
    with pytest.raises(BusyError, match=str(holder.pid)), held(run):
        pass


def test_what_is_no_run_comes_last(tmp_path: Path) -> None:
    for name in ("2026-01-01T00-00-00Z", "notes"):
        (tmp_path / name).mkdir()
    assert [path.name for path in newest_first(tmp_path)] == ["2026-01-01T00-00-00Z", "notes"]


def test_a_beginning_at_the_end_of_time_can_be_followed(tmp_path: Path) -> None:
    run = tmp_path / "2026-01-01T00-00-00Z"
    run.mkdir()
    (run / "provenance.json").write_text('{"begun": "9999-12-31T23:59:59.999999+00:00"}')
    assert next_beginning(tmp_path).year < 9999
