"""What is to be prepared of KITTI raw: which drives, which frames, and which scenes are for validation."""

from dataclasses import replace
from pathlib import Path

import pytest

from segdepth.core.errors import DataError
from segdepth.data.kitti_plan import Setup, plan_kitti, validation_scenes
from segdepth.data.splits import eigen_test_scenes, static_frames
from segdepth.data.synthetic import write_kitti_raw

from .drives import DATE, SMALL, drive, scene, write_drives


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    write_drives(tmp_path / "raw")
    return tmp_path / "raw"


def test_static_frames_by_list_and_by_speed(raw: Path, tmp_path: Path) -> None:
    listing = tmp_path / "still.txt"
    listing.write_text(f"{DATE} {drive(5)} 0000000002")
    plan = plan_kitti(raw, Setup(static=str(listing)))
    assert plan.static == 1
    assert [job.number for job in plan.jobs if job.drive == scene(5)] == ["0000000000", "0000000001", "0000000003"]
    assert plan_kitti(raw, Setup(static="speed")).static == 0
    for file in (raw / DATE / drive(5) / "oxts/data").iterdir():
        values = file.read_text().split()
        file.write_text(" ".join([*values[:8], "0.1", *values[9:]]))
    assert {job.drive for job in plan_kitti(raw, Setup(static="speed")).jobs} == {scene(1)}
    listing.write_text("nonsense")
    with pytest.raises(DataError, match=r"still\.txt: 'nonsense' is not"):
        plan_kitti(raw, Setup(static=str(listing)))


def test_the_split_of_a_scene_is_its_own() -> None:
    scenes = sorted({drive for drive, _ in static_frames()} - eigen_test_scenes())
    held_out = validation_scenes(scenes, 0.1)
    assert 0.05 < len(held_out) / len(scenes) < 0.15
    assert validation_scenes(scenes[::2], 0.1) == held_out & set(scenes[::2]), "whatever other scenes there are"
    assert len(validation_scenes([scene(1), scene(5)], 0.001)) == 1
    assert not validation_scenes(scenes, 0)


def test_no_drives_and_only_test_drives_are_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no drives of KITTI raw"):
        plan_kitti(tmp_path, SMALL)
    write_kitti_raw(tmp_path / "raw", drives=(2,), frames=1, height=32, width=64)
    with pytest.raises(DataError, match=r"1 drive, 1 of test scenes, and no other .*--drive"):
        plan_kitti(tmp_path / "raw", SMALL)


def test_a_drive_that_is_not_there_is_named(raw: Path) -> None:
    with pytest.raises(DataError, match=rf"has no drive {drive(7)} \(it has 3: {drive(1)}, {drive(2)}, {drive(5)}\)"):
        plan_kitti(raw, replace(SMALL, drives=(scene(7), scene(1))))


def test_nothing_left_of_named_drives_is_said(tmp_path: Path) -> None:
    write_kitti_raw(tmp_path / "raw", drives=(2,), frames=1, height=32, width=64)
    with pytest.raises(DataError, match="1 drive, and none that is wanted has 3 frames"):
        plan_kitti(tmp_path / "raw", replace(SMALL, drives=(scene(2),)))
