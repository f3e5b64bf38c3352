import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segdepth.drawing import png_bytes, png_data_uri, write_depth_png16, write_png

RNG = np.random.default_rng(0)
PICTURES = {
    "rgb": RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8),
    "grey": RNG.integers(0, 256, (5, 7), dtype=np.uint8),
    "grey16": RNG.integers(0, 65536, (5, 7), dtype=np.uint16),
}


@pytest.mark.parametrize("array", PICTURES.values(), ids=PICTURES.keys())
def test_another_reader_sees_the_same(array: np.ndarray, tmp_path: Path) -> None:
    write_png(tmp_path / "new" / "a.png", array)
    with Image.open(tmp_path / "new" / "a.png") as picture:
        np.testing.assert_array_equal(np.array(picture), array)
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["a.png"]


def test_the_uri_holds_the_file() -> None:
    head, _, text = png_data_uri(PICTURES["rgb"]).partition(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(text) == png_bytes(PICTURES["rgb"])
    with Image.open(io.BytesIO(base64.b64decode(text))) as picture:
        np.testing.assert_array_equal(np.array(picture), PICTURES["rgb"])


def test_depth_is_stored_as_kitti_does(tmp_path: Path) -> None:
    metres = np.array([[0.0, 1.0, 79.998], [0.001, 300.0, -3.0], [np.nan, np.inf, -np.inf]], np.float32)
    write_depth_png16(tmp_path / "a.png", metres)
    with Image.open(tmp_path / "a.png") as picture:
        stored = np.array(picture)
    np.testing.assert_array_equal(stored, [[0, 256, 20479], [1, 65535, 0], [0, 0, 0]])


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_png(tmp_path / "a.png", PICTURES["grey"])
    before = (tmp_path / "a.png").read_bytes()

    def full_disk(*_: object) -> int:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(OSError, match="no space"):
        write_png(tmp_path / "a.png", PICTURES["rgb"])
    assert (tmp_path / "a.png").read_bytes() == before
