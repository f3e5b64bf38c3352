"""One process at a time in a folder.

**At work** in a folder is one process, which holds a lock that the operating system takes back when it ends, however it
ends. The lock's file names it for whoever comes second.
"""

import contextlib
import errno
import json
import os
import re
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import BusyError, DataError
from .own_name import this_process, unlike_any
from .reading import parse_json

__all__ = ["NO_LOCKS", "Crew", "Part", "held", "is_file_of"]

_LOCK = ".lock"

#: A lock is not to be had because another process has it; or because this file system has none.
_TAKEN = {errno.EACCES, errno.EAGAIN}
NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}

#: Locks of this process, which the operating system would give it twice: who has them, for the sentence.
_OURS: dict[Path, dict[str, Any]] = {}
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True, slots=True)
class Part:
    """What one of several processes does in a folder that they share.

    Attributes:
        index: number of the part, from 0.
        count: of all parts.

    Example:
        >>> str(Part(0, 4)), Part.read("0-of-4"), Part.read("")
        ('0-of-4', Part(index=0, count=4), None)
    """

    index: int
    count: int

    @classmethod
    def read(cls, text: str) -> "Part | None":
        """The part that is written so; None if none is."""
        found = re.fullmatch(r"(\d+)-of-(\d+)", text)
        return cls(int(found[1]), int(found[2])) if found else None

    def __str__(self) -> str:
        return f"{self.index}-of-{self.count}"


@dataclass(frozen=True, slots=True)
class Crew:
    """Works at whatever is left in a folder, beside others that look at what is done: crews, and parts of any number.

    Attributes:
        name: of this one alone.
    """

    name: str = field(default_factory=unlike_any)

    @staticmethod
    def read(text: str) -> "Crew | None":
        """The crew that is written so; None if none is."""
        found = re.fullmatch(r"crew-(.+)", text)
        return Crew(found[1]) if found else None

    def __str__(self) -> str:
        return f"crew-{self.name}"


#: Who works in a folder; None is alone.
Share = Part | Crew | None


@contextlib.contextmanager
def held(folder: Path, share: Share = None) -> Iterator[None]:
    """Be the only process that works in a folder; it is made where it is missing.

    Between processes of one machine, and of several where their common file system has locks. On Windows, and where a
    file system has none, nobody is kept out. A process that opens and closes the lock's file itself, a copy of the folder
    say, gives the lock away: POSIX has it so.

    Args:
        folder: to work in.
        share: where processes share the folder each has its own lock. Parts of another number keep out, and whoever is alone
            keeps all out.

    Raises:
        BusyError: if another process works there, saying which and since when.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder.resolve() / (_LOCK if share is None else f"{_LOCK}-{share}")
    with _ONE_AT_A_TIME:
        if file in _OURS:
            raise BusyError(_sentence(folder, _OURS[file]))
        lock = _lock(file, folder)
        _OURS[file] = this_process()
    try:
        for other in file.parent.glob(f"{_LOCK}*"):
            if other != file and not _go_together(share, _read(other.name.removeprefix(f"{_LOCK}-"))):
                _refuse_if_held(other, folder)
        yield
    finally:
        del _OURS[file]
        if lock is not None:
            with contextlib.suppress(OSError):  # a disk that went read-only, say
                if is_file_of(file, lock):
                    file.unlink()
            os.close(lock)


def _read(name: str) -> Share:
    return Part.read(name) or Crew.read(name)


def _go_together(share: Share, other: Share) -> bool:
    """Whether two may work beside each other."""
    if isinstance(share, Part) and isinstance(other, Part):
        return share.count == other.count
    return share is not None and other is not None


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
        else:
            file.unlink()  # of one that was killed


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
            if is_file_of(file, lock):
                os.ftruncate(lock, 0)
                os.pwrite(lock, json.dumps(this_process()).encode(), 0)
                return lock
        except OSError as error:
            holder = _parse(os.pread(lock, 1 << 16, 0))
            os.close(lock)
            if error.errno in NO_LOCKS:
                return None
            if error.errno in _TAKEN:
                raise BusyError(_sentence(folder, holder)) from None
            file.unlink(missing_ok=True)  # of a full disk
            raise OSError(error.errno, error.strerror, str(file)) from None
        os.close(lock)  # its last holder removed it meanwhile


def is_file_of(file: Path, lock: int) -> bool:
    """Whether the path still leads to the open file."""
    try:
        return os.path.samestat(file.stat(), os.fstat(lock))
    except FileNotFoundError:
        return False


def _sentence(folder: Path, holder: Mapping[str, Any]) -> str:
    who = "another process"
    if holder.keys() >= {"pid", "host", "since"}:
        who = f"process {holder['pid']} on {holder['host']}, since {holder['since']} UTC"
    return f"{str(folder)!r} is in use by {who}; wait until it has ended, or end it, then give this command again"


def _parse(data: bytes) -> Mapping[str, Any]:
    try:
        values = parse_json(data, "a lock")
    except DataError:
        return {}
    return values if isinstance(values, dict) else {}
