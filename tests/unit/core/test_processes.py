"""Work in processes: every result once, a few items ahead, and what goes wrong is said."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from segdepth.core.errors import DataError, SegdepthError
from segdepth.core.processes import in_processes, usable_cores


def squared(number: int) -> tuple[int, int]:
    return number**2, os.getpid()


def refused(number: int) -> int:
    if number == 2:
        raise DataError(f"no {number}")
    return number


def killed(number: int) -> int:
    if number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def prepared(name: str) -> None:
    os.environ["SEGDEPTH_TEST_PREPARED"] = name


def asked(number: int) -> str | None:
    return os.environ.get("SEGDEPTH_TEST_PREPARED")


def ctrl_c(number: int) -> object:
    blocked = signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())  # from the first import on
    return blocked and signal.getsignal(signal.SIGINT) == signal.SIG_IGN


class Taken:
    """Counts the items that are asked for."""

    def __init__(self, count: int) -> None:
        self.count, self.taken = count, 0

    def __iter__(self) -> Iterator[int]:
        for number in range(self.count):
            self.taken += 1
            yield number


def test_one_worker_is_this_process_and_takes_items_as_it_needs_them() -> None:
    items = Taken(9)
    results = in_processes(squared, items, 1)
    assert next(results) == (0, os.getpid())
    assert items.taken == 1
    assert [value for value, _ in results] == [k**2 for k in range(1, 9)]


def test_workers_give_every_result_once_and_run_little_ahead() -> None:
    items = Taken(40)
    results = in_processes(squared, items, 2)
    first = next(results)
    assert items.taken == 8  # four for each
    found = [first, *results]
    assert sorted(value for value, _ in found) == [k**2 for k in range(40)]
    assert os.getpid() not in {process for _, process in found}


def test_what_one_raises_is_raised_here() -> None:
    with pytest.raises(DataError, match="no 2"):
        list(in_processes(refused, range(3), 2))


def test_a_worker_that_is_killed_is_said() -> None:
    with pytest.raises(SegdepthError, match="a worker process was ended from outside"):
        list(in_processes(killed, range(3), 2))


def test_workers_are_made_ready_and_leave_ctrl_c_to_their_parent() -> None:
    assert set(in_processes(asked, range(4), 2, partial(prepared, "yes"))) == {"yes"}
    assert set(in_processes(ctrl_c, range(4), 2)) == {True}
    assert "SEGDEPTH_TEST_PREPARED" not in os.environ


def test_who_stops_early_waits_for_nothing_that_has_not_begun() -> None:
    items = Taken(1000)
    results = in_processes(squared, items, 2)
    next(results)
    results.close()
    assert items.taken == 8


def test_there_is_a_core() -> None:
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)


def test_a_killed_parent_takes_its_workers_along(tmp_path: Path) -> None:
    code = (
        "import os, sys, time; from segdepth.core.processes import in_processes\n"
        "if __name__ == '__main__':\n"
        "    for done in in_processes(time.sleep, [0.0] * 4 + [60.0] * 4, 2):\n"
        "        import multiprocessing; print(*(c.pid for c in multiprocessing.active_children()), flush=True)"
    )
    script = tmp_path / "parent.py"
    script.write_text(code)
    process = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    children = process.stdout.readline().split()
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 10
    while any(_alive(int(pid)) for pid in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(children) == 2
    assert not any(_alive(int(pid)) for pid in children)


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
