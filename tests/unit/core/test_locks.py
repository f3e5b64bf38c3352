"""One process works in a folder, and whoever comes second is told which."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from segdepth.core import locks
from segdepth.core.errors import BusyError
from segdepth.core.locks import Crew, Part, held

HOLDER = """
import sys, time
from pathlib import Path
from segdepth.core.locks import held
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


def test_a_process_of_another_machine_is_named_with_it(tmp_path: Path) -> None:
    """A shared folder, and another name of the machine."""
    apart = ["unshare", "--uts", "sh", "-c", 'hostname elsewhere && exec "$@"', "sh"]
    if shutil.which("unshare") is None or subprocess.run([*apart, "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs unshare --uts, as root")
    command = [*apart, sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(BusyError, match=rf"process {other.pid} on elsewhere, since"), held(tmp_path):
            pass
        other.kill()


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
        held_now = locks._OURS.copy()
    assert len(held_now) == 1
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


@pytest.mark.parametrize(
    ("first", "second"),
    [(None, Part(0, 2)), (Part(0, 2), None), (Part(0, 2), Part(1, 3)), (Part(0, 2), Part(0, 12)), (None, None)],
    ids=str,
)
def test_the_whole_and_its_parts_keep_each_other_out(tmp_path: Path, first: Part | None, second: Part | None) -> None:
    with held(tmp_path, first), pytest.raises(BusyError, match="is in use by process"), held(tmp_path, second):
        pass
    with held(tmp_path, second):  # given back
        pass


def test_parts_of_one_number_work_side_by_side(tmp_path: Path) -> None:
    with held(tmp_path, Part(0, 2)), held(tmp_path, Part(1, 2)):
        assert {path.name for path in tmp_path.iterdir()} == {".lock-0-of-2", ".lock-1-of-2"}


def test_a_part_of_another_process_keeps_the_whole_out(tmp_path: Path, holder: subprocess.Popen) -> None:
    run = tmp_path / "run"
    (run / ".lock").rename(run / ".lock-0-of-2")
    with pytest.raises(BusyError, match=str(holder.pid)), held(run):
        pass


@pytest.mark.parametrize("text", ["", "0", "1-of-", "-of-2", "1-of-2.jsonl", "1 of 2", "a-of-b"])
def test_what_is_no_part_is_none(text: str) -> None:
    assert Part.read(text) is None
    assert Part.read(str(Part(3, 11))) == Part(3, 11)


def test_a_crew_works_beside_crews_and_parts_but_not_beside_one_who_is_alone(tmp_path: Path) -> None:
    with held(tmp_path, Crew()), held(tmp_path, Crew("other")), held(tmp_path, Part(0, 2)), held(tmp_path, Part(1, 2)):
        with pytest.raises(BusyError), held(tmp_path):
            raise AssertionError
        with pytest.raises(BusyError), held(tmp_path, Part(0, 3)):
            raise AssertionError
    with held(tmp_path), pytest.raises(BusyError), held(tmp_path, Crew()):
        raise AssertionError
    assert Crew.read(str(Crew("7-ab"))) == Crew("7-ab")


def test_the_lock_of_a_killed_crew_is_removed(tmp_path: Path) -> None:
    (tmp_path / f".lock-{Crew('12-ab')}").touch()
    with held(tmp_path):
        assert [path.name for path in tmp_path.iterdir()] == [".lock"]
