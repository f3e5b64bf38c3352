"""A synthetic world is one world, whoever was interrupted before."""

import json
from pathlib import Path

import pytest

from segdepth.cli.worlds import Layout, write_world
from segdepth.core.errors import BusyError, InputError
from segdepth.core.locks import held


class StoppedError(Exception):
    """In place of a kill."""


def write(root: Path, layout: Layout = "kitti_semantics", stop_at: int = 99, **changed: int) -> int:
    def progress(done: int, _total: int) -> None:
        if done == stop_at:
            raise StoppedError

    options = {"num_images": 4, "height": 32, "width": 64, "seed": 0} | changed
    return write_world(root, layout, progress=progress, **options)


def content(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_what_was_begun_is_not_mixed_with_another_world(tmp_path: Path) -> None:
    """Pictures of the longer one would stay among those of the shorter, and be taken for them."""
    with pytest.raises(StoppedError):
        write(tmp_path / "cut", stop_at=3)
    for changed in ({"num_images": 2}, {"seed": 1}):
        with pytest.raises(InputError, match="holds another synthetic world"):
            write(tmp_path / "cut", **changed)
    assert write(tmp_path / "cut") == write(tmp_path / "whole") == 4
    assert content(tmp_path / "cut") == content(tmp_path / "whole")
    assert write(tmp_path / "cut", stop_at=1) == 4, "nothing is drawn again"


def test_pictures_that_could_not_be_read_are_not_begun(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="SEGDEPTH_MAX_PIXELS"):
        write(tmp_path / "large", height=2**40, width=2**40)
    assert not (tmp_path / "large").exists()


def test_one_process_writes(tmp_path: Path) -> None:
    with held(tmp_path), pytest.raises(BusyError, match="in use"):
        write(tmp_path)


@pytest.mark.parametrize(("layout", "frames"), [("kitti_raw", 10), ("cityscapes", 13), ("kitti_semantics", 12)])
def test_the_number_of_frames_is_the_same_of_a_finished_one(
    layout: Layout, frames: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("cityscapes", "kitti_raw", "kitti_semantics"):
        monkeypatch.setattr(f"segdepth.data.synthetic.write_{name}", lambda *_, **__: None)
    assert [write(tmp_path, layout, num_images=12) for _ in range(2)] == [frames, frames]


def test_a_damaged_description_is_named(tmp_path: Path) -> None:
    (tmp_path / "segdepth_synthetic.json").write_text("{")
    with pytest.raises(InputError, match=r"segdepth_synthetic\.json is no valid JSON"):
        write(tmp_path)
    (tmp_path / "segdepth_synthetic.json").write_text(json.dumps([]))
    with pytest.raises(InputError, match="should be the description of a synthetic world"):
        write(tmp_path)
