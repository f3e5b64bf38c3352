"""Preparing KITTI raw: the same tree whatever happens on the way."""

import hashlib
import json
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from segdepth.core.errors import DataError, InputError, SegdepthError
from segdepth.data import open_dataset
from segdepth.data.kitti_plan import Setup
from segdepth.data.kitti_raw import read_velodyne
from segdepth.data.prepare_kitti import prepare_kitti
from segdepth.executing import Local
from segdepth.geometry import nearest_point, project_velodyne, read_kitti_calibration

from .drives import DATE, SMALL, drive, scene, write_drives


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two training drives and a test drive (0002), small."""
    root = tmp_path_factory.mktemp("raw")
    write_drives(root)
    return root


@pytest.fixture
def own_raw(raw: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    copy = tmp_path / "raw"
    for file in raw.rglob("*"):
        if file.is_file():
            target = copy / file.relative_to(raw)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    return copy


def content(root: Path) -> dict[str, str]:
    """Every file of a tree with its hash, hidden ones too."""
    files = (file for file in root.rglob("*") if file.is_file())
    return {str(file.relative_to(root)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.fixture(scope="module")
def whole(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The tree that an undisturbed run makes."""
    out = tmp_path_factory.mktemp("whole")
    prepare_kitti(raw, out, SMALL)
    return content(out)


def test_the_layout_is_the_one_of_the_specification(raw: Path, tmp_path: Path) -> None:
    done = prepare_kitti(raw, tmp_path, SMALL)
    assert done.made == 16
    folders = {f"{drive(number)}_{camera}" for number in (1, 5) for camera in ("02", "03")}
    assert {entry.name for entry in tmp_path.iterdir()} == folders | {
        "manifest.json",
        "SHA256SUMS",
        "train.txt",
        "val.txt",
    }
    one = tmp_path / f"{drive(1)}_02"
    assert {file.name for file in one.iterdir()} == {"cam.txt"} | {
        f"{k:010d}.{e}" for k in range(4) for e in ("jpg", "npy")
    }
    assert cv2.imread(str(one / "0000000002.jpg")).shape == (24, 78, 3)
    listed = [(tmp_path / f"{split}.txt").read_text().split() for split in ("train", "val")]
    assert {name[:-3] for name in listed[0]}.isdisjoint(name[:-3] for name in listed[1]), "both cameras together"
    assert {*listed[0], *listed[1]} == folders
    np.testing.assert_allclose(
        np.loadtxt(one / "cam.txt")[0, 0], read_kitti_calibration(raw / DATE).intrinsics()[0, 0] * 78 / 311, rtol=1e-8
    )


@pytest.mark.parametrize("reduction", ["nearest-point", "reference"])
def test_depth_is_the_projection(raw: Path, tmp_path: Path, reduction: str) -> None:
    prepare_kitti(raw, tmp_path, Setup(height=24, width=78, static="none", depth_reduction=reduction))
    points = read_velodyne(raw / DATE / drive(5) / "velodyne_points/data/0000000001.bin")
    calibration = read_kitti_calibration(raw / DATE)
    if reduction == "reference":
        expected = project_velodyne(points, calibration.scaled(24 / 94, 78 / 311), (24, 78), 3)
    else:
        expected = nearest_point(project_velodyne(points, calibration, (94, 311), 3), (24, 78))
    np.testing.assert_array_equal(np.load(tmp_path / f"{drive(5)}_03/0000000001.npy"), expected)
    assert (expected > 0).mean() > 0.2


@pytest.mark.parametrize("image_format", ["jpg", "png"])
@pytest.mark.parametrize("depth_format", ["npy", "png"])
def test_the_reader_takes_every_format(raw: Path, tmp_path: Path, image_format: str, depth_format: str) -> None:
    setup = Setup(height=24, width=78, static="none", image_format=image_format, depth_format=depth_format)
    prepare_kitti(raw, tmp_path, setup)
    for split in ("train", "val"):
        dataset = open_dataset("kitti", path=tmp_path, split=split, target="depth")
        assert len(dataset) == 8
        sample = dataset[0]
        assert sample.image.shape == (24, 78, 3)
        assert sample.truth("depth").shape == (24, 78)
        assert 2 < sample.truth("depth")[sample.truth("depth") > 0].min() < sample.truth("depth").max() < 90
        assert sample.focal_px == pytest.approx(read_kitti_calibration(raw / DATE).intrinsics()[0, 0] * 78 / 311)


def test_a_finished_tree_is_verified_and_a_damaged_one_mended(raw: Path, tmp_path: Path, whole: dict[str, str]) -> None:
    prepare_kitti(raw, tmp_path, SMALL)
    again = prepare_kitti(raw, tmp_path, SMALL)
    assert (again.made, again.verified) == (0, 16)
    (tmp_path / f"{drive(1)}_03/0000000001.npy").write_bytes(b"damaged")
    (tmp_path / f"{drive(5)}_02/0000000000.jpg").unlink()
    mended = prepare_kitti(raw, tmp_path, SMALL)
    assert (mended.made, mended.verified) == (2, 14)
    assert content(tmp_path) == whole


def test_the_hashes_are_those_of_sha256sum(raw: Path, tmp_path: Path) -> None:
    prepare_kitti(raw, tmp_path, SMALL)
    lines = dict(reversed(line.split("  ")) for line in (tmp_path / "SHA256SUMS").read_text().splitlines())
    files = content(tmp_path)
    assert lines == {name: digest for name, digest in files.items() if name not in ("SHA256SUMS", "manifest.json")}
    assert json.loads((tmp_path / "manifest.json").read_text())["hashes"]["sha256"] == files["SHA256SUMS"]


def test_processes_and_shards_make_the_same_tree(raw: Path, tmp_path: Path, whole: dict[str, str]) -> None:
    for name in ("processes", "shards"):
        (tmp_path / name).mkdir()
    prepare_kitti(raw, tmp_path / "processes", SMALL, place=Local(2))
    assert content(tmp_path / "processes") == whole
    waiting = [prepare_kitti(raw, tmp_path / "shards", SMALL, shard=(k, 3)).waiting_for for k in (2, 0, 1)]
    assert waiting == [(0, 1), (1,), ()]
    assert content(tmp_path / "shards") == whole


class StoppedError(Exception):
    pass


def test_an_interrupted_run_goes_on(raw: Path, tmp_path: Path, whole: dict[str, str]) -> None:
    def stop(done: int, _: int) -> None:
        if done == 3:
            raise StoppedError

    with pytest.raises(StoppedError):
        prepare_kitti(raw, tmp_path, SMALL, progress=stop)
    assert not (tmp_path / "manifest.json").exists()
    resumed = prepare_kitti(raw, tmp_path, SMALL)
    assert resumed.verified == 6, "three scans, two pictures each"
    assert content(tmp_path) == whole


def test_killed_at_random_moments_it_ends_in_the_identical_tree(
    raw: Path, tmp_path: Path, whole: dict[str, str]
) -> None:
    out, moments = tmp_path / "out", random.Random(4)
    code = (
        "import sys, time; from pathlib import Path; from segdepth.data.kitti_plan import Setup;"
        "from segdepth.data.prepare_kitti import prepare_kitti;"
        f"prepare_kitti(Path({str(raw)!r}), Path({str(out)!r}), Setup(height=24, width=78, static='none'),"
        "progress=lambda done, total: (print(done, flush=True), time.sleep(0.02)))"
    )
    for _ in range(5):
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        process.stdout.readline()  # it has begun
        time.sleep(moments.uniform(0, 0.1))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    prepare_kitti(raw, out, SMALL)
    assert content(out) == whole


def test_other_options_are_refused(raw: Path, tmp_path: Path) -> None:
    prepare_kitti(raw, tmp_path, SMALL)
    with pytest.raises(InputError, match=r"other options \(width 78 -> 80\)"):
        prepare_kitti(raw, tmp_path, Setup(height=24, width=80, static="none"))


def test_a_foreign_folder_is_refused(raw: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(InputError, match="not empty"):
        prepare_kitti(raw, tmp_path, SMALL)


def damage(raw: Path) -> dict[str, str]:
    """Four broken files in drive 5, and what is to be said of each."""
    folder = raw / DATE / drive(5)
    scans, images = folder / "velodyne_points/data", folder / "image_02/data"
    (scans / "0000000000.bin").write_bytes(b"")
    (scans / "0000000001.bin").write_bytes(b"12345")
    points = np.fromfile(scans / "0000000002.bin", np.float32)
    points[5] = np.nan
    points.tofile(scans / "0000000002.bin")
    images.joinpath("0000000003.png").write_bytes((images / "0000000003.png").read_bytes()[:5000])
    return {
        "0000000000": "empty",
        "0000000001": "multiple of 16",
        "0000000002": "not finite",
        "0000000003": "truncated",
    }


def test_a_broken_file_stops_and_is_named(own_raw: Path, tmp_path: Path) -> None:
    expected = damage(own_raw)
    with pytest.raises(DataError, match=rf"0000000000\.bin.*{expected['0000000000']}"):
        prepare_kitti(own_raw, tmp_path / "out", SMALL)
    assert not (tmp_path / "out/manifest.json").exists()
    assert not list((tmp_path / "out").glob("**/*.part*"))


def test_broken_files_can_be_skipped_and_are_listed(own_raw: Path, tmp_path: Path) -> None:
    expected = damage(own_raw)
    done = prepare_kitti(own_raw, tmp_path / "out", SMALL, skip_bad=True)
    assert done.manifest["counts"]["bad_frames_left_out"] == 7, "three scans of two pictures, one picture"
    for frame, words in expected.items():
        assert re.search(words, done.bad[f"{drive(5)}_02/{frame}"])
    assert f"{drive(5)}_03/0000000003" not in done.bad
    assert not (tmp_path / "out" / f"{drive(5)}_03").exists(), "only one good picture is left there"
    assert done.manifest["left_out"][f"{drive(5)}_03"].startswith("fewer than 3")
    assert (tmp_path / "out/train.txt").read_text() + (tmp_path / "out/val.txt").read_text() == (
        f"{drive(1)}_02\n{drive(1)}_03\n"
    )


def test_when_the_source_is_whole_again_so_is_the_tree(
    own_raw: Path, raw: Path, tmp_path: Path, whole: dict[str, str]
) -> None:
    damage(own_raw)
    prepare_kitti(own_raw, tmp_path / "out", SMALL, skip_bad=True)
    prepare_kitti(raw, tmp_path / "out", SMALL)
    assert content(tmp_path / "out") == whole


def test_a_frame_without_scan_is_left_out_and_counted(own_raw: Path, tmp_path: Path) -> None:
    (own_raw / DATE / drive(5) / "velodyne_points/data/0000000001.bin").unlink()
    done = prepare_kitti(own_raw, tmp_path / "out", SMALL)
    assert done.manifest["incomplete"] == [f"{drive(5)}_02/0000000001", f"{drive(5)}_03/0000000001"]
    assert done.manifest["pictures"][f"{drive(5)}_02"] == 3


def test_a_calibration_without_a_key_is_named(own_raw: Path, tmp_path: Path) -> None:
    file = own_raw / DATE / "calib_cam_to_cam.txt"
    file.write_text("".join(line for line in file.read_text().splitlines(True) if "P_rect_02" not in line))
    with pytest.raises(SegdepthError, match=r"calib_cam_to_cam\.txt has no line 'P_rect_02'"):
        prepare_kitti(own_raw, tmp_path / "out", SMALL)


def test_a_drive_without_speeds_is_named_or_left_out(own_raw: Path, tmp_path: Path) -> None:
    shutil.rmtree(own_raw / DATE / drive(5) / "oxts")
    setup = Setup(height=24, width=78, static="speed")
    with pytest.raises(DataError, match=rf"{drive(5)} has no folder oxts/data.*--skip-bad"):
        prepare_kitti(own_raw, tmp_path / "out", setup)
    manifest = prepare_kitti(own_raw, tmp_path / "out", setup, skip_bad=True).manifest
    assert manifest is not None
    assert set(manifest["left_out"]) == {drive(2), drive(5)}
    assert manifest["left_out"][drive(2)] == "test scene"
    assert "no folder oxts/data" in manifest["left_out"][drive(5)]
    assert manifest["counts"]["folders_left_out"] == 1


def test_short_drives_are_counted_and_named(own_raw: Path, tmp_path: Path) -> None:
    for number in (0, 1):
        (own_raw / DATE / drive(5) / f"image_03/data/{number:010d}.png").unlink()
    manifest = prepare_kitti(own_raw, tmp_path / "out", SMALL).manifest
    assert manifest is not None
    assert list(manifest["left_out"]) == [drive(2), f"{drive(5)}_03"]
    assert manifest["left_out"][f"{drive(5)}_03"].startswith("fewer than 3 frames")


def test_the_source_is_not_written_into(own_raw: Path) -> None:
    for inside in (own_raw, own_raw / "prepared"):
        with pytest.raises(InputError, match="is inside"):
            prepare_kitti(own_raw, inside, SMALL)
    assert not (own_raw / "prepared").exists()


def test_drives_that_are_named_are_prepared_and_test_scenes_listed_apart(
    raw: Path, tmp_path: Path, whole: dict[str, str]
) -> None:
    done = prepare_kitti(raw, tmp_path / "out", replace(SMALL, drives=(scene(2), scene(1), scene(2))))
    assert done.manifest is not None
    assert done.manifest["options"]["drives"] == [drive(1), drive(2)]
    assert list(done.manifest["pictures"]) == [f"{drive(n)}_{camera}" for n in (1, 2) for camera in ("02", "03")]
    assert done.manifest["left_out"] == {}
    assert {key: done.manifest["counts"][key] for key in ("train_folders", "val_folders", "test_folders")} == {
        "train_folders": 2,
        "val_folders": 0,
        "test_folders": 2,
    }
    lists = {split: (tmp_path / f"out/{split}.txt").read_text().split() for split in ("train", "val", "test")}
    assert lists == {
        "train": [f"{drive(1)}_02", f"{drive(1)}_03"],
        "val": [],
        "test": [f"{drive(2)}_02", f"{drive(2)}_03"],
    }
    files = content(tmp_path / "out")
    assert {name: files[name] for name in whole if name.startswith(drive(1))} == {
        name: digest for name, digest in whole.items() if name.startswith(drive(1))
    }
    assert len(open_dataset("kitti", path=tmp_path / "out", split="test", target="depth")) == 8


def test_another_choice_of_drives_is_another_tree(raw: Path, tmp_path: Path) -> None:
    named = replace(SMALL, drives=(scene(1),))
    for first, second in ((SMALL, named), (named, SMALL), (named, replace(SMALL, drives=(scene(5),)))):
        out = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        prepare_kitti(raw, out, first)
        with pytest.raises(InputError, match=r"other options \(drives"):
            prepare_kitti(raw, out, second)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"options": 3}'])
def test_a_damaged_manifest_is_named(raw: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(DataError, match=r"manifest\.json is damaged"):
        prepare_kitti(raw, tmp_path, SMALL)


def test_a_shard_that_is_not_there_is_refused(raw: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"shard 3/3 does not exist"):
        prepare_kitti(raw, tmp_path, SMALL, shard=(3, 3))


def test_the_real_drives(shared_data: Any, tmp_path: Path) -> None:
    done = prepare_kitti(shared_data("kitti_raw"), tmp_path, Setup())
    assert done.manifest["pictures"] == {f"{drive(5)}_02": 11, f"{drive(9001)}_02": 4}
    depth = np.load(tmp_path / f"{drive(5)}_02/0000000010.npy")
    assert (depth > 0).mean() == pytest.approx(0.0927, abs=0.001), "no more than a few points share a pixel"
    assert depth.max() < 80
