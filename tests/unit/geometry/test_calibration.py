import numpy as np
import pytest

from segdepth.core.errors import DataError
from segdepth.geometry import read_kitti_calibration

LIDAR = """calib_time: 15-Mar-2012 11:37:16
R: 0 -1 0 0 0 -1 1 0 0
T: -0.004 -0.076 -0.272
"""
CAMERAS = """calib_time: 09-Jan-2012 13:57:47
R_rect_00: 1 0 0 0 1 0 0 0 1
P_rect_02: 700 0 600 44 0 710 170 0.2 0 0 1 0.003
P_rect_03: 700 0 600 -340 0 710 170 2.2 0 0 1 0.003
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "calib_velo_to_cam.txt").write_text(LIDAR)
    (tmp_path / "calib_cam_to_cam.txt").write_text(CAMERAS)
    return tmp_path


def test_the_matrices_are_read(folder):
    calibration = read_kitti_calibration(folder)
    np.testing.assert_array_equal(
        calibration.T_cam0_velo, [[0, -1, 0, -0.004], [0, 0, -1, -0.076], [1, 0, 0, -0.272], [0, 0, 0, 1]]
    )
    np.testing.assert_array_equal(calibration.R_rect_00, np.eye(3))
    np.testing.assert_array_equal(calibration.P_rect(3)[0], [700, 0, 600, -340])
    np.testing.assert_array_equal(calibration.intrinsics(), [[700, 0, 600], [0, 710, 170], [0, 0, 1]])


def test_a_point_straight_ahead_by_hand(folder):
    u, v, z = read_kitti_calibration(folder).P_velo() @ [10.272, 0, 0, 1]
    assert z == pytest.approx(10 + 0.003)
    assert u == pytest.approx(700 * -0.004 + 600 * 10 + 44)
    assert v == pytest.approx(710 * -0.076 + 170 * 10 + 0.2)


def test_scaling_follows_the_picture(folder):
    small = read_kitti_calibration(folder).scaled(rows=0.5, columns=0.25)
    np.testing.assert_array_equal(small.P_rect_02, [[175, 0, 150, 11], [0, 355, 85, 0.1], [0, 0, 1, 0.003]])
    np.testing.assert_array_equal(small.P_rect_03[0], [175, 0, 150, -85])


def test_a_calibration_does_not_change(folder):
    with pytest.raises(ValueError, match="read-only"):
        read_kitti_calibration(folder).P_rect_02[0, 0] = 1


def test_the_real_files(shared_data):
    calibration = read_kitti_calibration(shared_data("kitti_raw") / "2011_09_26")
    baseline = (calibration.P_rect_02[0, 3] - calibration.P_rect_03[0, 3]) / calibration.P_rect_02[0, 0]
    assert baseline == pytest.approx(0.533, abs=0.01)  # metres between the two colour cameras


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("calib_velo_to_cam.txt", "T: ", "t: ", r"calib_velo_to_cam\.txt has no line 'T'"),
        ("calib_cam_to_cam.txt", "P_rect_03", "P_03", r"calib_cam_to_cam\.txt has no line 'P_rect_03'"),
        ("calib_cam_to_cam.txt", "R_rect_00: 1 ", "R_rect_00: ", "'R_rect_00' must hold 3x3 numbers"),
        ("calib_cam_to_cam.txt", "700", "seven", "'P_rect_02' must hold 3x4 numbers"),
    ],
)
def test_a_broken_file_is_named(folder, name, old, new, message):
    path = folder / name
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(DataError, match=message):
        read_kitti_calibration(folder)


def test_a_missing_file_is_named(folder):
    (folder / "calib_cam_to_cam.txt").unlink()
    with pytest.raises(DataError, match=r"calib_cam_to_cam\.txt"):
        read_kitti_calibration(folder)
