"""A file is whole or not there."""

import stat
from pathlib import Path

import pytest

from segdepth.core.files import replacing, write_json, write_text


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
