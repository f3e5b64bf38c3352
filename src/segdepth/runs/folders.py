"""The folders that runs write to: which is the newest, and who is at work in one.

**Newest** is the run that was begun last. A run notes its beginning in its ``provenance.json``: the time, but never a
time before that of a run that was there already. So the order holds when a clock is set back, when two runs begin in one
second, and after a copy, a checkout or a merge of two machines' folders, which change names and times of files, not what
is in them. Runs of before this note are told by the time that they wrote, then by the name that they were given (a time and,
of several in one second, a number), and a folder that says nothing by when it was last changed.

**At work** in a folder is one process, which holds a lock that the operating system takes back when it ends, however it
ends. The lock's file names it for whoever comes second.
"""

import contextlib
import errno
import json
import os
import platform
import re
import sys
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from segdepth.core.errors import BusyError, ConfigError, reason

__all__ = ["Beginning", "beginning", "checkpoints", "held", "is_stamp", "newest_first", "next_beginning", "read_config"]

#: The name that a run's folder is given: its time, UTC, and a number where that was taken.
_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ)(?:-(\d+))?")

_RECORD = "provenance.json"

#: Of times that can be counted on from.
_LAST_YEAR = 9999

#: A lock is not to be had because another process has it; or because this file system has none.
_TAKEN = {errno.EACCES, errno.EAGAIN}
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}

#: Locks of this process, which the operating system would give it twice: who has them, for the sentence.
_OURS: dict[Path, dict[str, Any]] = {}
_ONE_AT_A_TIME = threading.Lock()


class Beginning(NamedTuple):
    """When a run began; of two, the later is greater."""

    time: datetime
    number: int
    name: str


def is_stamp(name: str) -> bool:
    """Whether a folder is named as runs are."""
    return _STAMP.fullmatch(name) is not None


def beginning(folder: Path, record: Mapping[str, Any] | None = None) -> Beginning:
    """When the run of a folder began.

    Args:
        folder: of the run; it need not be whole.
        record: what its ``provenance.json`` says, where that is known.
    """
    record = _read(folder / _RECORD) if record is None else record
    stamp = _STAMP.fullmatch(folder.name)
    number = int(stamp[2] or 1) if stamp else 1
    for text in (record.get("begun"), record.get("time"), stamp and stamp[1]):
        if (time := _time(text)) is not None:
            return Beginning(time, number, folder.name)
    return Beginning(datetime.fromtimestamp(folder.stat().st_mtime, UTC), number, folder.name)


def newest_first(where: Path) -> list[Path]:
    """The folders in a folder of runs, the newest first, what is no run last; none if there is no such folder."""
    folders = [path for path in where.iterdir() if path.is_dir()] if where.is_dir() else []
    return sorted(folders, key=lambda path: (_is_run(path), beginning(path)), reverse=True)


def _is_run(folder: Path) -> bool:
    return is_stamp(folder.name) or any((folder / name).is_file() for name in (_RECORD, "config.yaml"))


def next_beginning(where: Path) -> datetime:
    """What a run that begins now in a folder of runs is to note: the time, or just after its newest run's."""
    now = datetime.now(UTC)
    times = [beginning(folder).time for folder in newest_first(where)[:1]]
    return max([now, *(time + timedelta(microseconds=1) for time in times if time.year < _LAST_YEAR)])


def checkpoints(run: Path) -> list[Path]:
    """The files that a run can go on from, by their updates, the latest first."""
    files = [path for path in (run / "checkpoints").glob("*.pt") if re.fullmatch("[0-9]+", path.stem)]
    return sorted(files, key=lambda path: int(path.stem), reverse=True)


def read_config(run: Path) -> dict[str, Any]:
    """The configuration in force of a run, its ``config.yaml``, as plain data.

    Raises:
        ConfigError: if it is broken, or nothing that a run writes.
        OSError: if it is not there, or cannot be read.
    """
    file = run / "config.yaml"
    data = file.read_bytes()
    try:
        values = yaml.safe_load(data.decode())
        json.dumps(values, default=str)  # nothing in a ring, and names that are names
    except Exception as error:  # the reader of YAML raises whatever it stumbles on
        raise ConfigError(f"{str(file)!r} is no configuration of a run ({reason(error)})") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{str(file)!r} is no configuration of a run")
    return values


@contextlib.contextmanager
def held(folder: Path, part: str = "") -> Iterator[None]:
    """Be the only process that works in a folder; it is made where it is missing.

    Between processes of one machine, and of several where their common file system has locks. On Windows, and where a
    file system has none, nobody is kept out. A process that opens and closes the lock's file itself, a copy of the folder
    say, gives the lock away: POSIX has it so.

    Args:
        folder: to work in.
        part: of the folder, ``i-of-n``, where processes share it: each part has its own lock, and the whole and parts of
            another ``n`` keep out.

    Raises:
        BusyError: if another process works there, saying which and since when.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder.resolve() / (f".lock-{part}" if part else ".lock")
    with _ONE_AT_A_TIME:
        if file in _OURS:
            raise BusyError(_sentence(folder, _OURS[file]))
        lock = _lock(file, folder)
        _OURS[file] = _us()
    try:
        for other in file.parent.glob(".lock*"):
            if other != file and _excludes(other.name, part):
                _refuse_if_held(other, folder)
        yield
    finally:
        del _OURS[file]
        if lock is not None:
            with contextlib.suppress(OSError):  # a disk that went read-only, say
                if _is_file_of(file, lock):
                    file.unlink()
            os.close(lock)


def _excludes(lock: str, part: str) -> bool:
    """Whether the whole of a folder, or a share of another number of shares, is worked at beside a part."""
    return not part or lock.rpartition("-of-")[2] != part.rpartition("-of-")[2]


def _refuse_if_held(file: Path, folder: Path) -> None:
    if file in _OURS:
        raise BusyError(_sentence(folder, _OURS[file]))
    if sys.platform == "win32":
        return
    import fcntl

    with contextlib.suppress(FileNotFoundError), file.open("r+b") as other:  # its holder may end meanwhile
        try:
            fcntl.lockf(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _TAKEN:
                raise BusyError(_sentence(folder, _parse(other.read()))) from None


def _lock(file: Path, folder: Path) -> int | None:
    """The open file with the lock; None where there are no locks."""
    if sys.platform == "win32":
        return None
    import fcntl

    while True:
        lock = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            # of this process alone: one that it forks, a loader of pictures say, does not hold it on after a kill
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_file_of(file, lock):
                os.ftruncate(lock, 0)
                os.pwrite(lock, json.dumps(_us()).encode(), 0)
                return lock
        except OSError as error:
            holder = _parse(os.pread(lock, 1 << 16, 0))
            os.close(lock)
            if error.errno in _NO_LOCKS:
                return None
            if error.errno in _TAKEN:
                raise BusyError(_sentence(folder, holder)) from None
            file.unlink(missing_ok=True)  # of a full disk
            raise OSError(error.errno, error.strerror, str(file)) from None
        os.close(lock)  # its last holder removed it meanwhile


def _is_file_of(file: Path, lock: int) -> bool:
    """Whether the path still leads to the open file."""
    try:
        return os.path.samestat(file.stat(), os.fstat(lock))
    except FileNotFoundError:
        return False


def _us() -> dict[str, Any]:
    since = datetime.now(UTC).isoformat(sep=" ", timespec="seconds").removesuffix("+00:00")
    return {"pid": os.getpid(), "host": platform.node(), "since": since}


def _sentence(folder: Path, holder: Mapping[str, Any]) -> str:
    who = "another process"
    if holder.keys() >= {"pid", "host", "since"}:
        who = f"process {holder['pid']} on {holder['host']}, since {holder['since']} UTC"
    return f"{str(folder)!r} is in use by {who}; wait until it has ended, or end it, then give this command again"


def _read(file: Path) -> Mapping[str, Any]:
    try:
        return _parse(file.read_bytes())
    except OSError:
        return {}


def _parse(data: bytes) -> Mapping[str, Any]:
    try:
        values = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def _time(text: Any) -> datetime | None:
    try:
        stamped = isinstance(text, str) and is_stamp(text)
        time = datetime.strptime(text, "%Y-%m-%dT%H-%M-%SZ") if stamped else datetime.fromisoformat(text)
        return time if time.tzinfo else time.replace(tzinfo=UTC)
    except (TypeError, ValueError):
        return None
