"""The scanner's points agree with the cameras' depth maps."""

import numpy as np
import pytest

from segdepth.data.synthetic import Camera, make_street, scan
from segdepth.data.synthetic.lidar import R_RECT, T_CAM0_VELO


@pytest.mark.parametrize("ahead_m", [0.0, 3.0])
def test_scan_projects_to_the_depth_map(ahead_m: float) -> None:
    street, camera = make_street(0, 2, travel_m=5.0), Camera.kitti().moved(right_m=-0.06, ahead_m=ahead_m)
    points = scan(street, [camera])
    assert points.dtype == np.float32
    assert points.shape[1] == 4
    assert len(points) > 10_000
    assert 0 <= points[:, 3].min() <= points[:, 3].max() < 1
    rectified = (points[:, :3] @ T_CAM0_VELO[:3, :3].T + T_CAM0_VELO[:3, 3]) @ R_RECT.T - [-0.06, 0, 0]
    z = rectified[:, 2]
    column = np.rint(rectified[:, 0] * camera.fx / z + camera.cx).astype(int)
    row = np.rint(rectified[:, 1] * camera.fy / z + camera.cy).astype(int)
    inside = (column >= 0) & (column < 1242) & (row >= 0) & (row < 375) & (z < 80)
    assert inside.mean() > 0.3
    depth = street.render(camera).depth[row[inside], column[inside]]
    assert (depth > 0).all()
    error = np.abs(depth - z[inside])
    assert (error < 0.1 + 0.03 * z[inside]).mean() > 0.999  # half a pixel of slanted ground, and the noise
    assert np.median(error) < 0.06


def test_scan_has_beams_between_its_angles_and_the_road_below() -> None:
    points = scan(make_street(0, 4), [Camera.kitti()]).astype(np.float64)
    elevation = np.degrees(np.arctan2(points[:, 2], np.hypot(points[:, 0], points[:, 1])))
    assert -24.9 < elevation.min() < -18
    assert elevation.max() < 2.1
    step = np.abs(elevation[:, None] - np.linspace(2.0, -24.8, 64)).min(axis=1)
    assert step.max() < 1e-3
    lowest = points[(np.abs(points[:, 1]) < 1) & (points[:, 0] < 6)]
    assert len(lowest) > 50
    assert np.median(lowest[:, 2]) == pytest.approx(-1.7, abs=0.25)
