"""Make-believe streets as a data set."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segdepth.core.errors import ConfigError
from segdepth.data.labels import CITYSCAPES
from segdepth.data.synthetic import Synthetic
from segdepth.data.synthetic.objects import LABEL


@pytest.mark.parametrize(("height", "width"), [(1, 1), (37, 53), (128, 416), (200, 31)])
def test_any_size(height: int, width: int) -> None:
    sample = Synthetic(targets=frozenset({"labels", "depth"}), num_images=1, height=height, width=width)[0]
    assert sample.image.shape == (height, width, 3)
    assert sample.truth("labels").shape == sample.truth("depth").shape == (height, width)
    assert (sample.image.dtype, sample.truth("labels").dtype, sample.truth("depth").dtype) == (
        np.uint8,
        np.uint8,
        np.float32,
    )
    assert sample.focal_px == pytest.approx(721.5377 * width / 1242)


def test_classes_and_depths_of_many_streets() -> None:
    data = Synthetic(targets=frozenset({"labels", "depth"}), num_images=40, height=94, width=311)
    count, depths = np.zeros(256, np.int64), []
    for index in range(len(data)):
        sample = data[index]
        count += np.bincount(sample.truth("labels").ravel(), minlength=256)
        assert (sample.truth("depth")[sample.truth("labels") == LABEL["sky"]] == 0).all()
        depths.append(sample.truth("depth")[sample.truth("depth") > 0])
    assert count[len(CITYSCAPES) :].sum() == 0
    assert (count > 40).sum() >= 15
    share = count / count.sum()
    assert 0.15 < share[LABEL["road"]] < 0.4
    assert share[LABEL["car"]] > 0.03
    together = np.concatenate(depths)
    assert together.min() > 0.5
    assert together.max() <= 85.0 + 1e-3
    assert 5 < np.median(together) < 30


def test_data_set_gives_what_is_asked_for() -> None:
    data = Synthetic(split="val", targets=frozenset({"depth"}), height=40, width=120)
    assert len(data) == 60
    assert data.names[12] == "val/000012"
    sample = data[12]
    assert sample.name == "val/000012"
    assert "labels" not in sample.truths
    with pytest.raises(IndexError):
        data[60]


def test_data_set_survives_pickling() -> None:
    data = Synthetic(height=40, width=120, seed=5, num_images=3)
    again = pickle.loads(pickle.dumps(data))
    assert again.names == data.names
    np.testing.assert_array_equal(again[2].image, data[2].image)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "validation"}, "no split of the synthetic streets named 'validation'"),
        ({"num_images": 0}, "num_images is 0; it must be 1 or more"),
        ({"seed": -1}, "seed is -1; it must be 0 or more"),
        ({"height": 0}, "height is 0; it must be 1 or more"),
        ({"path": Path("streets")}, "data.path is 'streets', but the data set 'synthetic' is drawn, not read"),
    ],
)
def test_mistakes_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Synthetic(**options)
