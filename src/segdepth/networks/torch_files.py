"""Files of ``torch.save``, read without executing anything in them; what cannot be read so is named in one sentence.

Torch's own reader, told to build nothing but tensors and plain values, decides what is read. What is said about a file that it
refuses comes from a list of the pickle's opcodes (:mod:`pickletools`), which executes nothing either.
"""

import pickletools
import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch

from segdepth.core.errors import CheckpointError
from segdepth.core.reading import read_bytes, require_file

__all__ = ["is_torch_file", "load_torch_file", "require_plain"]

#: The first pickle of a file that torch before 1.6 wrote.
_MAGIC = 0x1950A86A20F9469CFC6C
#: Such a file begins with four pickles and a fifth that lists the storages; then come raw bytes.
_PICKLES = 5
#: The pickle protocol of ``torch.save``, and the newest that its safe reader knows.
_PROTOCOL = 2

#: What tensors and plain values are made of.
_HARMLESS = re.compile(
    r"collections\.(OrderedDict|Counter)|_codecs\.encode|(numpy\.(core|_core)\.multiarray\.scalar|numpy\.dtype)"
    r"|(__builtin__|builtins)\.(set|bytearray|complex)|torch\.nn\.parameter\.Parameter|torch\._utils\._rebuild_\w+"
    r"|torch\._tensor\._rebuild_from_type_v2|torch\.serialization\._get_layout|torch\.storage\.(\w+Storage|_load_from_bytes)"
    r"|torch\.(\w*Storage|\w*Tensor|Size|device|[a-z]+\d+\w*)"
)

#: Classes of the standard library that are called to restore an object, and do no harm.
_CLASSES = re.compile(r"(argparse|datetime|decimal|fractions|pathlib|uuid)\.\w+|collections\.(defaultdict|deque)")

_ZIP = b"PK\x03\x04"
#: Bytes that an archive may unpack to beyond its own; torch.save packs nothing.
_FREE = 2**26

_HOW_TO_SAVE = "where it was made, save the weights alone: torch.save(net.state_dict(), 'weights.pth')"


def is_torch_file(path: Path) -> bool:
    """Whether a file begins as ``torch.save`` or pickle begin one (and not as safetensors, whose ninth byte is a brace)."""
    start = read_bytes(path, "a file of weights", error=CheckpointError, most=9)
    return start.startswith(_ZIP) or (start[:1] == b"\x80" and start[8:] != b"{")


def load_torch_file(path: Path) -> Any:
    """A torch file, zipped or as torch before 1.6 wrote it, on the CPU.

    Besides tensors and plain values, numpy's numbers are let through: many programs store their best score as one.

    Raises:
        CheckpointError: if it is truncated, is no torch file, or could only be read by running code.
    """
    require_file(path, "a file of weights", error=CheckpointError)
    _check_archive(path)
    scalar = np._core.multiarray.scalar  # type: ignore[attr-defined]
    allowed: list[Any] = [np.dtype, *(type(np.dtype(code)) for code in "fdil?")]
    allowed += [(scalar, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")]  # of numpy 1 and 2
    try:
        with torch.serialization.safe_globals(allowed), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a protocol that is then refused
            with path.open("rb") as file:  # of a path, torch would believe the ending
                return torch.load(file, map_location="cpu", weights_only=True)
    except Exception:  # torch raises half a dozen kinds, and advises to read the file without looking
        raise CheckpointError(f"{str(path)!r} cannot be read safely: {_why(path)}") from None


def require_plain(value: Any, path: Path, where: str = "") -> None:
    """Refuse what a file holds beside plain values and tensors whose numbers are all in it.

    Args:
        value: of the file; nested mappings, lists and tuples are looked through.
        path: of the file, for the message.
        where: it stands in the file.

    Raises:
        CheckpointError: if there is a sparse, quantised or repeated tensor, one without numbers, or a value of another kind.
    """
    if isinstance(value, Mapping):
        for key, part in value.items():
            require_plain(part, path, f"{where}.{key}" if where else str(key))
    elif isinstance(value, list | tuple):
        for place, part in enumerate(value):
            require_plain(part, path, f"{where}.{place}")
    elif isinstance(value, torch.Tensor):
        whole = value.layout == torch.strided and not value.is_quantized and not value.is_meta
        if not whole or value.untyped_storage().nbytes() < value.numel() * value.element_size():
            raise CheckpointError(f"{str(path)!r} is damaged: its {where[:80]} is no tensor with numbers of its own")
    elif not (value is None or isinstance(value, bool | int | float | str)):
        raise CheckpointError(f"{str(path)!r} is damaged: its {where[:80]} is a {type(value).__name__}")


def _check_archive(path: Path) -> None:
    """Refuse a zip archive that claims more memory than it has bytes, or whose bytes have changed, which torch reads as weights.

    Raises:
        CheckpointError: if so. What is no zip archive at all is left to torch.
    """
    if read_bytes(path, error=CheckpointError, most=4) != _ZIP:
        return
    try:
        with zipfile.ZipFile(path) as archive:
            claimed, there = sum(one.file_size for one in archive.infolist()), path.stat().st_size
            if claimed > there + _FREE:
                raise CheckpointError(
                    f"{str(path)!r} is damaged: it has {there} bytes, and says that it unpacks to {claimed}"
                )
            damaged = archive.testzip()
    except CheckpointError:
        raise
    except Exception:  # of what is damaged, or packed in a way that it does not know, zipfile raises half a dozen kinds
        raise CheckpointError(f"{str(path)!r} cannot be read safely: {_why(path)}") from None
    if damaged is not None:
        raise CheckpointError(f"{str(path)!r} is damaged: the checksum of {damaged} does not fit")


@dataclass
class _Contents:
    """What the pickles of a file say.

    Attributes:
        calls: functions and classes that reading would call, by dotted name.
        classes: of the objects that it would put back together.
        values: the first value of each pickle, where it is a plain number.
        protocol: the newest that is used.
        whole: whether the first pickle has an end.
    """

    calls: list[str] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    protocol: int = 0
    whole: bool = False


def _why(path: Path) -> str:
    """Why torch refuses a file, as the rest of a sentence."""
    start = read_bytes(path, error=CheckpointError, most=4)
    zipped = start == _ZIP
    if zipped and not zipfile.is_zipfile(path):
        return "it is truncated; it begins as a torch file, but its end is missing"
    try:
        with _pickle_of(path, zipped) as stream:
            if stream is None:
                return "it is a zip archive, but not one of torch.save"
            contents = _contents(stream, 1 if zipped else _PICKLES)
    except Exception:  # an archive can be broken, encrypted or packed in more ways than zipfile has errors for
        return "it is a zip archive that is damaged"
    if contents.calls:
        return f"to open it is to run code of its own choice, {contents.calls[0]}; {_HOW_TO_SAVE}"
    if contents.classes:
        return (
            f"beside the weights lies an object of the class {contents.classes[0]}, which is put back together by code; "
            f"{_HOW_TO_SAVE}"
        )
    if not contents.whole:
        if start[:1] == b"\x80":
            return "it is truncated; it begins as a pickle, but its end is missing"
        return "it is neither a file of torch.save nor safetensors"
    if not zipped and contents.values[:1] != [_MAGIC]:
        return f"it is a plain pickle, not a file of torch.save; {_HOW_TO_SAVE}"
    if contents.protocol > _PROTOCOL:
        return (
            f"it is written with pickle protocol {contents.protocol}, but only torch.save's own ({_PROTOCOL}) can be read "
            f"without running it; {_HOW_TO_SAVE}"
        )
    return "it is truncated or damaged"


@contextmanager
def _pickle_of(path: Path, zipped: bool) -> Iterator[BufferedReader | BytesIO | None]:
    """The pickle inside a torch file; None where a zip archive has none."""
    if not zipped:
        with path.open("rb") as file:
            yield file
        return
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if not names:
            yield None
            return
        yield BytesIO(archive.read(names[0]))


def _contents(stream: BufferedReader | BytesIO, pickles: int) -> _Contents:
    """List the opcodes of one pickle after the other, executing none."""
    contents = _Contents()
    for _ in range(pickles):
        try:
            _list_pickle(stream, contents)
        except Exception:  # a file that ends in the middle, or raw bytes, break the listing in many ways
            break
        contents.whole = True
    return contents


def _list_pickle(stream: BufferedReader | BytesIO, contents: _Contents) -> None:
    texts: list[str] = []  # the last ones that were put on the stack
    memo: dict[int, str] = {}
    waiting: list[str] = []  # names of which it is not yet known what is done with them
    argument: Any
    for opcode, argument, _ in pickletools.genops(stream):
        code = opcode.name
        if code == "PROTO":
            contents.protocol = max(contents.protocol, argument)
        elif code in {"LONG1", "BININT", "BININT1", "BININT2", "INT", "LONG"}:
            contents.values.append(argument)
        elif "UNICODE" in code or "STRING" in code:
            texts.append(argument)
        elif code == "MEMOIZE":
            memo[len(memo)] = texts[-1] if texts else ""
        elif code in {"BINPUT", "LONG_BINPUT", "PUT"}:
            memo[argument] = texts[-1] if texts else ""
        elif code in {"BINGET", "LONG_BINGET", "GET"}:
            texts.append(memo.get(argument, ""))
        elif code in {"GLOBAL", "INST"}:
            waiting.append(argument.replace(" ", "."))
        elif code == "STACK_GLOBAL":
            waiting.append(".".join(texts[-2:]))
        if code in {"REDUCE", "OBJ", "INST", "NEWOBJ", "NEWOBJ_EX", "STOP"}:
            for name in waiting:
                if code.startswith("NEWOBJ") or _CLASSES.fullmatch(name):
                    contents.classes.append(name)
                elif not _HARMLESS.fullmatch(name):
                    contents.calls.append(name)
            waiting.clear()
