"""A file is whole or not there."""

import errno
import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import save_file

from segdepth.core.errors import DataError
from segdepth.core.files import naming, new_json, remove_unfinished, replacing, write_json, write_text


def test_an_error_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.txt"
    write_text(path, "old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert [p.name for p in path.parent.iterdir()] == ["file.txt"]


def test_the_temporary_name_keeps_the_ending_and_the_mode_is_ordinary(tmp_path: Path) -> None:
    (tmp_path / "ordinary").touch()
    with replacing(tmp_path / "picture.png") as temporary:
        assert temporary.suffix == ".png"
        temporary.touch(0o600)
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("ordinary", "picture.png")}
    assert len(modes) == 1


def test_json_refuses_what_json_has_no_word_for(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "x.json", {"score": float("nan")})
    assert not (tmp_path / "x.json").exists()


def arrow(path: Path) -> None:
    pq.write_table(pa.table({"x": np.random.default_rng(0).random(100_000)}), path)


def tensors(path: Path) -> None:
    save_file({"x": torch.zeros(100_000)}, path)


WRITERS: dict[str, Callable[[Path], object]] = {
    "bytes": lambda path: path.write_bytes(bytes(400_000)),
    "numpy": lambda path: np.save(path, np.zeros(100_000)),
    "numpy archive": lambda path: np.savez(path, x=np.zeros(100_000)),
    "torch": lambda path: torch.save({"x": torch.zeros(100_000)}, path),
    "arrow": arrow,
    "safetensors": tensors,
}


@pytest.fixture
def no_large_files() -> Iterator[None]:
    """The system refuses to write beyond 20,000 bytes of a file, as it does where a disk is full."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.usefixtures("no_large_files")
def test_whoever_writes_the_sentence_has_the_files_name(writer: str, tmp_path: Path) -> None:
    path = tmp_path / ("file.npy" if writer == "numpy" else "file.npz")
    path.write_bytes(b"earlier")
    with pytest.raises(OSError, match=os.strerror(errno.EFBIG)) as caught, replacing(path) as temporary:
        WRITERS[writer](temporary)
    assert caught.value.filename == str(path)
    assert caught.value.errno == errno.EFBIG
    assert path.read_bytes() == b"earlier"
    assert list(tmp_path.iterdir()) == [path]


def test_errors_that_are_not_about_the_file_stay_as_they_are(tmp_path: Path) -> None:
    for error in (RuntimeError("a bug"), DataError("a mistake"), FileNotFoundError(2, "No such file", "other.txt")):
        with pytest.raises(type(error)) as caught, replacing(tmp_path / "file.txt") as temporary:
            temporary.write_text("half")
            raise error
        assert caught.value is error


def test_an_error_without_a_name_gets_one(tmp_path: Path) -> None:
    for before, name in ((OSError(errno.ENOSPC, "full"), "log.txt"), (OSError(errno.ENOSPC, "full", "other"), "other")):
        with pytest.raises(OSError, match="full") as caught, naming(tmp_path / "log.txt"):
            raise before
        assert Path(caught.value.filename).name == name
    with pytest.raises(OSError, match="3 requested and 0 written") as caught, replacing(tmp_path / "x.npy"):
        raise OSError("3 requested and 0 written")
    assert caught.value.filename == str(tmp_path / "x.npy")
    assert caught.value.errno == errno.EIO


def test_what_killed_processes_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    kept = [".hidden", ".a.part", "b.12.part.pt", ".c.12.partial", "00000001.pt"]
    left = [
        ".00000001.123.part.pt",
        ".config.7.part.yaml",
        ".name.5.part",
        ".x.5-0a1b2c3d.part.npy",
        "deep/.log.x.9.part.jsonl",
    ]
    (tmp_path / "deep").mkdir()
    for name in (*kept, *left):
        (tmp_path / name).touch()
    with replacing(tmp_path / "file.txt") as temporary:
        temporary.write_text("half")
        remove_unfinished(tmp_path)
        assert not temporary.exists(), "these are the names"
        temporary.touch()
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == {*kept, "file.txt"}


def test_of_several_that_write_a_new_file_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "deep" / "study.json"
    assert new_json(path, {"who": 1})
    assert not new_json(path, {"who": 2})

    def no_links(*_: object) -> None:
        raise OSError(errno.EPERM, "not on this file system")

    monkeypatch.setattr(os, "link", no_links)
    assert not new_json(path, {"who": 3})
    assert json.loads(path.read_text()) == {"who": 1}
    path.unlink()
    assert new_json(path, {"who": 4})
    assert [file.name for file in path.parent.iterdir()] == ["study.json"]


def test_bytes_of_a_name_that_are_no_text_are_written_as_escapes(tmp_path: Path) -> None:
    write_text(tmp_path / "page.html", "a picture named \udcff")
    assert (tmp_path / "page.html").read_text() == "a picture named \\udcff"
