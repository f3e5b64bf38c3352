import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segdepth.core.errors import DataError
from segdepth.data import open_dataset
from segdepth.data.kitti_raw import read_velodyne
from segdepth.data.synthetic import write_kitti_raw
from segdepth.drawing import write_depth_png16
from segdepth.geometry import Calibration, crop_window, project_velodyne, read_kitti_calibration

DRIVE = "2011_09_26_drive_0002_sync"


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("raw")
    write_kitti_raw(root, drives=(2,), frames=3, height=94, width=311)
    return root


@pytest.fixture
def listed(tmp_path: Path) -> str:
    """The drive's frames in another order, the last line without an end."""
    file = tmp_path / "files.txt"
    file.write_text("\n".join(f"2011_09_26/{DRIVE}/image_02/data/{k:010d}.png" for k in (2, 0, 1)))
    return str(file)


def opened(raw: Path, **options: Any) -> Any:
    return open_dataset("kitti_eigen", path=raw, split="test", target="depth", **options)


def test_the_truth_is_the_scan_at_full_resolution(raw: Path, listed: str) -> None:
    dataset = opened(raw, files=listed)
    sample = dataset[1]
    assert sample.name == f"{DRIVE}_02/0000000001"
    points = read_velodyne(raw / "2011_09_26" / DRIVE / "velodyne_points/data/0000000001.bin")
    calibration = read_kitti_calibration(raw / "2011_09_26")
    np.testing.assert_array_equal(sample.truth("depth"), project_velodyne(points, calibration, (94, 311)))
    assert sample.focal_px == calibration.intrinsics()[0, 0]
    assert dataset.positions == (1, 2, 0), "the places in the list, by which other programs number their files"
    assert (dataset.expected, list(dataset.missing)) == (3, [])
    assert re.search("laser scan.* along the camera's axis", dataset.origins["depth"])


def test_the_list_is_eigens_and_what_is_missing_is_named(raw: Path) -> None:
    with pytest.raises(
        DataError, match=r"1 of the 697 files .* 2011_09_26/2011_09_26_drive_0002_sync/image_02/data/0000000003\.png"
    ):
        opened(raw)


def test_fewer_files_need_a_word(raw: Path, listed: str) -> None:
    Path(listed).write_text(Path(listed).read_text() + f"\n2011_09_26/{DRIVE}/image_02/data/0000000007.png\n")
    with pytest.raises(DataError, match=r"3 of the 4 files .*0000000007.*--allow-missing"):
        opened(raw, files=listed)
    allowed = opened(raw, files=listed, allow_missing=True)
    assert (len(allowed), allowed.expected) == (3, 4)
    assert allowed.missing == (f"2011_09_26/{DRIVE}/image_02/data/0000000007.png",)


def test_monodepths_lists_are_read_too(raw: Path, tmp_path: Path) -> None:
    file = tmp_path / "files.txt"
    file.write_text(f"2011_09_26/{DRIVE} 2 l\n2011_09_26/{DRIVE} 0000000001 r\n")
    dataset = opened(raw, files=str(file))
    assert dataset.names == (f"{DRIVE}_02/0000000002", f"{DRIVE}_03/0000000001")
    assert dataset.positions == (0, 1)
    file.write_text(f"{DRIVE} 2 l\n")
    with pytest.raises(DataError, match=r"is neither .* nor .* <frame> l"):
        opened(raw, files=str(file))


def test_nothing_at_all_is_an_error_even_if_allowed(raw: Path) -> None:
    with pytest.raises(DataError, match="0 of the 652"):
        opened(raw, truth="improved", allow_missing=True)


def test_a_missing_scan_is_named(raw: Path, listed: str, tmp_path: Path) -> None:
    write_kitti_raw(tmp_path / "raw", drives=(2,), frames=3, height=32, width=64)
    (tmp_path / "raw/2011_09_26" / DRIVE / "velodyne_points/data/0000000002.bin").unlink()
    with pytest.raises(DataError, match=r"velodyne_points/data/0000000002\.bin"):
        opened(tmp_path / "raw", files=listed)


def test_the_improved_truth(raw: Path, listed: str, tmp_path: Path) -> None:
    metres = np.full((94, 311), 12.5, np.float32)
    for frame, part in ((0, "train"), (1, "val"), (2, "train")):
        write_depth_png16(tmp_path / part / DRIVE / f"proj_depth/groundtruth/image_02/{frame:010d}.png", metres)
    dataset = opened(raw, files=listed, truth="improved", truth_path=str(tmp_path))
    np.testing.assert_array_equal(dataset[1].truth("depth"), metres)
    with pytest.raises(DataError, match="0 of the 3 files"):
        opened(raw, files=listed, truth="improved")
    with pytest.raises(DataError, match="0 of the 652 files"):
        opened(raw, truth="improved")


@pytest.mark.parametrize("line", ["nonsense", "2011_09_26/2011_09_28_drive_0002_sync/image_02/data/0000000001.png"])
def test_a_line_of_another_kind_is_named(raw: Path, listed: str, line: str) -> None:
    Path(listed).write_text(line)
    with pytest.raises(DataError, match=r"files\.txt: .* is neither <date>"):
        opened(raw, files=listed)


def test_there_is_only_the_test_split(raw: Path) -> None:
    with pytest.raises(DataError, match="no split 'val'"):
        open_dataset("kitti_eigen", path=raw, split="val", target="depth")


def test_the_real_improved_truth_agrees_with_the_single_scan(shared_data: Any, tmp_path: Path) -> None:
    """Frames 5-12 of drive 0001 have annotated depth but no scan; drive 0005's scans are read beside them."""
    root = shared_data("kitti_depth")
    drive = "2011_09_26_drive_0001_sync"
    file = tmp_path / "files.txt"
    file.write_text("".join(f"2011_09_26/{drive}/image_02/data/{k:010d}.png\n" for k in range(5, 13)))
    dataset = opened(root / "raw", files=str(file), truth="improved", truth_path=str(root))
    assert len(dataset) == 8
    assert 0.15 < (dataset[0].truth("depth") > 0).mean() < 0.25
    assert 40 < dataset[0].truth("depth").max() < 90


def test_the_truth_along_the_lasers_axis(raw: Path, listed: str) -> None:
    camera, laser = opened(raw, files=listed), opened(raw, files=listed, truth="velodyne-forward")
    assert "laser's forward axis" in laser.origins["depth"]
    near, far = camera[1].truth("depth"), laser[1].truth("depth")
    np.testing.assert_array_equal(near > 0, far > 0)
    assert 0.1 < np.median((far - near)[near > 0]) < 0.5, "the laser stands behind the cameras"


def _published(scan: Path, calibration: Calibration, size: tuple[int, int], index_bug: bool) -> np.ndarray:
    """monodepth2's truth, from what its formula says: laser x at the rounded pixel, the smallest of those with one index."""
    points = np.fromfile(scan, np.float32).reshape(-1, 4)
    points = points[points[:, 0] >= 0]
    u, v, z = calibration.P_velo() @ np.column_stack([points[:, :3], np.ones(len(points))]).T
    column, row = (np.round(u / z) - 1).astype(int), (np.round(v / z) - 1).astype(int)
    inside = (row >= 0) & (row < size[0]) & (column >= 0) & (column < size[1])
    column, row, forward = column[inside], row[inside], points[inside, 0]
    truth = np.zeros(size, np.float32)
    of_index: dict[int, list[int]] = {}
    for point in range(len(forward)):
        truth[row[point], column[point]] = forward[point]
        width = size[1] - index_bug
        of_index.setdefault(int(row[point] * width + column[point]), []).append(point)
    for same in (points for points in of_index.values() if len(points) > 1):
        truth[row[same[0]], column[same[0]]] = forward[same].min()
    return truth


def test_it_is_monodepth2s_truth_on_real_frames(shared_data: Any, tmp_path: Path) -> None:
    root = shared_data("kitti_raw")
    scans = sorted(root.glob("*/*/velodyne_points/data/*.bin"))
    lines = (f"{scan.parts[-5]}/{scan.parts[-4]} {scan.stem} l\n" for scan in scans)
    (tmp_path / "files.txt").write_text("".join(lines))
    options = {"files": str(tmp_path / "files.txt")}
    camera, laser = opened(root, **options), opened(root, truth="velodyne-forward", **options)
    errors = []
    for index, scan in enumerate(scans):
        ours, calibration = laser[index].truth("depth"), read_kitti_calibration(root / scan.parts[-5])
        np.testing.assert_array_equal(ours, _published(scan, calibration, ours.shape, index_bug=False))
        theirs = _published(scan, calibration, ours.shape, index_bug=True)
        np.testing.assert_array_equal(ours[:, 1:-1], theirs[:, 1:-1], "the border is where its index is wrong")
        assert (ours != theirs).sum() <= 2
        window = crop_window("garg", *ours.shape)
        near, far = camera[index].truth("depth")[window], ours[window]
        errors.append((np.abs(near - far)[far > 0] / far[far > 0]).mean())
    assert 0.02 < np.mean(errors) < 0.03, "a perfect answer along the camera's axis is none along the laser's"
