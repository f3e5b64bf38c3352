"""Files that are never half-written: written beside their name, then renamed."""

import contextlib
import errno
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .errors import SegdepthError, reason
from .unfinished import unfinished

__all__ = [
    "naming",
    "new_json",
    "remove_unfinished",
    "replacing",
    "write_bytes",
    "write_json",
    "write_text",
]

#: Bytes that a file system which is not full has room for.
_BLOCK = 1 << 16

#: The names that :func:`unfinished` gives.
_UNFINISHED = re.compile(r"\..*\.\d+(-[0-9a-f]+)?\.part(\.[^.]*)?")

#: A file system has no hard links.
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK}

#: The system's number of an error, as Rust and Python write it.
_NUMBER = re.compile(r"\(os error (\d+)\)|\[[Ee]rrno (\d+)\]")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path in the same folder that takes ``path``'s place when the block ends well.

    After an error, or a kill, ``path`` is what it was before. The temporary name keeps the ending, because
    libraries choose a format by it; see :func:`~segdepth.core.unfinished.unfinished` for what the block may do with it.

    Raises:
        OSError: if the file cannot be written, with ``path`` as its file name, whichever library found out.
    """
    if not path.name or path.name == "..":
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    with unfinished(path) as temporary:
        try:
            yield temporary
            temporary.chmod(0o666 & ~_umask())  # some libraries write for their owner only
            temporary.replace(path)  # atomic on one file system
        except SegdepthError:
            raise
        except Exception as error:
            cause = error if isinstance(error, OSError) and error.errno is not None else _refusal(error, temporary)
            if cause is None and not isinstance(error, OSError):
                raise  # not about the file
            if cause is not None and cause.filename not in (None, str(temporary)):
                raise  # about another file
            raise _named(cause or error, path) from error


def remove_unfinished(folder: Path) -> None:
    """Remove what processes that were killed have left of files below a folder, in which no other process is at work."""
    for path in folder.rglob(".*.part*"):
        if _UNFINISHED.fullmatch(path.name):
            path.unlink()


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """For a block that writes to ``path``: an error of the system that names no file, as when a disk is full, names this one."""
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            raise
        raise _named(error, path) from error


def _named(error: Exception, path: Path) -> OSError:
    number, said = getattr(error, "errno", None), getattr(error, "strerror", None)
    return OSError(number or errno.EIO, said or reason(error), str(path))


def _refusal(error: Exception, temporary: Path) -> OSError | None:
    """What the system said to a library that could not write a file, or says to another block of it.

    Libraries tell of a full disk in their own ways: safetensors with the system's number in its text, torch by a
    ``RuntimeError`` about a position, NumPy by a count.
    """
    if found := _NUMBER.search(str(error)):
        number = int(found[1] or found[2])
        return OSError(number, os.strerror(number))
    try:
        with temporary.open("ab") as file:
            file.write(bytes(_BLOCK))
            file.flush()
            os.fsync(file.fileno())
    except OSError as said:
        return OSError(said.errno, said.strerror)
    return None


def _umask() -> int:
    """The process's file mode mask, which can be read only by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path``, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` as UTF-8, whole or not at all; bytes of a name that are no text are written as escapes."""
    write_bytes(path, text.encode(errors="backslashreplace"))


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` to ``path`` as indented JSON, whole or not at all. NaN and infinity are refused."""
    write_text(path, _json_text(value))


def new_json(path: Path, value: Any) -> bool:
    """Write ``value`` as :func:`write_json` does, unless there is such a file; of several that do so at once, one does.

    Returns:
        Whether it was this call that wrote it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with unfinished(path) as temporary:
        with naming(path):
            temporary.write_bytes(_json_text(value).encode())
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise _named(error, path) from error
            if path.exists():
                return False
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    return True


def _json_text(value: Any) -> str:
    return json.dumps(value, indent=2, allow_nan=False) + "\n"
