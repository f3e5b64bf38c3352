"""Names of files that are being written: each is one writer's, and what a killed one has left is used up by the next."""

import contextlib
import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from .locks import NO_LOCKS, is_file_of
from .own_name import of_this_machine, unlike_any

__all__ = ["unfinished"]


@contextlib.contextmanager
def unfinished(path: Path) -> Iterator[Path]:
    """A name beside a file, under which it can be written and then renamed; removed if the block ends with an error.

    While the block lasts the file there is locked, so that other writers of ``path``, in this process or another, have
    other names. The system gives the lock back when the process ends, however it ends. The block writes into this very
    file: a library that puts one of its own in its place, as safetensors does, would leave that behind after a kill.

    Raises:
        OSError: if no file can be made there, with ``path`` as its file name.
    """
    temporary, lock = _claim(path)
    try:
        yield temporary
    except BaseException:
        with contextlib.suppress(OSError):  # of a disk that went away, say
            temporary.unlink(missing_ok=True)
        raise
    finally:
        if lock is not None:
            os.close(lock)


def _claim(path: Path) -> tuple[Path, int | None]:
    """A free name, and the open file with the lock; None where there are no locks, and the process's number tells names apart."""
    for number in itertools.count():
        temporary = _name(path, number)
        try:
            lock = _lock(temporary)
        except OSError as error:
            if error.errno in NO_LOCKS:
                break
            if isinstance(error, BlockingIOError) or (isinstance(error, PermissionError) and temporary.exists()):
                continue  # somebody writes there, or another user was killed
            raise OSError(error.errno, error.strerror, str(path)) from None
        if lock is None:
            break
        _remove_left(path, number + 1)
        return temporary, lock
    return _called(path, unlike_any()), None


def _name(path: Path, number: int) -> Path:
    return _called(path, of_this_machine(number))  # some shared folders have locks for each machine only


def _called(path: Path, name: str) -> Path:
    return path.with_name(f".{path.stem}.{name}.part{path.suffix}")


def _remove_left(path: Path, number: int) -> None:
    """What writers that were killed beside each other have left, from a number on."""
    while (left := _name(path, number)).exists():
        try:
            lock = _lock(left)
        except OSError:  # somebody writes
            return
        left.unlink(missing_ok=True)
        if lock is not None:
            os.close(lock)
        number += 1


def _lock(file: Path) -> int | None:
    """The open, empty file with the lock; None where there are no locks.

    A lock of the open file, not of the process: one process may be several writers.

    Raises:
        OSError: if another has it, or there can be no such file.
    """
    if sys.platform == "win32":
        return None
    import fcntl

    while True:
        lock = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if is_file_of(file, lock):
                os.ftruncate(lock, 0)
                return lock
        except OSError as error:
            os.close(lock)
            if error.errno in NO_LOCKS:
                file.unlink(missing_ok=True)
            raise
        os.close(lock)  # its writer has renamed it meanwhile
