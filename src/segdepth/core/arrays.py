"""Arrays on disk: NumPy's files, whose heads are read before any memory is taken. Nothing in them is executed."""

import io
import math
import zipfile
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Shaped
from numpy import ndarray

from .errors import DataError, reason
from .files import replacing
from .reading import read_bytes, require_file

__all__ = ["as_float32", "map_npy", "read_npy", "read_npz", "write_npy", "write_npz"]

#: A side of an array that no memory has room for.
_LONGEST = 2**40
#: Kinds of numbers: whether, whole, without sign, floating, complex; and texts, in our own archives.
_NUMBERS, _PLAIN = "biufc", "biufcU"


def read_npy(path: Path) -> Shaped[ndarray, "..."]:
    """The numbers in a ``.npy`` file.

    Raises:
        DataError: if it is missing, truncated, or holds anything else, such as objects.
    """
    return _decoded(read_bytes(path), str(path), _NUMBERS)


def map_npy(path: Path) -> Shaped[ndarray, "..."]:
    """The same as :func:`read_npy`, of a file that may be larger than memory: read where it is looked at.

    Raises:
        DataError: as there.
    """
    with require_file(path).open("rb") as file:
        start = file.read(1 << 16)
    _head(io.BytesIO(start), str(path), path.stat().st_size, _NUMBERS)
    try:
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except (ValueError, OSError) as error:  # of no number at all
        raise _no_array(str(path), reason(error)) from None


def as_float32(values: Shaped[ndarray, "*shape"]) -> Float32[ndarray, "*shape"]:
    """The same numbers; what is too large for the type is infinite, without a warning."""
    with np.errstate(over="ignore"):
        return values.astype(np.float32)


def read_npz(path: Path) -> dict[str, Shaped[ndarray, "..."]]:
    """The arrays in an archive that :func:`write_npz` wrote.

    Raises:
        DataError: if it is missing, damaged (a bit suffices), packed, or holds anything but numbers and texts.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(read_bytes(path))) as archive:
            packed = [one.filename for one in archive.infolist() if one.file_size != one.compress_size]
            if packed:
                raise DataError(f"{path} is packed, or says so of {packed[0]!r}; no file of ours is")
            parts = {name: archive.read(name) for name in archive.namelist()}
    except (
        zipfile.BadZipFile,
        EOFError,
        OSError,
        RuntimeError,
        ValueError,
    ) as error:  # RuntimeError: of an encrypted one
        raise DataError(f"{path} is damaged, or no archive of arrays: {reason(error)}") from None
    return {name.removesuffix(".npy"): _decoded(data, f"{path}: {name}", _PLAIN) for name, data in parts.items()}


def _decoded(data: bytes, where: str, kinds: str) -> Shaped[ndarray, "..."]:
    stream = io.BytesIO(data)
    shape, column_order, dtype = _head(stream, where, len(data), kinds)
    count = math.prod(shape)
    flat = np.frombuffer(data, dtype, count, stream.tell()) if count else np.empty(0, dtype)
    return flat.reshape(shape, order="F" if column_order else "C").copy()


def _head(stream: io.BytesIO, where: str, size: int, kinds: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, order and type that a file says it has; the stream stands at its numbers then.

    Raises:
        DataError: if it has no head, or one of other types, or fewer bytes than it says.
    """
    try:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, column_order, dtype = read(stream)
    except Exception as error:  # of a head that is no Python literal, numpy raises whatever it stumbles on
        raise _no_array(where, reason(error)) from None
    if dtype.kind not in kinds or dtype.itemsize == 0 or dtype.subdtype is not None:
        raise _no_array(where, f"it holds {dtype}")
    if not all(type(side) is int and 0 <= side < _LONGEST for side in shape):
        raise _no_array(where, f"its shape is {shape}")
    needed, there = math.prod(shape) * dtype.itemsize, size - stream.tell()
    if needed > there:
        raise DataError(f"{where} is truncated: {dtype} of shape {shape} is {needed} bytes, and {there} are there")
    return shape, column_order, dtype


def _no_array(where: str, why: str) -> DataError:
    return DataError(f"{where} is truncated or no .npy file of numbers: {why[:200]}")


def write_npy(path: Path, array: Shaped[ndarray, "..."]) -> None:
    """Write an array to a ``.npy`` file, whole or not at all."""
    with replacing(path) as temporary:
        np.save(temporary, array)


def write_npz(path: Path, arrays: dict[str, Shaped[ndarray, "..."]]) -> None:
    """Write arrays to one archive, whole or not at all.

    Raises:
        ValueError: of an array of Python objects, which NumPy would pickle.
    """
    if objects := [name for name, array in arrays.items() if array.dtype.hasobject]:
        raise ValueError(f"{', '.join(objects)}: an array of Python objects is not written")
    with replacing(path) as temporary:
        np.savez(temporary, **arrays)  # type: ignore[arg-type]  # NumPy 2.0 has no other parameter
