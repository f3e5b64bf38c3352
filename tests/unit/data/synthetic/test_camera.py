"""Pinhole cameras, and where they are."""

import numpy as np
import pytest

from segdepth.core.errors import InputError
from segdepth.data.synthetic import Camera
from segdepth.data.synthetic.camera import View


def test_a_camera_without_pixels_is_refused() -> None:
    with pytest.raises(InputError, match="0x5"):
        Camera.kitti(0, 5)


def project(camera: Camera, points: np.ndarray) -> np.ndarray:
    """Column and row of points in the camera's axes."""
    x, y, z = points.T
    return np.stack([camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy], 1)


@pytest.mark.parametrize("camera", [Camera.kitti(), Camera.cityscapes()])
@pytest.mark.parametrize(("height", "width"), [(100, 400), (1000, 1000), (37, 2500)])
def test_another_size_sees_the_same_view(camera: Camera, height: int, width: int) -> None:
    """Edges of pixels, which stand at whole numbers and a half, move with the size."""
    points = np.random.default_rng(0).uniform((-3, -1, 4), (3, 1, 30), (20, 3))
    share = np.array([width / camera.width, height / camera.height])
    resized = camera.resized(height, width)
    assert (resized.height, resized.width) == (height, width)
    np.testing.assert_allclose(project(resized, points) + 0.5, (project(camera, points) + 0.5) * share)
    again = resized.resized(camera.height, camera.width)
    np.testing.assert_allclose([again.fx, again.fy, again.cx, again.cy], [camera.fx, camera.fy, camera.cx, camera.cy])


def test_it_moves_on_the_rig_and_down_the_street() -> None:
    moved = Camera.kitti().moved(right_m=0.5, ahead_m=2.0).moved(right_m=-0.2)
    assert (moved.right_m, moved.ahead_m) == (pytest.approx(0.3), 2.0)
    assert moved.moved(right_m=-moved.right_m, ahead_m=-2.0) == Camera.kitti()


@pytest.mark.parametrize("angles", [(0, 0, 0), (0.4, 0, 0), (0, 0.3, 0), (0, 0, 0.2), (-1.2, 0.5, -0.7)])
def test_a_view_s_axes_are_right_down_and_forward(angles: tuple[float, float, float]) -> None:
    axes = View.looking(np.zeros(3), *angles).axes
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(np.cross(axes[1], axes[0]), axes[2], atol=1e-12)  # the world's y is up: left-handed
    yaw, pitch, _ = angles
    assert axes[2] @ np.array([np.sin(yaw), 0, np.cos(yaw)]) == pytest.approx(np.cos(pitch))
    assert axes[2][1] == pytest.approx(-np.sin(pitch))


def test_turns_go_right_down_and_clockwise() -> None:
    ahead, right, up = np.array([0.0, 0, 1]), np.array([1.0, 0, 0]), np.array([0.0, 1, 0])
    assert View.looking(np.zeros(3), 0.1).axes[2] @ right > 0
    assert View.looking(np.zeros(3), 0.0, 0.1).axes[2] @ up < 0
    level = View.looking(np.zeros(3), 0.0)
    np.testing.assert_allclose(level.axes, [right, -up, ahead], atol=1e-12)
    assert View.looking(np.zeros(3), 0.0, 0.0, 0.1).axes[0] @ up < 0  # its right side goes down
