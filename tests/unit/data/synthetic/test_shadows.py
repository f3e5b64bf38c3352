"""Shadows on the ground are where the sun's rays through a solid end."""

import numpy as np
import pytest

from segdepth.data.synthetic.objects import LABEL
from segdepth.data.synthetic.parts import Material, Parts, Pose, Skin, Solids
from segdepth.data.synthetic.shadows import shadow_map

GREY = Skin(LABEL["wall"], (0.5, 0.5, 0.5))
LEAVES = Skin(LABEL["vegetation"], (0.1, 0.5, 0.1), Material.FOLIAGE)
#: From the right and from behind, half as high as far.
SUN = (0.4, 0.6, -0.69)
#: Metres on the ground for each metre of height.
DRIFT = (-0.4 / 0.6, 0.69 / 0.6)


def box(width: float, height: float, length: float, low: float = 0.0) -> Solids:
    parts = Parts()
    parts.box(Pose(3.0, 20.0, 0.0), (0, low, 0), (width, height, length), GREY)
    return parts.solids()


def at(solids: Solids, *points: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    x, z = np.array(points, np.float32).T
    return shadow_map(solids, SUN, 60.0).at(x, z)


def test_a_box_hides_the_sun_along_its_shadow() -> None:
    high = 6.0
    tip = (3 + DRIFT[0] * high, 20 + DRIFT[1] * high)
    half = (3 + DRIFT[0] * high / 2, 20 + DRIFT[1] * high / 2)
    beyond = (3 + DRIFT[0] * 1.3 * high, 20 + DRIFT[1] * 1.3 * high)
    towards = (3 - DRIFT[0], 20 - DRIFT[1] - 2)
    cast, _ = at(box(2, high, 2), (3, 20), half, tip, beyond, towards)
    assert cast[:3].tolist() == [1, 1, 1]
    assert cast[3:].tolist() == [0, 0]


def test_what_stands_there_hides_the_sky_and_what_hangs_does_not() -> None:
    _, contact = at(box(2, 1, 2), (3, 20), (3, 30))
    assert contact.tolist() == [1, 0]
    cast, contact = at(box(2, 1, 2, low=4.0), (3, 20), (3 + DRIFT[0] * 4.5, 20 + DRIFT[1] * 4.5))
    assert contact.tolist() == [0, 0]
    assert cast.tolist() == [0, 1]


def test_what_is_thin_casts_none() -> None:
    cast, _ = at(box(0.05, 5, 0.05), (3 + DRIFT[0], 20 + DRIFT[1]))
    assert cast.tolist() == [0]


@pytest.mark.parametrize(("skin", "share"), [(GREY, 1.0), (LEAVES, 215 / 255)])
def test_crowns_let_light_through(skin: Skin, share: float) -> None:
    parts = Parts()
    parts.ball(Pose(0.0, 20.0, 0.0), (0, 4, 0), (2, 1, 2), skin)
    cast, contact = at(parts.solids(), (DRIFT[0] * 4, 20 + DRIFT[1] * 4), (0, 20))
    assert cast[0] == pytest.approx(share, abs=1 / 255)
    assert contact.tolist() == [0, 0]


def test_off_the_map_there_is_light_and_any_number_of_points_may_be_asked_for() -> None:
    shadows = shadow_map(box(2, 3, 2), SUN, 60.0)
    far = np.array([-500.0, 500.0, 0.0, 0.0], np.float32), np.array([0.0, 0.0, -500.0, 500.0], np.float32)
    for values in shadows.at(*far):
        assert values.tolist() == [0, 0, 0, 0]
    nothing = np.zeros(0, np.float32)
    assert [len(values) for values in shadows.at(nothing, nothing)] == [0, 0]
    many = np.full(5000, 3.0, np.float32), np.full(5000, 20.0, np.float32)
    for values in shadows.at(*many):
        np.testing.assert_array_equal(values, np.ones(5000))
