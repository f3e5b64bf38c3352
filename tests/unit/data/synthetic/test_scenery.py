"""The road's course and the light of the day."""

import numpy as np
import pytest

from segdepth.data.synthetic.scenery import Light, Road, Shore

BEND = 0.002


@pytest.fixture
def road() -> Road:
    grey = (0.4, 0.4, 0.4)
    return Road(BEND, Shore(4, 2), Shore(4, 2), (), (), grey, grey, grey)


def test_offsets_are_from_the_centre_line(road: Road) -> None:
    z = np.linspace(-10, 80, 7, dtype=np.float32)
    for offset in (-3.0, 0.0, 2.5):
        there = [road.pose(offset, float(value)) for value in z]
        x = np.array([pose.x for pose in there], np.float32)
        np.testing.assert_allclose(road.offset(x, z), offset, atol=1e-4)
        assert [pose.z for pose in there] == z.tolist()


def test_a_pose_looks_along_the_road(road: Road) -> None:
    for z in (0.0, 30.0, -15.0):
        here, further = road.pose(1.0, z), road.pose(1.0, z + 1e-4)
        assert np.tan(here.yaw) == pytest.approx((further.x - here.x) / 1e-4, abs=1e-5)


def test_a_day_by_chance_is_one_that_can_be() -> None:
    days = [Light.drawn(np.random.default_rng(seed)) for seed in range(200)]
    for day in days:
        assert np.linalg.norm(day.sun) == pytest.approx(1)
        assert day.sun[1] > 0.2  # above the roofs
        assert 0 < day.sunlight < 1
        assert 0 <= day.clouds <= 1
        assert 100 < day.haze_m < 800
    overcast = [day for day in days if day.sunlight < 0.2]
    assert 0.2 < len(overcast) / len(days) < 0.5
    assert min(day.clouds for day in overcast) > 0.7
    assert Light.drawn(np.random.default_rng(3)) == days[3]
