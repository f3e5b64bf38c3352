"""Pictures on disk: the one place that decodes them. A broken file is named, with what is wrong.

Files are checked for completeness before they are decoded: decoders print a truncated file's trouble on the
console, some of them return what they could read of it, and neither says which file it was. How large a picture says it
is, is looked up in its head before it gets any memory: a few bytes can claim gigabytes.
"""

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Shaped, UInt8
from numpy import ndarray
from PIL import Image, JpegImagePlugin, PngImagePlugin

from .errors import DataError
from .reading import limit, read_bytes

__all__ = ["MAX_PIXELS", "decode_rgb", "picture_size", "read_rgb", "read_stored"]

#: The variable of the environment that sets how many pixels a picture has at most, and what holds without it: half a GiB of 8-bit
#: RGB, which is also what Pillow takes.
MAX_PIXELS = ("SEGDEPTH_MAX_PIXELS", 2**29 // 3)

#: Bytes of a file in which its size mostly stands.
_HEAD = 1 << 16

_PNG_START = b"\x89PNG\r\n\x1a\n"
_PALETTE = b"\x03"
#: First row and column, and steps, of the passes that a PNG's pixels come in: one, or the seven of an interlaced one.
_PASSES = (
    ((0, 0, 1, 1),),
    ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)),
)
_JPEG_START, _JPEG_SCAN, _JPEG_END = b"\xff\xd8\xff", b"\xff\xda", b"\xff\xd9"
#: What decoders make of pixels that are not there, and what they would take for some.
_GREY, _MORE_PIXELS = 128, bytes(range(1, 200)) * 2
_JPEG_PROGRESSIVE = b"\xff\xc2"
#: Markers of a JPEG whose segment says the size (SOF), of all with C0 to CF but those of tables; and those without a segment.
_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_BARE = frozenset({0x00, 0x01, *range(0xD0, 0xD9)})
_JPEG_LAST = frozenset({0xD9, 0xDA})


def read_rgb(path: Path) -> UInt8[ndarray, "h w 3"]:
    """A picture, RGB, 0..255, turned upright if the file says how (EXIF).

    Raises:
        DataError: if the file is missing, truncated, damaged, too large or no picture.
    """
    return decode_rgb(read_bytes(path), path)


def decode_rgb(data: bytes, path: Path, most: int | None = None) -> UInt8[ndarray, "h w 3"]:
    """A picture of a file's bytes, RGB, 0..255, turned upright if they say how (EXIF).

    Args:
        data: of the file.
        path: what it is called, for messages.
        most: pixels, where that is fewer than :data:`MAX_PIXELS` allows.

    Raises:
        DataError: if they are truncated, damaged, too large or no picture.
    """
    if most is not None:
        size = _size(path, data)
        if size is None:
            raise _no_picture(path)
        if size[0] * size[1] > most:
            raise DataError(
                f"{path} is {size[0]}x{size[1]} (rows x columns); pictures of more than {most} pixels are not taken here"
            )
    picture = _decode(path, data, cv2.IMREAD_COLOR)
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB, dst=picture)


def read_stored(path: Path) -> Shaped[ndarray, "..."]:
    """The values of a picture as they are stored: grey [h, w], colours as RGB [h, w, 3], of a palette picture the indices.

    Raises:
        DataError: if the file is missing, truncated, damaged, too large or no picture.
    """
    data = read_bytes(path)
    if data.startswith(_PNG_START) and data[25:26] == _PALETTE:  # OpenCV would give colours, not indices
        return _decode_palette(path, data)
    values = _decode(path, data, cv2.IMREAD_UNCHANGED)
    if values.ndim == 3:
        code = cv2.COLOR_BGRA2RGB if values.shape[2] == 4 else cv2.COLOR_BGR2RGB
        return np.asarray(cv2.cvtColor(values, code))
    return values


def picture_size(path: Path) -> tuple[int, int]:
    """Rows and columns of a picture as it is stored, by its head.

    Raises:
        DataError: if the file is missing, too large or no picture.
    """
    size = _size(path, read_bytes(path, most=_HEAD)) or _size(path, read_bytes(path))
    if size is None:
        raise _no_picture(path)
    return size


def _decode(path: Path, data: bytes, flag: int) -> Shaped[ndarray, "..."]:
    _check(path, data)
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    except cv2.error as error:
        raise DataError(f"{path} cannot be decoded: {error.err}") from error
    if picture is None:
        raise _no_picture(path)
    if data.startswith(_JPEG_START):
        _check_pixels(path, data, picture)
    return np.asarray(picture)


def _no_picture(path: Path) -> DataError:
    return DataError(f"{path} is no picture that can be decoded (PNG and JPEG can)")


def _decode_palette(path: Path, data: bytes) -> UInt8[ndarray, "h w"]:
    _check(path, data)
    try:
        _check_rows(path, data)
        # not Image.open, whose own limit knows nothing of ours
        return np.array(PngImagePlugin.PngImageFile(io.BytesIO(data)))
    except (OSError, SyntaxError, ValueError, zlib.error) as error:  # SyntaxError: of a PNG that breaks PNG's rules
        raise DataError(f"{path} cannot be decoded: {error}") from error


def _check_pixels(path: Path, data: bytes, picture: Shaped[ndarray, "h w *values"]) -> None:
    """Refuse a JPEG whose pixels end early, of which decoders make grey.

    Where they do, more pixels before the end would be read; where all are there, nobody looks at what follows. A cut inside the
    last block of 16x16 is not seen. Only a picture with a grey corner is decoded again, or one whose pixels come in several
    scans, and no more of it than the mean of each block.
    """
    corners = picture[[0, 0, -1, -1], [0, -1, 0, -1]].reshape(4, -1)
    if not (corners == _GREY).all(axis=1).any() and _JPEG_PROGRESSIVE not in data:
        return
    end = data.rfind(_JPEG_END)
    longer = data[:end] + _MORE_PIXELS + data[end:]
    if not np.array_equal(_block_means(path, data), _block_means(path, longer)):
        raise DataError(f"{path} is truncated: the JPEG has fewer pixels than its head says")


def _block_means(path: Path, data: bytes) -> UInt8[ndarray, "..."]:
    try:
        with JpegImagePlugin.JpegImageFile(io.BytesIO(data)) as picture:
            picture.draft(None, (1, 1))
            return np.array(picture)
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(f"{path} cannot be decoded: {error}") from error


def _check_rows(path: Path, data: bytes) -> None:
    """Refuse a PNG whose pixels end early: Pillow, other than OpenCV, fills what is missing with zeros, a class."""
    columns, rows, bits, _, _, _, interlaced = struct.unpack_from(">IIBBBBB", data, 16)
    needed = 0
    for row, column, row_step, column_step in _PASSES[interlaced > 0]:
        high, wide = len(range(row, rows, row_step)), len(range(column, columns, column_step))
        needed += high * (1 + (wide * bits + 7) // 8) if wide else 0
    packed = b"".join(content for chunk, content in _chunks(path, data) if chunk == b"IDAT")
    if (there := len(zlib.decompressobj().decompress(packed, max(1, needed)))) < needed:
        raise DataError(f"{path} is truncated: the PNG has {there} bytes of pixels in place of {needed}")


def _check(path: Path, data: bytes) -> None:
    """Refuse what is too large or not complete."""
    most = limit(*MAX_PIXELS)
    size = _size(path, data)
    if size is not None and size[0] * size[1] > most:
        raise _too_large(path, f"is {size[0]}x{size[1]} (rows x columns), {size[0] * size[1]} pixels", most)
    if data.startswith(_PNG_START):
        for _ in _chunks(path, data):
            pass
    # A picture inside the picture (a thumbnail) has an end of its own: only one after the last scan's start
    # counts.
    elif data.startswith(_JPEG_START) and data.rfind(_JPEG_END) <= data.rfind(_JPEG_SCAN):
        raise DataError(f"{path} is truncated: the JPEG has no end after {len(data)} bytes")


def _too_large(path: Path, what: str, most: int) -> DataError:
    return DataError(
        f"{path} {what}; pictures of more than {most} are not read, unless {MAX_PIXELS[0]} in the environment allows more"
    )


def _chunks(path: Path, data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Type and bytes of a PNG's chunks: each has a length, a type, its bytes and a checksum; the last one is IEND."""
    view, position, chunk = memoryview(data), len(_PNG_START), b""
    while chunk != b"IEND":
        if position + 12 > len(data):
            raise DataError(f"{path} is truncated: the PNG has no end after {len(data)} bytes")
        (length,) = struct.unpack_from(">I", data, position)
        chunk, end = data[position + 4 : position + 8], position + 8 + length
        if end + 4 > len(data):
            raise DataError(f"{path} is truncated: the PNG goes on after {len(data)} bytes")
        if struct.unpack_from(">I", data, end) != (zlib.crc32(view[position + 4 : end]),):
            raise DataError(f"{path} is damaged: a checksum of the PNG is wrong near byte {position}")
        yield chunk, view[position + 8 : end]
        position = end + 4


def _size(path: Path, data: bytes) -> tuple[int, int] | None:
    """Rows and columns that a picture says it has; None where it does not say, so that no decoder would know them either."""
    if data.startswith(_PNG_START):
        if len(data) < 24:
            return None
        columns, rows = struct.unpack_from(">II", data, 16)
        return rows, columns
    if data.startswith(_JPEG_START):
        return _jpeg_size(data)
    return _size_by_pillow(path, data)


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Walk over the segments as decoders do, which pass over what stands between them, to the one that says the size."""
    position = data.find(b"\xff", 2)
    while 0 <= position < len(data) - 9:
        marker = data[position + 1]
        if marker in _JPEG_SIZES:
            rows, columns = struct.unpack_from(">HH", data, position + 5)
            return rows, columns
        if marker in _JPEG_LAST:
            return None
        if marker == 0xFF:
            position += 1  # a filling byte
            continue
        length = 0 if marker in _JPEG_BARE else int.from_bytes(data[position + 2 : position + 4])
        position = data.find(b"\xff", position + 2 + length)
    return None


def _size_by_pillow(path: Path, data: bytes) -> tuple[int, int] | None:
    """Of the other formats; None of those that Pillow does not know: OpenCV has a limit of its own, 2^30 pixels."""
    most = limit(*MAX_PIXELS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is wrong with a picture, one sentence is said
            with Image.open(io.BytesIO(data)) as picture:
                return picture.height, picture.width
    except Image.DecompressionBombError:
        if most > MAX_PIXELS[1]:  # then Pillow's limit is not what is wanted
            return None
        raise _too_large(path, f"is larger than {MAX_PIXELS[1]} pixels", most) from None
    except Exception:  # whatever its many readers stumble over: then it is no picture that they know
        return None
