"""Notes of who is at work in a folder, and at what: for people who look, and for workers that take other work meanwhile.

Nothing is kept out by them. A note is touched as long as its process lives, so that it tells of nobody soon after a kill, on
whichever machine.
"""

import contextlib
import os
import platform
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .errors import DataError
from .files import write_json
from .own_name import this_process, unlike_any
from .reading import read_json

__all__ = ["Note", "at_work", "notes_in", "remove_stale_notes"]

_NAME = ".at-work-{}.json"

#: Seconds between two touches, and after which a note that was not touched is nobody's.
BEAT, STALE = 10.0, 60.0


@dataclass(frozen=True, slots=True)
class Note:
    """Who is at work.

    Attributes:
        host: name of the machine.
        pid: number of the process there.
        since: when it began with what it is at, UTC.
        at: what it is at: a name among the folder's tasks.
    """

    host: str
    pid: int
    since: str
    at: str

    @property
    def is_ours(self) -> bool:
        """Whether it is this process's own."""
        return self.pid == os.getpid() and self.host == platform.node()


@contextlib.contextmanager
def at_work(folder: Path, at: str) -> Iterator[None]:
    """Be seen to be at work; where notes cannot be written nobody is seen.

    Args:
        folder: where.
        at: what.
    """
    path = folder / _NAME.format(f"{platform.node()}-{unlike_any()}")
    over = threading.Event()
    with contextlib.suppress(OSError):
        write_json(path, this_process() | {"at": at})
    touching = threading.Thread(target=_touch, args=(path, over), name="at work", daemon=True)
    touching.start()
    try:
        yield
    finally:
        over.set()
        touching.join()
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _touch(path: Path, over: threading.Event) -> None:
    while not over.wait(BEAT):
        with contextlib.suppress(OSError):
            os.utime(path)


def notes_in(folder: Path) -> list[Note]:
    """Who is at work in a folder now, sorted by machine and process."""
    found = [note for path in folder.glob(_NAME.format("*")) if (note := _read(path)) is not None]
    return sorted(found, key=lambda note: (note.host, note.pid))


def remove_stale_notes(folder: Path) -> None:
    """Remove the notes of processes that were killed."""
    for path in folder.glob(_NAME.format("*")):
        if _read(path) is None:
            path.unlink(missing_ok=True)


def _read(path: Path) -> Note | None:
    """What a note says; None if it is of nobody any more."""
    try:
        if time.time() - path.stat().st_mtime > STALE:
            return None
        values = read_json(path, "a note of who is at work")
        note = Note(str(values["host"]), int(values["pid"]), str(values["since"]), str(values["at"]))
    except (OSError, DataError, ValueError, KeyError, TypeError):
        return None
    return note if note.host != platform.node() or _lives(note.pid) else None


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        return True
    return True
