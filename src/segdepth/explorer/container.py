"""A JSON head and named arrays in one run of bytes.

Four bytes, little endian, say how long the head is; the head is JSON in UTF-8, filled up with blanks so that what follows begins
at a multiple of 8; then the arrays. ``head["arrays"]`` says of each name its dtype, its shape, and where it begins behind the
head.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Shaped
from numpy import ndarray

__all__ = ["finite", "pack", "unpack"]

#: What a browser's typed arrays hold.
_DTYPES = ("uint8", "float32", "int32")

#: Arrays begin at multiples of it.
_STEP = 8


def finite(value: Any) -> Any:
    """Plain data as JSON has it: numbers that are not finite are None."""
    if isinstance(value, Mapping):
        return {key: finite(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def pack(head: Mapping[str, Any], arrays: Mapping[str, Shaped[ndarray, "..."]]) -> bytes:
    """One run of bytes.

    Args:
        head: plain data; numbers that are not finite become null.
        arrays: of uint8, float32 or int32.

    Raises:
        ValueError: if an array is of another type.
    """
    places: dict[str, Any] = {}
    offset = 0
    for name, array in arrays.items():
        if array.dtype.name not in _DTYPES:
            raise ValueError(f"{name} is {array.dtype}; a container holds {', '.join(_DTYPES)}")
        places[name] = {"dtype": array.dtype.name, "shape": list(array.shape), "offset": offset}
        offset += array.nbytes + -array.nbytes % _STEP
    text = json.dumps(finite({**head, "arrays": places}), allow_nan=False, separators=(",", ":")).encode()
    text += b" " * (-(4 + len(text)) % _STEP)
    parts = [len(text).to_bytes(4, "little"), text]
    for array in arrays.values():
        parts += [np.ascontiguousarray(array).tobytes(), bytes(-array.nbytes % _STEP)]
    return b"".join(parts)


def unpack(data: bytes) -> tuple[dict[str, Any], dict[str, Shaped[ndarray, "..."]]]:
    """Head and arrays of what :func:`pack` made; the arrays are views of the bytes."""
    start = 4 + int.from_bytes(data[:4], "little")
    head: dict[str, Any] = json.loads(data[4:start])
    arrays = {
        name: np.frombuffer(data, place["dtype"], int(np.prod(place["shape"])), start + place["offset"]).reshape(
            place["shape"]
        )
        for name, place in head["arrays"].items()
    }
    return head, arrays
