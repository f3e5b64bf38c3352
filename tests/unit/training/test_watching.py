"""Whose answers are drawn while a run is watched, and how a rate is said."""

import numpy as np
import pytest
import torch

from segdepth.data import open_dataset
from segdepth.evaluation import Answer
from segdepth.kinds import KINDS
from segdepth.training.watching import Samples, rate_text


@pytest.mark.parametrize(
    ("rate", "text"),
    [(1234.5, "1234.5"), (12.34, "12.3"), (1.0, "1.0"), (0.99, "0.99"), (0.0472, "0.047"), (0.0001234, "0.00012")],
)
def test_two_digits_mean_something(rate: float, text: str) -> None:
    assert rate_text(rate) == text


@pytest.mark.parametrize(("count", "places"), [(1, [0]), (2, [0, 1]), (3, [0, 1, 2]), (8, [0, 3, 7])])
def test_three_pictures_spread_over_the_split_are_drawn(count: int, places: list[int]) -> None:
    streets = open_dataset("synthetic", path=None, split="val", target="depth", num_images=count, height=32, width=64)
    samples = Samples(streets, "depth")
    assert samples.pictures == {}
    for name in streets.names:
        truth = 1 + 40 * torch.rand(24, 48)
        samples.watch(Answer(name, truth + 1, truth))
    assert list(samples.pictures) == [f"samples/{place}" for place in places]
    assert {picture.shape for picture in samples.pictures.values()} == {(3 * 24, 48, 3)}


def test_picture_truth_and_answer_stand_in_a_column_in_the_truth_s_colours() -> None:
    streets = open_dataset("synthetic", path=None, split="val", target="depth", num_images=1, height=32, width=64)
    samples = Samples(streets, "depth")
    sample = streets[0]
    truth = sample.truth("depth")
    samples.watch(Answer(streets.names[0], torch.from_numpy(truth / 2), torch.from_numpy(truth)))
    (picture,) = samples.pictures.values()
    paint = KINDS["depth"].painter(truth, streets.colours)
    np.testing.assert_array_equal(picture, np.concatenate([sample.image, paint(truth), paint(truth / 2)]))
