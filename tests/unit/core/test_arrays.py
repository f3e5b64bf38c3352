"""An array's file is whole or not there, and what it says of itself is looked at before it gets memory."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segdepth.core.arrays import map_npy, read_npy, read_npz, write_npy, write_npz
from segdepth.core.errors import DataError


def saved(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def with_head(old: str, new: str) -> bytes:
    """Of two rows and three columns, with another head."""
    data = saved(np.arange(6, dtype=np.float32).reshape(2, 3))
    length = int.from_bytes(data[8:10], "little")
    head = data[10 : 10 + length].decode().replace(old, new).encode()
    return data[:8] + len(head).to_bytes(2, "little") + head + data[10 + length :]


def test_what_is_written_is_read_and_nothing_is_left_beside(tmp_path: Path) -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    for layout in (array, np.asfortranarray(array), array.astype(">f8"), array > 2, array[:0], np.float32(3)):
        write_npy(tmp_path / "new" / "a.npy", np.asarray(layout))
        np.testing.assert_array_equal(read_npy(tmp_path / "new" / "a.npy"), layout)
    with pytest.raises(OSError, match="exists"):
        write_npy(tmp_path / "new" / "a.npy" / "b.npy", array)
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["a.npy"]


EVIL = [
    with_head("(2, 3)", shape)
    for shape in ("(2, 4)", "(99999999999,)", "(-1, 2)", "(0, 99999999999999999999)", "(1.5,)", "'x'", "(True, 2)")
]
EVIL += [
    with_head("'<f4'", kind)
    for kind in ("'|O'", "'<U9'", "'|V4'", "'<M8[s]'", "[('a', '|O')]", "('<f4', (9,))", "'|V0'", "'x'", "None")
]
EVIL += [
    with_head("{", "[" * 3000),
    with_head("{", "{'x': 1, "),
    b"",
    b"\x93NUMPY",
    saved(np.array([{}], dtype=object)),
    b"\x93NUMPY\x09\x00" + bytes(99),
]


@pytest.mark.parametrize("data", EVIL)
def test_what_is_no_array_of_numbers_is_named(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.npy").write_bytes(data)
    for read in (read_npy, map_npy):
        with pytest.raises(DataError, match=r"a\.npy"):
            read(tmp_path / "a.npy")


def test_a_mapped_array_is_what_was_written(tmp_path: Path) -> None:
    array = np.arange(24, dtype=np.float64).reshape(2, 3, 4)
    write_npy(tmp_path / "a.npy", array)
    mapped = map_npy(tmp_path / "a.npy")
    assert isinstance(mapped.base, np.memmap)
    np.testing.assert_array_equal(mapped, array)


ARRAYS = {"image": np.arange(6, dtype=np.uint8), "stamp": np.array("here")}


def archive(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return stream.getvalue()


def test_arrays_in_one_file(tmp_path: Path) -> None:
    write_npz(tmp_path / "a.npz", ARRAYS)
    found = read_npz(tmp_path / "a.npz")
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
    whole = (tmp_path / "a.npz").read_bytes()
    for place in range(0, len(whole), 7):  # any bit that changes is seen, or does not matter
        (tmp_path / "a.npz").write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        try:
            changed = read_npz(tmp_path / "a.npz")
        except DataError:
            continue
        assert all(np.array_equal(changed[name], ARRAYS[name]) for name in ARRAYS if name in changed)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04",
        archive({"a.npy": saved(np.zeros(2**24, np.uint8))}, zipfile.ZIP_DEFLATED),
        archive({"a.npy": b"x"}),
        archive({"a.npy": saved(np.array([{}], dtype=object))}),
        archive({"a.npy": with_head("(2, 3)", "(9, 9)")}),
    ],
)
def test_an_archive_that_is_none_of_ours_is_named(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(DataError, match=r"a\.npz"):
        read_npz(tmp_path / "a.npz")


def test_objects_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="names: an array of Python objects is not written"):
        write_npz(tmp_path / "a.npz", {"image": np.zeros(2), "names": np.array([{}], dtype=object)})
    assert not list(tmp_path.iterdir())
