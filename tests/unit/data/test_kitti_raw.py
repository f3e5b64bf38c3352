"""What lies in KITTI raw's folders."""

import numpy as np

from segdepth.data.kitti_raw import moving_frames


def test_velocities_are_summed_until_the_car_has_moved() -> None:
    forward = np.array([3.0, 1.0, 1.0, 0.5, 0.0, 9.0])
    kept = moving_frames(np.stack([forward, 0 * forward, 0 * forward], axis=1))
    assert kept.tolist() == [True, False, False, True, False, True]
