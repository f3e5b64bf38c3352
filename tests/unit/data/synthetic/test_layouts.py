"""Trees of make-believe files, read again as plainly as the data sets' descriptions say."""

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy import ndarray

from segdepth.core.errors import InputError
from segdepth.data.files import label_lookup, map_labels
from segdepth.data.labels import CITYSCAPES
from segdepth.data.synthetic import (
    Camera,
    make_street,
    write_cityscapes,
    write_kitti_raw,
    write_kitti_semantics,
)
from segdepth.geometry.calibration import read_kitti_calibration
from segdepth.geometry.projection import project_velodyne
from segdepth.kinds import IGNORE


def _numbers(file: Path) -> dict[str, ndarray]:
    lines = (line.split(":", 1) for line in file.read_text().splitlines())
    return {name: np.array(text.split(), float) for name, text in lines if name != "calib_time"}


def _tree(root: Path) -> dict[str, str]:
    files = sorted(file for file in root.rglob("*") if file.is_file())
    return {str(file.relative_to(root)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("kitti_raw")
    write_kitti_raw(root, drives=(7,), frames=2, metres_per_frame=1.5, height=188, width=621)
    return root / "2011_09_26"


def test_kitti_raw_has_the_official_files(raw: Path) -> None:
    drive = raw / "2011_09_26_drive_0007_sync"
    names = {str(file.relative_to(drive)) for file in drive.rglob("*") if file.is_file()}
    frames = ("0000000000", "0000000001")
    expected = {f"{camera}/data/{frame}.png" for camera in ("image_02", "image_03") for frame in frames}
    expected |= {f"velodyne_points/data/{frame}.bin" for frame in frames}
    expected |= {f"oxts/data/{frame}.txt" for frame in frames}
    expected |= {f"{name}/timestamps.txt" for name in ("image_02", "image_03", "velodyne_points", "oxts")}
    assert names == expected
    assert cv2.imread(str(drive / "image_02/data/0000000001.png")).shape == (188, 621, 3)
    assert len((drive / "oxts/timestamps.txt").read_text().splitlines()) == 2


@pytest.mark.parametrize(("number", "right_m"), [(2, -0.06), (3, 0.48)])
def test_kitti_raw_scan_projects_to_the_depth_through_the_files(raw: Path, number: int, right_m: float) -> None:
    drive = raw / "2011_09_26_drive_0007_sync"
    cameras, scanner = _numbers(raw / "calib_cam_to_cam.txt"), _numbers(raw / "calib_velo_to_cam.txt")
    points = np.fromfile(drive / "velodyne_points/data/0000000001.bin", "<f4").reshape(-1, 4)
    rigid = np.vstack([np.column_stack([scanner["R"].reshape(3, 3), scanner["T"]]), [0, 0, 0, 1]])
    rectify = np.eye(4)
    rectify[:3, :3] = cameras["R_rect_00"].reshape(3, 3)
    projection = cameras[f"P_rect_{number:02d}"].reshape(3, 4) @ rectify @ rigid
    homogeneous = projection @ np.column_stack([points[:, :3], np.ones(len(points))]).T
    column, row = np.rint(homogeneous[:2] / homogeneous[2]).astype(int) - 1  # KITTI's pixels count from 1
    width, height = cameras[f"S_rect_{number:02d}"].astype(int)
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    assert inside.sum() > 5000
    street = make_street(0, 7, "train", travel_m=3.0)
    frame = street.render(Camera.kitti(188, 621).moved(right_m=right_m, ahead_m=1.5))
    stored = cv2.imread(str(drive / f"image_{number:02d}/data/0000000001.png"))[..., ::-1]
    np.testing.assert_array_equal(stored, frame.image)
    depth, z = frame.depth[row[inside], column[inside]], homogeneous[2][inside]
    good = np.abs(depth - z) < 0.1 + 0.04 * z
    assert good[z < 80].mean() > 0.998


def test_kitti_raw_is_understood_by_our_own_geometry(raw: Path) -> None:
    scan = np.fromfile(raw / "2011_09_26_drive_0007_sync/velodyne_points/data/0000000000.bin", "<f4").reshape(-1, 4)
    measured = project_velodyne(scan, read_kitti_calibration(raw), (188, 621), camera=3)
    frame = make_street(0, 7, "train", travel_m=3.0).render(Camera.kitti(188, 621).moved(right_m=0.48))
    both = (measured > 0) & (measured < 80)
    assert both.sum() > 5000
    assert (np.abs(measured - frame.depth)[both] < 0.1 + 0.04 * measured[both]).mean() > 0.998


def test_kitti_raw_calibration_holds_the_baseline_and_rotations(raw: Path) -> None:
    cameras = _numbers(raw / "calib_cam_to_cam.txt")
    left, right = (cameras[f"P_rect_{number:02d}"].reshape(3, 4) for number in (2, 3))
    np.testing.assert_allclose(left[:2, 2], [609.5593 / 2 + 0.25, (171.854 + 0.5) * 188 / 375 + 0.5], atol=1e-3)
    assert (left[0, 3] - right[0, 3]) / left[0, 0] == pytest.approx(0.54, abs=1e-5)
    scanner = _numbers(raw / "calib_velo_to_cam.txt")["R"].reshape(3, 3)
    for rotation in (scanner, cameras["R_rect_00"].reshape(3, 3)):
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-5)
    assert {name[:-3] for name in cameras if name.endswith("_02")} == {
        "S", "K", "D", "R", "T", "S_rect", "R_rect", "P_rect",
    }  # fmt: skip
    assert {"R", "T"} <= set(_numbers(raw / "calib_imu_to_velo.txt"))


def test_kitti_raw_positions_and_speed_fit_the_frames(raw: Path) -> None:
    rows = [
        np.array((raw / f"2011_09_26_drive_0007_sync/oxts/data/{frame:010d}.txt").read_text().split(), float)
        for frame in range(2)
    ]
    assert [len(row) for row in rows] == [30, 30]
    north = np.radians(rows[1][0] - rows[0][0]) * 6378137
    east = np.radians(rows[1][1] - rows[0][1]) * 6378137 * np.cos(np.radians(49))
    assert np.hypot(north, east) == pytest.approx(1.5, abs=0.01)
    assert rows[1][8] == pytest.approx(15.0)


def train_ids_of(file: Path) -> ndarray:
    """What a file of label ids means."""
    stored = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
    return map_labels(stored, label_lookup(CITYSCAPES, void=range(256)), file)


def test_kitti_semantics_stores_label_ids(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    write_kitti_semantics(tmp_path, num_images=2, height=60, width=200, progress=lambda *done: calls.append(done))
    assert calls == [(1, 2), (2, 2)]
    frame = make_street(0, 1).render(Camera.kitti(60, 200))
    train_ids = train_ids_of(tmp_path / "training/semantic/000001_10.png")
    assert (train_ids != IGNORE).all()
    np.testing.assert_array_equal(train_ids, frame.labels)
    image = cv2.imread(str(tmp_path / "training/image_2/000001_10.png"))[..., ::-1]
    np.testing.assert_array_equal(image, frame.image)


def test_cityscapes_disparity_gives_the_depth_back(tmp_path: Path) -> None:
    write_cityscapes(tmp_path, num_images={"val": 2}, height=128, width=256)
    images = sorted(tmp_path.glob("leftImg8bit/val/*/*_leftImg8bit.png"))
    assert len(images) == 2
    assert not (tmp_path / "leftImg8bit/train").exists()
    stem, city = images[1].name.removesuffix("_leftImg8bit.png"), images[1].parent.name
    assert stem == f"{city}_000001_000019"
    camera = json.loads((tmp_path / f"camera/val/{city}/{stem}_camera.json").read_text())
    assert set(camera) == {"extrinsic", "intrinsic"}
    assert camera["intrinsic"]["fx"] == pytest.approx(2262.52 / 8)
    stored = cv2.imread(str(tmp_path / f"disparity/val/{city}/{stem}_disparity.png"), cv2.IMREAD_UNCHANGED)
    assert stored.dtype == np.uint16
    frame = make_street(0, 1, "val").render(Camera.cityscapes(128, 256))
    np.testing.assert_array_equal(stored > 0, frame.depth > 0)
    known = stored > 0
    disparity = (stored[known].astype(float) - 1) / 256
    depth = camera["extrinsic"]["baseline"] * camera["intrinsic"]["fx"] / disparity
    half_step = frame.depth[known] ** 2 / (camera["extrinsic"]["baseline"] * camera["intrinsic"]["fx"]) / 512
    assert (np.abs(depth - frame.depth[known]) < 1.02 * half_step + 1e-3).all()
    labels = train_ids_of(tmp_path / f"gtFine/val/{city}/{stem}_gtFine_labelIds.png")
    np.testing.assert_array_equal(labels, frame.labels)


def test_an_unknown_cityscapes_split_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no split 'vall'"):
        write_cityscapes(tmp_path, num_images={"vall": 1})


def test_writing_again_gives_the_same_bytes_and_leaves_no_scraps(tmp_path: Path) -> None:
    def write() -> None:
        write_kitti_raw(tmp_path / "raw", drives=(1,), frames=1, height=40, width=130)
        write_cityscapes(tmp_path / "city", num_images={"train": 1}, height=40, width=80)

    write()
    before = _tree(tmp_path)
    write()
    assert _tree(tmp_path) == before
    assert not [name for name in before if ".part" in name]


def test_workers_write_the_same_cityscapes(tmp_path: Path) -> None:
    for workers in (1, 2):
        counts = {"train": 2, "val": 1}
        done: list[tuple[int, int]] = []
        write_cityscapes(
            tmp_path / str(workers), num_images=counts, height=40, width=80, workers=workers,
            progress=lambda n, total, done=done: done.append((n, total)),
        )  # fmt: skip
        assert done == [(1, 3), (2, 3), (3, 3)]
    assert _tree(tmp_path / "1") == _tree(tmp_path / "2")
