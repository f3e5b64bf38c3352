"""The way in: bytes, texts, JSON, tables. What is wrong with a file is a sentence; its size is known before memory is taken.

Every file that this program reads comes through here, or through the other walls, which begin here: :mod:`.yaml_text`,
:mod:`.arrays`, :mod:`.pictures`, :mod:`.parquet`, :mod:`.weights`, and :mod:`segdepth.networks.torch_files`. Nobody else calls
a library that reads files (tests/contract/test_walls.py).
"""

import csv
import json
import math
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar, overload

from .errors import ConfigError, DataError, SegdepthError, reason

__all__ = [
    "MAX_BYTES",
    "as_kind",
    "check_tree", "limit", "parse_json", "parse_row", "positive", "read_bytes", "read_json", "read_json_lines",
    "read_lines", "read_text", "require_file",
]  # fmt: skip

T = TypeVar("T")
Kind = type[SegdepthError]

#: The variable of the environment that sets how many bytes of a file are read at most, and what holds without it: a GiB.
MAX_BYTES = ("SEGDEPTH_MAX_BYTES", 2**30)

#: Of a tree of JSON or YAML: how deep it is at most, and the bits of its numbers.
_DEEPEST, _MOST_BITS = 100, 64
#: Bytes of a pipe at a time.
_PART = 1 << 20
#: Characters of a line of a list: four times the longest path.
_LONGEST_LINE = 4 * 4096


def read_bytes(path: Path, what: str = "", *, error: Kind = DataError, most: int = -1) -> bytes:
    """All bytes of a file.

    Args:
        path: of a file, or a pipe that somebody writes to.
        what: it should be, for the message of one that is not there.
        error: to raise.
        most: bytes, where only a file's beginning is wanted.

    Raises:
        error: if it is missing, no file, cannot be read, is empty, or has more bytes than :data:`MAX_BYTES` allows.
        ConfigError: if the environment sets no number there.
    """
    data = _read(path, what, error, most)
    if not data:
        raise error(f"{path} is empty (0 bytes)")
    return data


def require_file(path: Path, what: str = "", *, error: Kind = DataError) -> Path:
    """``path`` itself, for a library that opens it: a file, not a folder, pipe or device.

    Raises:
        error: if it is none.
    """
    with _Told(path, what, error):
        mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        raise error(f"{path} is {_called(mode)}, not a file")
    return path


class _Told:
    """What the system says about a file becomes a sentence."""

    def __init__(self, path: Path, what: str, error: Kind) -> None:
        self._path, self._what, self._error = path, what, error

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: type[BaseException] | None, said: BaseException | None, trace: object) -> None:
        if isinstance(said, FileNotFoundError | NotADirectoryError):
            raise self._error(
                f"no file {self._path}" + (f", which should be {self._what}" if self._what else "")
            ) from None
        if isinstance(said, IsADirectoryError):
            raise self._error(f"{self._path} is a folder, not a file") from None
        if isinstance(said, OSError | ValueError):  # ValueError: of a name that no file can have
            raise self._error(
                f"cannot read {str(self._path)!r}: {getattr(said, 'strerror', None) or reason(said)}"
            ) from None


def _read(path: Path, what: str, error: Kind, most: int) -> bytes:
    allowed = limit(*MAX_BYTES)
    with _Told(path, what, error), open(path, "rb", opener=_without_waiting) as file:
        state = os.fstat(file.fileno())
        if not (stat.S_ISREG(state.st_mode) or stat.S_ISFIFO(state.st_mode)):
            raise error(f"{path} is {_called(state.st_mode)}, not a file")
        os.set_blocking(file.fileno(), True)  # who writes to a pipe has opened it by now
        if state.st_size > allowed:
            raise error(_too_large(path, state.st_size, allowed))
        parts = [file.read(state.st_size + 1 if most < 0 else most)]
        while most < 0 and parts[-1] and sum(map(len, parts)) <= allowed:  # of a pipe, whose size is not known
            parts.append(file.read(_PART))
    if (size := sum(map(len, parts))) > allowed:
        raise error(_too_large(path, size, allowed))
    return b"".join(parts)


def _without_waiting(path: str, flags: int) -> int:
    """A pipe that nobody writes to is empty, and does not wait for ever."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _too_large(path: Path, size: int, allowed: int) -> str:
    most = f"files of more than {allowed} are not read, unless {MAX_BYTES[0]} in the environment allows more"
    return f"{path} has {size} bytes; {most}"


def _called(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a pipe" if stat.S_ISFIFO(mode) else "a device"


def limit(variable: str, default: int) -> int:
    """A number that the environment may set.

    Raises:
        ConfigError: if it sets none.
    """
    text = os.environ.get(variable)
    try:
        number = default if text is None else int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise ConfigError(f"{variable} is {text!r} in the environment; it must be a whole number, 1 or more")
    return number


def read_text(path: Path, what: str = "a text", *, error: Kind = DataError) -> str:
    """A text in UTF-8, with or without the mark that some editors put before it.

    Raises:
        error: as :func:`read_bytes`; or if it is none.
    """
    data = read_bytes(path, what, error=error)
    try:
        if b"\0" in data:
            raise ValueError
        return data.decode("utf-8-sig")
    except ValueError:
        raise error(f"{path} is not a text file in UTF-8, but should be {what}") from None


def read_lines(path: Path, what: str, todo: str = "fetch it anew") -> list[str]:
    """The lines of a text file, stripped, without empty ones.

    Args:
        path: the file.
        what: it should be, for the messages ("a list of folders").
        todo: about one that is empty.

    Raises:
        DataError: if the file is missing, not text, or empty.
    """
    data = _read(path, what, DataError, -1)
    lines = [line.strip() for line in read_text(path, what).splitlines()] if data else []
    if not any(lines):
        raise DataError(f"{path} is empty, but should be {what}", todo)
    if (longest := max(map(len, lines))) > _LONGEST_LINE:
        raise DataError(f"{path} has a line of {longest} characters, but should be {what}")
    return [line for line in lines if line]


def parse_row(line: str, where: str, separator: str = ",", *, error: Kind = DataError) -> list[str]:
    """The cells of a line of a table, stripped.

    Raises:
        error: if it is none, as with a quote that is not closed.
    """
    try:
        (row,) = csv.reader([line], delimiter=separator, strict=True)
    except (csv.Error, ValueError) as said:
        raise error(f"{where}: {line[:60]!r} is no line of a table ({reason(said)})") from None
    return [cell.strip() for cell in row]


def parse_json(text: str | bytes, where: str, *, error: Kind = DataError) -> Any:
    """The value of a JSON text.

    Raises:
        error: if it is none, or one that nothing here writes: a hundred levels deep, numbers of more than 64 bits, halves of
            characters.
    """
    try:
        value = json.loads(text.decode("utf-8-sig") if isinstance(text, bytes) else text)
    except (ValueError, RecursionError) as said:
        why = "it is nested too deeply" if isinstance(said, RecursionError) else reason(said)
        raise error(f"{where} is no valid JSON ({why[:200]})") from None
    return check_tree(value, where, error=error)


@overload
def read_json(path: Path, what: str, *, error: Kind = ...) -> dict[str, Any]: ...
@overload
def read_json(path: Path, what: str, *, error: Kind = ..., default: T) -> dict[str, Any] | T: ...
def read_json(path: Path, what: str, *, error: Kind = DataError, default: Any = ...) -> Any:
    """The mapping in a JSON file.

    Args:
        path: of the file.
        what: it should be, for the messages ("a description of a study").
        error: to raise.
        default: what to give for a file that is not there or wrong, in place of raising.

    Raises:
        error: if it is not there, no JSON, or holds something else.
    """
    try:
        value = parse_json(read_bytes(path, what, error=error), str(path), error=error)
        if not isinstance(value, dict):
            raise error(f"{path} holds {_short(value)}, but should be {what}")
    except error:
        if default is ...:
            raise
        return default
    return value


def read_json_lines(path: Path, *, error: Kind = DataError) -> list[Mapping[str, Any] | None]:
    """The mapping in each line of a file that is written line by line: None for one that a kill cut off, or that is damaged.

    Raises:
        error: if the file is not there or cannot be read.
    """
    data = _read(path, "a log", error, -1)
    return [_mapping_or_none(line, path) for line in data.decode(errors="replace").splitlines()]


def _mapping_or_none(line: str, path: Path) -> Mapping[str, Any] | None:
    try:
        value = parse_json(line, str(path))
    except DataError:
        return None
    return value if isinstance(value, Mapping) else None


def as_kind(kind: Any, value: Any, where: str, *, error: Kind = DataError, strict: bool = False) -> Any:
    """A value of a file as what it should be.

    Args:
        kind: a type that Pydantic knows: a dataclass, a model, mappings and tuples of plain values.
        value: plain.
        where: it stands, for messages.
        error: to raise.
        strict: whether a number in quotes, or true, is no number.

    Raises:
        error: with the first place that does not fit.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        adapter = TypeAdapter(kind)
        return adapter.validate_json(json.dumps(value), strict=True) if strict else adapter.validate_python(value)
    except ValidationError as said:
        first = said.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise error(f"{where}: {place or 'all of it'}: {first['msg']}") from None
    except TypeError as said:  # of what JSON cannot say
        raise error(f"{where}: {reason(said)}") from None


def check_tree(value: T, where: str, *, error: Kind, most: int = 2_000_000) -> T:
    """A tree of plain values, itself.

    Args:
        value: of JSON or YAML; it may hold itself.
        where: it stands, for messages.
        error: to raise.
        most: values, counting what is repeated.

    Raises:
        error: if it is deeper, larger or has larger numbers than anything that is meant; or has anything that is not plain.
    """
    count, level = 0, [value]
    for _ in range(_DEEPEST):
        below: list[Any] = []
        for part in level:
            if isinstance(part, dict):
                below += part.values()
                _check_words(part, where, error)
            elif isinstance(part, list):
                below += part
            else:
                _check_leaf(part, where, error)
            if count + len(below) > most:
                raise error(f"{where} has more than {most} values")
        count += len(below)
        if not below:
            return value
        level = below
    raise error(f"{where} is nested more than {_DEEPEST} levels deep")


def _check_leaf(part: Any, where: str, error: Kind) -> None:
    if isinstance(part, str):
        _check_words((part,), where, error)
    elif isinstance(part, int) and part.bit_length() > _MOST_BITS:
        raise error(f"{where} has a whole number of more than {_MOST_BITS} bits")
    elif not (part is None or isinstance(part, int | float)):
        raise error(f"{where} has a {type(part).__name__}, which is no plain value")


def _check_words(words: Iterable[str], where: str, error: Kind) -> None:
    """Refuse halves of characters, which JSON can spell and no file or terminal takes."""
    try:
        for word in words:
            if not word.isascii():
                word.encode()
    except UnicodeEncodeError:
        raise error(f"{where} has half a character (\\ud800 to \\udfff)") from None


def positive(values: Any, keys: Iterable[str]) -> float | None:
    """The positive, finite number at nested keys; None if there is none."""
    for key in keys:
        values = values.get(key) if isinstance(values, Mapping) else None
    fits = isinstance(values, int | float) and not isinstance(values, bool) and 0 < values < math.inf
    return float(values) if fits else None


def _short(value: Any) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"
