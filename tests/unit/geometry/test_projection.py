import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segdepth.geometry import Calibration, project_velodyne, read_kitti_calibration

AXES = np.array(
    [[0.0, -1, 0, 0], [0, 0, -1, 0], [1, 0, 0, 0], [0, 0, 0, 1]]
)  # forward, left, up -> right, down, forward


def pinhole(focal, size):
    P = np.array([[focal, 0, size[1] / 2, 0], [0, focal, size[0] / 2, 0], [0, 0, 1.0, 0]])
    return Calibration(AXES.copy(), np.eye(3), P, P + [[-0.5 * focal], [0], [0]] * np.eye(4)[3])


def slow_projection(points, P, size, axis="camera"):
    """Point by point: the nearest one stays."""
    depth = np.zeros(size, np.float32)
    for forward, left, up, _ in points.astype(np.float64):
        u, v, z = P @ [forward, left, up, 1.0]
        if forward < 0 or z <= 0:
            continue
        row, column = round(v / z) - 1, round(u / z) - 1
        metres = z if axis == "camera" else forward
        if 0 <= row < size[0] and 0 <= column < size[1] and (depth[row, column] == 0 or metres < depth[row, column]):
            depth[row, column] = metres
    return depth


@pytest.fixture
def scene(conformance_inputs):
    scene = conformance_inputs.velodyne_scene()
    T_cam0_velo = np.eye(4)
    T_cam0_velo[:3, :3], T_cam0_velo[:3, 3] = scene["R"], scene["T"]
    P = scene["P_rect_02"]
    return scene["points"], Calibration(T_cam0_velo, scene["R_rect_00"], P, P.copy())


@pytest.mark.parametrize("size", [(94, 311), (32, 104)])
def test_golden_depth(scene, conformance, size):
    points, calibration = scene
    small = calibration.scaled(size[0] / 94, size[1] / 311)

    depth = project_velodyne(points, small, size)

    gold = np.load(conformance / "velodyne_projection.npz")
    assert depth.dtype == np.float32
    np.testing.assert_array_equal(depth, gold[f"nearest_point_depth_{size[0]}x{size[1]}"])


def test_golden_scaled_matrix(scene, conformance):
    gold = np.load(conformance / "velodyne_projection.npz")
    np.testing.assert_allclose(scene[1].scaled(32 / 94, 104 / 311).P_rect_02, gold["prepare_P_rect_32x104"], rtol=1e-15)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10_000), count=st.integers(0, 200))
def test_it_is_the_slow_twin(seed, count):
    points = np.random.default_rng(seed).normal(0, 5, (count, 4)).astype(np.float32)
    size = (7, 9)
    calibration = pinhole(4.0, size)
    for camera, axis in itertools.product((2, 3), ("camera", "laser")):
        np.testing.assert_array_equal(
            project_velodyne(points, calibration, size, camera, axis),
            slow_projection(points, calibration.P_velo(camera), size, axis),
        )


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10_000))
def test_the_order_of_the_points_does_not_matter(seed):
    generator = np.random.default_rng(seed)
    points = generator.normal(0, 5, (100, 4)).astype(np.float32)
    calibration = pinhole(4.0, (7, 9))
    shuffled = generator.permutation(points)
    np.testing.assert_array_equal(
        project_velodyne(points, calibration, (7, 9)), project_velodyne(shuffled, calibration, (7, 9))
    )


def test_one_point_by_hand():
    points = np.array([[10.0, 0, 0, 0.3], [20.0, 0, 0, 0.3], [-10.0, 0, 0, 0.3]], np.float32)
    depth = project_velodyne(points, pinhole(10.0, (8, 12)), (8, 12))
    assert depth[3, 5] == 10.0  # the middle is column 6, row 4, counted from 1
    assert (depth > 0).sum() == 1


def test_a_real_scan(shared_data):
    day = shared_data("kitti_raw") / "2011_09_26"
    scan = min(day.glob("*/velodyne_points/data/*.bin"))
    points = np.fromfile(scan, np.float32).reshape(-1, 4)
    calibration = read_kitti_calibration(day)
    depth = project_velodyne(points, calibration, (375, 1242))
    np.testing.assert_array_equal(depth, slow_projection(points, calibration.P_velo(), (375, 1242)))
