"""Notes of who is at work: seen while they work, forgotten when they ended, however they did."""

import json
import os
import platform
import time
from pathlib import Path

import pytest

from segdepth.core import at_work as notes
from segdepth.core.at_work import STALE, at_work, notes_in, remove_stale_notes


def write(folder: Path, **values: object) -> Path:
    path = folder / f".at-work-{values.get('host', 'x')}-{len(list(folder.iterdir()))}.json"
    path.write_text(json.dumps({"host": "elsewhere", "pid": 7, "since": "now", "at": "picture 1"} | values))
    return path


def test_who_is_at_work_is_seen_as_long_as_that(tmp_path: Path) -> None:
    with at_work(tmp_path, "picture 3"):
        (note,) = notes_in(tmp_path)
        assert (note.at, note.pid, note.host, note.is_ours) == ("picture 3", os.getpid(), platform.node(), True)
    assert not list(tmp_path.iterdir())


def test_a_note_is_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notes, "BEAT", 0.01)
    with at_work(tmp_path, "picture 3"):
        (path,) = tmp_path.iterdir()
        os.utime(path, (0, 0))
        until = time.monotonic() + 60
        while path.stat().st_mtime == 0 and time.monotonic() < until:
            time.sleep(0.01)
        assert notes_in(tmp_path)


def test_notes_of_nobody_are_not_seen_and_removed(tmp_path: Path) -> None:
    other = write(tmp_path)
    old = write(tmp_path)
    os.utime(old, (time.time() - 2 * STALE,) * 2)
    write(tmp_path, host=platform.node(), pid=2**22 + 5)  # larger than any process's
    (tmp_path / ".at-work-broken.json").write_text("{")
    assert [note.host for note in notes_in(tmp_path)] == ["elsewhere"]
    remove_stale_notes(tmp_path)
    assert list(tmp_path.iterdir()) == [other]


def test_where_nothing_can_be_written_work_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = False
    with at_work(tmp_path / "file" / "folder", "picture 3"):
        done = True
    assert done
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
