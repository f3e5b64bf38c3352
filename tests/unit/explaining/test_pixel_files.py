from pathlib import Path

import pytest

from segdepth.core.errors import InputError
from segdepth.explaining.pixel_files import read_pixels

SIZE = (48, 96)


def written(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "pixels.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        "3,40\n5,60\n",
        "3 40\n\n  5\t60",
        "3\t40\r\n5\t60\r\n",
        "3; 40\n5; 60",
        "\ufeffrow,column\n3,40\n5,60\n",
        "# of a street\n3, 40  # a car\n5, 60\n",
        'answer,Column,zero,ROW\n"a, b",40,0,3\ncar,60,1,5\n',
        "x y\n40 3\n60 5\n",
        "i j\n3 40\n5 60\n",
    ],
)
def test_rows_and_columns_in_many_spellings(content: str, tmp_path: Path) -> None:
    assert read_pixels(written(tmp_path, content), SIZE) == [(3, 40), (5, 60)]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("3,40\n5\n", r"pixels.csv, line 2: there are 1 values, not 2"),
        ("3,40,7\n", "line 1: there are 3 values, not 2"),
        ("row,column\n\n3,4.5\n", "line 3: '4.5' is no whole number; give a row and a column"),
        ("3,40\n48,0\n", r"line 2: pixel \(48, 0\) is outside the 48x96 picture: row must be 0\.\.47"),
        ("-1,0\n", r"line 1: pixel \(-1, 0\) is outside"),
        ("3.5,4\n", "line 1: '3.5, 4' is neither two whole numbers nor a header"),
        ("row,col,column\n3,4,5\n", "line 1: .* nor a header with a row"),
        ("\n# nothing\n", "pixels.csv lists no pixel"),
        ("row,column\n", "pixels.csv lists no pixel"),
        (b"\x89PNG\r\n\x1a\n\x00\xff", "pixels.csv is not a text file"),
    ],
)
def test_a_mistake_names_file_and_line(content: str | bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=words):
        read_pixels(written(tmp_path, content), SIZE)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no file .*nowhere\.csv"):
        read_pixels(tmp_path / "nowhere.csv", SIZE)
