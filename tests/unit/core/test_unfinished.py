"""A name for each writer of a file; what a killed one left is used up."""

import errno
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from segdepth.core.own_name import of_this_machine, unlike_any
from segdepth.core.unfinished import unfinished

WRITER = """
import sys, time
from pathlib import Path
from segdepth.core.unfinished import unfinished
with unfinished(Path(sys.argv[1])) as temporary:
    temporary.write_bytes(b"half of it")
    print(temporary.name, flush=True)
    time.sleep(60)
"""


def writer(path: Path) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def kill(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        process.send_signal(signal.SIGKILL)
        process.communicate()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_killed_writers_left_is_used_up_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    first, first_name = writer(path)
    second, second_name = writer(path)
    assert (first_name, second_name) == (f".net.{of_this_machine(0)}.part.onnx", f".net.{of_this_machine(1)}.part.onnx")
    kill(first, second)
    assert names(tmp_path) == [first_name, second_name]
    with unfinished(path) as temporary:
        assert temporary.read_bytes() == b"", "nothing of the earlier one"
        assert names(tmp_path) == [first_name]
        temporary.write_text("whole")
        temporary.replace(path)
    assert names(tmp_path) == ["net.onnx"]


def test_a_writer_at_work_keeps_its_file(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    other, name = writer(path)
    for _ in range(2):
        with unfinished(path) as temporary:
            assert temporary.name == f".net.{of_this_machine(1)}.part.onnx"
            temporary.replace(path)
    assert (tmp_path / name).read_bytes() == b"half of it"
    kill(other)


def test_many_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    """Each sees what it wrote, and an error of one takes nothing from another."""
    path, wrong = tmp_path / "cache.npz", []

    def write(number: int) -> None:
        for turn in range(60):
            try:
                with unfinished(path) as temporary:
                    temporary.write_text(f"{number} {turn}")
                    if (number + turn) % 3 == 0:
                        raise ZeroDivisionError
                    if temporary.read_text() != f"{number} {turn}":
                        wrong.append((number, turn))
                    temporary.replace(path)
            except ZeroDivisionError:
                continue

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert names(tmp_path) == ["cache.npz"]


def test_a_file_system_without_locks_has_names_by_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fcntl = pytest.importorskip("fcntl")

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with unfinished(tmp_path / "x.json") as temporary:
        assert temporary.name == f".x.{unlike_any()}.part.json"
        temporary.touch()
        temporary.replace(tmp_path / "x.json")
    assert names(tmp_path) == ["x.json"]


def test_where_no_file_can_be_made_the_one_that_was_wanted_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "x.json"
    with pytest.raises(OSError, match="No such file") as caught, unfinished(path):
        pass
    assert caught.value.filename == str(path)
