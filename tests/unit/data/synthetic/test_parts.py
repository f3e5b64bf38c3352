"""Boxes and balls as tables of surfaces."""

import math

import numpy as np
import pytest

from segdepth.data.synthetic.objects import LABEL
from segdepth.data.synthetic.parts import Material, Parts, Pose, Skin, Solids

GREY = Skin(LABEL["wall"], (0.5, 0.5, 0.5))


def test_skins_of_a_solid_follow_its_faces() -> None:
    parts = Parts()
    parts.ball(Pose(0, 5, 0), (0, 1, 0), (1, 1, 1), Skin(LABEL["vegetation"], (0.1, 0.5, 0.1), Material.FOLIAGE))
    parts.box(Pose(0, 9, 0), (0, 0, 0), (1, 1, 1), GREY, top_rgb=(0.9, 0.1, 0.1))
    solids = parts.solids()
    assert len(solids) == 7
    np.testing.assert_array_equal(solids.label, [LABEL["wall"]] * 6 + [LABEL["vegetation"]])
    top = np.flatnonzero(solids.normal[:, 1] > 0.9)
    np.testing.assert_allclose(solids.rgb[top], [[0.9, 0.1, 0.1]])
    np.testing.assert_allclose(solids.rgb[np.delete(np.arange(6), top)], 0.5)


def corners_of(solids: Solids) -> np.ndarray:
    """The first box's corners, each once, sorted."""
    return np.unique(solids.quads.corners[:6].reshape(-1, 3).round(5), axis=0)


def test_a_box_stands_in_its_pose_s_axes() -> None:
    parts = Parts()
    pose = Pose(2.0, 10.0, 0.3)
    parts.box(pose, (1.0, 0.5, -2.0), (2.0, 1.0, 4.0), GREY)
    expected = []
    for right in (0.0, 2.0):
        for up in (0.5, 1.5):
            for forward in (-4.0, 0.0):
                x = pose.x + right * math.cos(0.3) + forward * math.sin(0.3)
                z = pose.z - right * math.sin(0.3) + forward * math.cos(0.3)
                expected.append((x, up, z))
    np.testing.assert_allclose(corners_of(parts.solids()), np.array(sorted(expected)), atol=1e-4)


@pytest.mark.parametrize("taper", [(1.0, 1.0), (0.5, 0.25), (0.0, 1.0), (0.0, 0.0)])
def test_faces_look_out_of_the_solid(taper: tuple[float, float]) -> None:
    parts = Parts()
    parts.box(Pose(0.0, 5.0, 0.4), (0, 1, 0), (2, 3, 1), GREY, taper=taper, lean=0.2)
    quads = parts.solids().quads
    middle = quads.corners.reshape(-1, 3).mean(0)
    lengths = np.linalg.norm(quads.normal, axis=1)
    for corners, normal, length in zip(quads.corners, quads.normal, lengths, strict=True):
        if length > 0:
            assert length == pytest.approx(1, abs=1e-5)
            assert (corners.mean(0) - middle) @ normal > 0
            np.testing.assert_allclose((corners - corners[0]) @ normal, 0, atol=1e-5)  # flat
    assert (lengths > 0).sum() == (6 if all(taper) else 5)


def test_a_disc_is_a_regular_polygon_seen_from_both_sides() -> None:
    parts = Parts()
    parts.disc(Pose(1.0, 5.0, 0.2), (0.5, 2.0, 0.0), 0.7, GREY, sides=6, turn=0.1, stretch=2.0)
    discs = parts.solids().discs
    (corners,), (normal,) = discs.corners, discs.normal
    centre = np.array(Pose(1.0, 5.0, 0.2).at(0.5, 0.0)[:2])
    assert len(np.unique(corners.round(4), axis=0)) == 6
    np.testing.assert_allclose((corners[:, [0, 2]] - centre) @ normal[[0, 2]], 0, atol=1e-5)
    across = (corners[:, [0, 2]] - centre) @ np.array([math.cos(0.2), -math.sin(0.2)]) / 2.0
    np.testing.assert_allclose(np.hypot(across, corners[:, 1] - 2.0), 0.7, rtol=1e-4)
    assert discs.two_sided.all()
    np.testing.assert_allclose(np.abs(normal @ np.array([math.sin(0.2), 0, math.cos(0.2)])), 1, rtol=1e-5)


def test_a_place_beside_keeps_the_heading() -> None:
    pose = Pose(1.0, 2.0, math.pi / 2)  # looks to the right
    there = pose.at(3.0, 4.0)
    assert (there.x, there.z, there.yaw) == (pytest.approx(5), pytest.approx(-1), math.pi / 2)
