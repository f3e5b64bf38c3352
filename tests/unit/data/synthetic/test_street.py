"""Frames of a street depend on nothing but their numbers, and agree with each other."""

import hashlib
import subprocess
import sys

import numpy as np

from segdepth.data.synthetic import KITTI_BASELINE_M, Camera, make_street

SMALL = Camera.kitti(96, 312)


def _digest(seed: int, index: int, split: str) -> str:
    frame = make_street(seed, index, split).render(SMALL)
    return hashlib.sha256(frame.image.tobytes() + frame.labels.tobytes() + frame.depth.tobytes()).hexdigest()


def test_left_and_right_pictures_agree_through_the_disparity() -> None:
    street, camera = make_street(0, 3), Camera.kitti(188, 621)
    left, right = street.render(camera), street.render(camera.moved(right_m=KITTI_BASELINE_M))
    row, column = np.nonzero(left.depth)
    moved = np.rint(column - camera.fx * KITTI_BASELINE_M / left.depth[row, column]).astype(int)
    row, column, moved = (value[moved >= 0] for value in (row, column, moved))
    same = np.abs(right.depth[row, moved] / left.depth[row, column] - 1) < 0.03
    assert same.mean() > 0.9  # the rest is hidden from the right camera
    assert (right.labels[row, moved] == left.labels[row, column])[same].mean() > 0.97
    difference = np.abs(right.image[row, moved].astype(int) - left.image[row, column])[same]
    assert difference.mean() < 12


def test_a_frame_is_a_function_of_seed_split_and_index() -> None:
    first = _digest(3, 7, "val")
    code = (
        "import sys; sys.path[:0] = []; import hashlib; from segdepth.data.synthetic import Camera, make_street;"
        "f = make_street(3, 7, 'val').render(Camera.kitti(96, 312));"
        "print(hashlib.sha256(f.image.tobytes() + f.labels.tobytes() + f.depth.tobytes()).hexdigest())"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert other.stdout.strip() == first
    assert len({first, _digest(4, 7, "val"), _digest(3, 8, "val"), _digest(3, 7, "train"), _digest(3, 7, "test")}) == 5


def test_another_size_shows_the_same_street() -> None:
    street = make_street(0, 1)
    big, small = street.render(Camera.kitti(250, 830)), street.render(Camera.kitti(50, 166))
    # Pixel (r, c) of the small picture has its centre in the middle of pixel (5r + 2, 5c + 2) of the big one.
    # Rounding may move a ray from one side of an outline to the other, in a few pixels.
    assert np.isclose(small.depth, big.depth[2::5, 2::5], rtol=1e-4).mean() > 0.998
    assert (small.labels == big.labels[2::5, 2::5]).mean() > 0.998
