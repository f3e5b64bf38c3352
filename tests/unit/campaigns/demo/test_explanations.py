"""Which pixels the demonstration explains."""

import numpy as np
import pytest

from segdepth.campaigns.demo.explanations import _central_pixel, grid
from segdepth.data.labels import CITYSCAPES
from segdepth.data.sample import Sample
from segdepth.geometry.crops import crop_window


def sample(labels: np.ndarray, depth: np.ndarray) -> Sample:
    return Sample(np.zeros((*labels.shape, 3), np.uint8), "street", {"labels": labels, "depth": depth})


def test_the_middle_of_the_first_class_that_is_large_enough_and_measured() -> None:
    labels, depth = np.zeros((20, 30), np.uint8), np.ones((20, 30), np.float32)
    labels[:2, :5] = 13  # too small
    labels[5:16, 10:21] = 11
    names = CITYSCAPES.names
    assert _central_pixel(sample(labels, depth), names, "person") == (10, 15)
    row, column = _central_pixel(sample(labels, depth), names, "car")
    assert labels[row, column] == 0, "cars are too small: the first class that is not"
    depth[labels == 11] = 0
    row, column = _central_pixel(sample(labels, depth), names, "person")
    assert labels[row, column] == 0, "people are not measured"
    depth[:] = 0
    with pytest.raises(AssertionError):
        _central_pixel(sample(labels, depth), names, "person")


def test_without_classes_any_pixel_that_is_known_will_do() -> None:
    normals = np.zeros((20, 30, 3), np.float32)
    normals[4:15, 6:17] = (0, -1, 0)
    street = Sample(np.zeros((20, 30, 3), np.uint8), "street", {"normals": normals})
    assert _central_pixel(street, (), "car") == (9, 11)


def test_the_grid_lies_in_the_window() -> None:
    rows, columns = crop_window("garg", 128, 416)
    assert grid((128, 416))
    assert all(rows.start <= r < rows.stop and columns.start <= c < columns.stop for r, c in grid((128, 416)))
