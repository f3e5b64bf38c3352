import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segdepth.core.errors import ConfigError, InputError
from segdepth.geometry import CROPS, crop_window


def corners(name, height, width):
    rows, columns = crop_window(name, height, width)
    return [rows.start, rows.stop, columns.start, columns.stop]


@pytest.mark.parametrize("name", ["garg", "cityscapes", "none"])
def test_golden_windows(conformance, name):
    gold = json.loads((conformance / "metrics_depth.json").read_text())
    assert corners(name, 47, 155) == gold[name]["crop_rows_cols"]


def test_nyu_is_eigens_window_at_the_size_of_the_sensor():
    assert corners("nyu", 480, 640) == [45, 471, 41, 601]
    assert corners("nyu", 240, 320) == [22, 235, 20, 300]


def test_eigen_at_the_size_of_kitti():
    assert corners("eigen", 375, 1242) == [124, 342, 44, 1197]


def test_garg_at_the_size_of_the_saliency_study():
    assert corners("garg", 256, 832) == [104, 253, 29, 802]


@settings(deadline=None, max_examples=50)
@given(name=st.sampled_from(sorted(CROPS)), height=st.integers(32, 600), width=st.integers(32, 2048))
def test_every_window_lies_inside(name, height, width):
    inside = np.zeros((height, width), bool)[crop_window(name, height, width)]
    top, bottom, left, right = corners(name, height, width)
    assert 0 <= top < bottom <= height
    assert 0 <= left < right <= width
    assert inside.shape == (bottom - top, right - left)


def test_an_unknown_window_names_the_others():
    with pytest.raises(ConfigError, match=r"no crop named 'grag'.*did you mean 'garg'"):
        crop_window("grag", 100, 100)


def test_a_picture_too_small_is_refused():
    with pytest.raises(InputError, match="1x1 picture has no pixel"):
        crop_window("garg", 1, 1)
