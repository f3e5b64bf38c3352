"""Pinhole cameras, and where they are."""

import pytest

from segdepth.core.errors import InputError
from segdepth.data.synthetic import Camera


def test_a_camera_without_pixels_is_refused() -> None:
    with pytest.raises(InputError, match="0x5"):
        Camera.kitti(0, 5)
