"""Pictures are decoded in one place: with their values, or with a sentence; never with gigabytes that a head claims."""

import io
import struct
import tracemalloc
import zlib
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from segdepth.core.errors import ConfigError, DataError, InputError
from segdepth.core.pictures import MAX_PIXELS, decode_rgb, picture_size, read_rgb, read_stored
from segdepth.core.reading import MAX_BYTES, read_bytes
from segdepth.networks import read_picture

START = b"\x89PNG\r\n\x1a\n"
GREY, RGB, PALETTE = 0, 2, 3


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(height: int, width: int, pixels: bytes, colour: int = RGB, bits: int = 8, interlaced: int = 0) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlaced)
    palette = chunk(b"PLTE", bytes(768)) if colour == PALETTE else b""
    return START + chunk(b"IHDR", header) + palette + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


def with_size(ending: str, height: int, width: int) -> bytes:
    """A small picture whose head says that it is another size."""
    if ending == ".png":
        return png(height, width, bytes(100))
    data = bytearray(cv2.imencode(ending, np.zeros((40, 50, 3), np.uint8))[1].tobytes())
    if ending == ".bmp":
        data[18:26] = struct.pack("<ii", width, height)
    else:
        place = data.find(b"\xff\xc0") + 5
        data[place : place + 4] = struct.pack(">HH", height, width)
    return bytes(data)


@pytest.fixture
def memory() -> Iterator[None]:
    """What NumPy and Python take during a test stays small. OpenCV's own memory would show in its result, which is NumPy's."""
    tracemalloc.start()
    yield
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**24


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("read", [read_rgb, read_stored, read_picture])
@pytest.mark.parametrize("ending", [".png", ".jpg", ".bmp"])
def test_a_head_that_claims_gigabytes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: object, ending: str
) -> None:
    monkeypatch.setattr(cv2, "imdecode", None)  # it is not asked
    file = tmp_path / f"large{ending}"
    file.write_bytes(with_size(ending, 60000, 60000))
    with pytest.raises((DataError, InputError), match=rf"large\{ending} is .*178956970 .*SEGDEPTH_MAX_PIXELS"):
        read(file)


@pytest.mark.usefixtures("memory")
def test_a_palette_picture_that_claims_gigabytes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(60000, 60000, bytes(100), PALETTE))
    with pytest.raises(DataError, match=r"a.png is 60000x60000 \(rows x columns\), 3600000000 pixels"):
        read_stored(tmp_path / "a.png")


@pytest.mark.usefixtures("memory")
def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "a.png").open("wb") as file:
        file.truncate(2**40)
    for read in (read_bytes, read_rgb, read_stored, picture_size):
        with pytest.raises(DataError, match=r"a.png has 1099511627776 bytes; .* 1073741824 .*SEGDEPTH_MAX_BYTES"):
            read(tmp_path / "a.png")


@pytest.mark.parametrize("ending", [".png", ".jpg", ".bmp"])
def test_the_limits_are_the_environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    file = tmp_path / f"a{ending}"
    cv2.imwrite(str(file), np.zeros((40, 50, 3), np.uint8))
    for (variable, _), enough in ((MAX_PIXELS, 2000), (MAX_BYTES, file.stat().st_size)):
        monkeypatch.setenv(variable, str(enough))
        assert read_rgb(file).shape == (40, 50, 3)
        monkeypatch.setenv(variable, str(enough - 1))
        with pytest.raises(DataError, match=rf"{enough - 1} are not read, unless {variable}"):
            read_rgb(file)
        monkeypatch.delenv(variable)


def test_who_allows_more_than_pillow_is_not_held_back_by_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    file = tmp_path / "a.bmp"
    cv2.imwrite(str(file), np.zeros((40, 50, 3), np.uint8))
    with pytest.raises(DataError, match="is larger than"):
        read_rgb(file)
    monkeypatch.setenv(MAX_PIXELS[0], str(2 * MAX_PIXELS[1]))
    assert read_rgb(file).shape == (40, 50, 3)


@pytest.mark.parametrize("text", ["", "many", "0", "-5", "1e9"])
def test_a_limit_that_is_no_number_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    (tmp_path / "a.png").write_bytes(png(1, 1, bytes(4)))
    for variable in (MAX_PIXELS[0], MAX_BYTES[0]):
        monkeypatch.setenv(variable, text)
        with pytest.raises(ConfigError, match=rf"{variable} is '{text}' in the environment; it must be"):
            read_rgb(tmp_path / "a.png")
        monkeypatch.delenv(variable)


@pytest.mark.parametrize("ending", [".png", ".jpg", ".bmp", ".tiff", ".webp", ".ppm"])
def test_the_head_says_the_size(tmp_path: Path, ending: str) -> None:
    cv2.imwrite(str(tmp_path / f"a{ending}"), np.zeros((40, 50, 3), np.uint8))
    assert picture_size(tmp_path / f"a{ending}") == (40, 50)


def test_the_size_of_a_jpeg_is_not_its_thumbnails(tmp_path: Path) -> None:
    large, small = (cv2.imencode(".jpg", np.zeros((h, 50, 3), np.uint8))[1].tobytes() for h in (40, 10))
    comment = b"\xff\xfe" + struct.pack(">H", len(small) + 2) + small
    for between in (comment, b"\xff" + comment, comment + b"\x00\x07"):  # fill and stray bytes, as decoders take them
        (tmp_path / "a.jpg").write_bytes(large[:2] + between + large[2:])
        assert picture_size(tmp_path / "a.jpg") == (40, 50)
        assert read_rgb(tmp_path / "a.jpg").shape == (40, 50, 3)
    buffer = io.BytesIO()
    Image.new("RGB", (50, 40)).save(buffer, "JPEG", progressive=True)
    (tmp_path / "a.jpg").write_bytes(buffer.getvalue())
    assert picture_size(tmp_path / "a.jpg") == (40, 50)


@pytest.mark.parametrize(
    "content", [b"hello", START, START + bytes(15), b"\xff\xd8\xff", b"\xff\xd8\xff\xda" + bytes(20)]
)
def test_a_head_that_says_no_size_is_no_pictures(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(DataError, match=r"a.jpg is no picture"):
        picture_size(tmp_path / "a.jpg")


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("interlaced", [0, 1])
def test_palette_pictures_are_whole_or_refused(tmp_path: Path, bits: int, interlaced: int) -> None:
    """Each number of bits, in one pass or seven; what Pillow writes is in one, so the passes' bytes are counted here."""
    steps = [(0, 0, 1, 1)]
    if interlaced:
        steps = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    for height, width in ((13, 11), (1, 1), (3, 2)):
        shapes = [(-(-max(height - y, 0) // dy), -(-max(width - x, 0) // dx)) for y, x, dy, dx in steps]
        total = sum(rows * (1 + -(-columns * bits // 8)) for rows, columns in shapes if columns)
        (tmp_path / "a.png").write_bytes(png(height, width, bytes(total), PALETTE, bits, interlaced))
        assert read_stored(tmp_path / "a.png").shape == (height, width)
        (tmp_path / "a.png").write_bytes(png(height, width, bytes(total - 1), PALETTE, bits, interlaced))
        with pytest.raises(DataError, match=rf"a.png is truncated: .* {total - 1} bytes of pixels in place of {total}"):
            read_stored(tmp_path / "a.png")


def test_networks_read_as_data_sets_do(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 50, 4), dtype=np.uint8)
    for ending, channels in ((".jpg", 3), (".png", 3), (".png", 4), (".png", 1)):
        cv2.imwrite(str(tmp_path / f"a{ending}"), noise[..., :channels])
        np.testing.assert_array_equal(read_picture(str(tmp_path / f"a{ending}")), read_rgb(tmp_path / f"a{ending}"))
    data = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=r"cannot read the picture: .*a.jpg is truncated"):
        read_picture(tmp_path / "a.jpg")
    with pytest.raises(InputError, match="cannot read the picture: no file"):
        read_picture(tmp_path / "b.jpg")


def test_a_size_that_stands_far_behind_the_beginning_is_found(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.jpg"), np.zeros((40, 50, 3), np.uint8))
    data = (tmp_path / "a.jpg").read_bytes()
    segment = b"\xff\xe1" + (60_000).to_bytes(2) + bytes(59_998)  # such as a camera writes with thumbnails
    (tmp_path / "a.jpg").write_bytes(data[:2] + 2 * segment + data[2:])
    assert picture_size(tmp_path / "a.jpg") == (40, 50)


def test_bytes_are_decoded_as_files_are_and_no_larger_than_wanted(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8))
    np.testing.assert_array_equal(decode_rgb(path.read_bytes(), Path("b.png"), 35), read_rgb(path))
    with pytest.raises(DataError, match=r"b.png is 5x7 .* more than 34 pixels"):
        decode_rgb(path.read_bytes(), Path("b.png"), 34)
    with pytest.raises(DataError, match=r"b.png is no picture"):
        decode_rgb(b"something else", Path("b.png"), 34)
