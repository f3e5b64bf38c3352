import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from segdepth.core.errors import DataError
from segdepth.data import files
from segdepth.data.labels import CAMVID, ClassTable
from segdepth.drawing import png_bytes, write_depth_png16, write_png
from segdepth.kinds import IGNORE


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (31, 47, 3), dtype=np.uint8)


def test_colours_come_as_rgb(tmp_path: Path, noise: np.ndarray) -> None:
    Image.fromarray(noise).save(tmp_path / "a.png")
    np.testing.assert_array_equal(files.read_rgb(tmp_path / "a.png"), noise)
    np.testing.assert_array_equal(files.read_array(tmp_path / "a.png"), noise)


def test_a_grey_picture_becomes_rgb(tmp_path: Path, noise: np.ndarray) -> None:
    Image.fromarray(noise[..., 0]).save(tmp_path / "a.png")
    np.testing.assert_array_equal(files.read_rgb(tmp_path / "a.png"), noise[..., :1].repeat(3, axis=2))


def test_transparency_is_left_out(tmp_path: Path, noise: np.ndarray) -> None:
    Image.fromarray(np.dstack([noise, noise[..., 0]])).save(tmp_path / "a.png")
    np.testing.assert_array_equal(files.read_array(tmp_path / "a.png"), noise)


def test_labels_of_a_palette_picture_are_its_indices(tmp_path: Path) -> None:
    values = np.array([[0, 1, 2], [3, 255, 0]], np.uint8)
    picture = Image.fromarray(values)
    picture.putpalette([255 - i // 3 for i in range(768)])
    picture.save(tmp_path / "a.png")
    np.testing.assert_array_equal(files.read_labels(tmp_path / "a.png"), values)


def test_labels_of_sixteen_bits_are_fine_while_they_fit(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", np.array([[0, 255]], np.uint16))
    assert files.read_labels(tmp_path / "a.png").dtype == np.uint8
    write_png(tmp_path / "b.png", np.array([[0, 256]], np.uint16))
    with pytest.raises(DataError, match=r"b.png .*256"):
        files.read_labels(tmp_path / "b.png")


def test_labels_in_colours_are_refused(tmp_path: Path, noise: np.ndarray) -> None:
    write_png(tmp_path / "a.png", noise)
    with pytest.raises(DataError, match=r"a.png is a colour picture"):
        files.read_labels(tmp_path / "a.png")


def test_depth_goes_there_and_back(tmp_path: Path) -> None:
    metres = np.array([[0, 1.5, 80.25], [np.nan, -1, 0.001]], np.float32)
    write_depth_png16(tmp_path / "a.png", metres)
    depth = files.read_depth_png(tmp_path / "a.png", 1 / 256)
    assert depth.dtype == np.float32
    np.testing.assert_array_equal(depth, np.array([[0, 1.5, 80.25], [0, 0, 1 / 256]], np.float32))


def test_depth_of_eight_bits_is_refused(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", np.ones((2, 2), np.uint8))
    with pytest.raises(DataError, match=r"a.png is uint8 .*16-bit grey"):
        files.read_depth_png(tmp_path / "a.png", 0.001)


def test_what_is_no_depth_becomes_zero(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([[np.nan, np.inf, -2.0, 0.0, 3.0]]))
    depth = files.read_npy(tmp_path / "a.npy")
    assert depth.dtype == np.float32
    np.testing.assert_array_equal(depth, [[0, 0, 0, 0, 3]])


@pytest.mark.parametrize("array", [np.zeros((1, 2, 2)), np.array([["a"]]), np.zeros(3)])
def test_an_array_that_is_no_map_is_refused(tmp_path: Path, array: np.ndarray) -> None:
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(DataError, match=r"a.npy (holds|is truncated or no .npy file of numbers: it holds)"):
        files.read_npy(tmp_path / "a.npy")


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(DataError, match=r"a.npy"):
        files.read_npy(tmp_path / "a.npy")


@pytest.mark.parametrize("ending", [".png", ".jpg"])
@pytest.mark.parametrize("share", [0.01, 0.3, 0.9, 0.999])
def test_a_truncated_picture_is_named_and_nothing_else_is_printed(
    tmp_path: Path, noise: np.ndarray, ending: str, share: float, capfd: pytest.CaptureFixture[str]
) -> None:
    data = bytes(cv2.imencode(ending, noise)[1])
    file = tmp_path / f"a{ending}"
    file.write_bytes(data[: int(share * len(data))])
    with pytest.raises(DataError, match=rf"a\{ending} is (truncated|no picture)"):
        files.read_rgb(file)
    assert capfd.readouterr() == ("", "")


def test_a_thumbnails_end_is_not_the_pictures(tmp_path: Path, noise: np.ndarray) -> None:
    thumbnail = bytes(cv2.imencode(".jpg", noise[:8, :8])[1])
    data = bytes(cv2.imencode(".jpg", noise)[1])
    comment = b"\xff\xfe" + struct.pack(">H", len(thumbnail) + 2) + thumbnail
    file = tmp_path / "a.jpg"
    file.write_bytes(data[:2] + comment + data[2:])
    assert files.read_rgb(file).shape == noise.shape
    file.write_bytes((data[:2] + comment + data[2:])[:-100])
    with pytest.raises(DataError, match="truncated"):
        files.read_rgb(file)


def test_a_flipped_bit_in_a_png_is_named_and_nothing_else_is_printed(
    tmp_path: Path, noise: np.ndarray, capfd: pytest.CaptureFixture[str]
) -> None:
    data = bytearray(png_bytes(noise))
    data[len(data) // 2] ^= 1
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(DataError, match=r"a.png is damaged"):
        files.read_rgb(tmp_path / "a.png")
    assert capfd.readouterr() == ("", "")


def test_a_palette_picture_that_breaks_the_rules_is_named(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 2, 2, 8, 3, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"PLTE", bytes(6)), chunk(b"IDAT", b"no zlib"), chunk(b"IEND", b"")]
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    with pytest.raises(DataError, match=r"a.png cannot be decoded"):
        files.read_labels(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(None, "no file"), (b"", "empty"), (b"hello", "no picture"), (b"\x89PNG\r\n\x1a\n", "truncated")],
)
def test_a_file_that_is_no_picture_is_named(tmp_path: Path, content: bytes | None, complaint: str) -> None:
    file = tmp_path / "street.png"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(DataError, match=complaint) as caught:
        files.read_rgb(file)
    assert str(file) in str(caught.value)


def test_a_folder_in_a_files_place_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"{tmp_path} is a folder"):
        files.read_rgb(tmp_path)


def test_a_truncated_array_is_named(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.ones((9, 9)))
    for share in (0.05, 0.5, 0.99):
        (tmp_path / "a.npy").write_bytes(buffer.getvalue()[: int(share * len(buffer.getvalue()))])
        with pytest.raises(DataError, match=r"a.npy is truncated"):
            files.read_npy(tmp_path / "a.npy")


def test_files_are_sorted_and_hidden_ones_skipped(tmp_path: Path) -> None:
    for name in ("b.png", "a.JPG", "c.jpg", "c.png", ".d.png", "e.txt"):
        (tmp_path / name).touch()
    found = files.files_by_stem(tmp_path, (".png", ".jpg"), "pictures")
    assert [(stem, file.name) for stem, file in found.items()] == [("a", "a.JPG"), ("b", "b.png"), ("c", "c.png")]


def test_a_missing_folder_is_answered_with_those_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    with pytest.raises(DataError, match=r"no folder .*valid/rgb for pictures .*: train\)"):
        files.require_folder(tmp_path / "valid" / "rgb", "pictures")


def test_values_become_train_ids() -> None:
    table = ClassTable(("a", "b"), ((1, 1, 1), (2, 2, 2)), (7, 200))
    values = np.array([[7, 200, 9], [9, 7, 7]], np.uint8)
    mapped = files.map_labels(values, files.label_lookup(table, void=(9,)), Path("x.png"))
    np.testing.assert_array_equal(mapped, [[0, 1, IGNORE], [IGNORE, 0, 0]])
    assert mapped.dtype == np.uint8


def test_a_value_that_is_no_class_is_named_with_its_file() -> None:
    values = np.array([[0, 12, 12]], np.uint8)
    with pytest.raises(DataError, match=r"x.png has 2 pixels of value 12.*allowed: 0-11, 255"):
        files.map_labels(values, files.label_lookup(CAMVID, void=(11, IGNORE)), Path("x.png"))


def test_a_truth_of_several_values_a_pixel_has_its_pictures_size_or_is_named(noise: np.ndarray) -> None:
    files.require_same_size(noise, Path("a.png"), np.zeros((31, 47, 3), np.float32), Path("a.npy"))
    with pytest.raises(DataError, match=r"a\.npy is 30x47, but its image a\.png is 31x47"):
        files.require_same_size(noise, Path("a.png"), np.zeros((30, 47, 3), np.float32), Path("a.npy"))
