"""Depth without metres: what files may hold, what people see."""

from pathlib import Path

import numpy as np
import pytest

from segdepth.core.errors import DataError
from segdepth.drawing import colour_depth
from segdepth.kinds import ANSWERS, KINDS

DEPTH, INVERSE = ANSWERS["relative depth"], ANSWERS["relative inverse depth"]
PICTURE = np.zeros((2, 3, 3), np.uint8)


def test_they_are_answers_to_questions_of_depth_and_no_truths() -> None:
    assert all(kind.is_relative and kind.name in KINDS for kind in (DEPTH, INVERSE))
    assert {DEPTH, INVERSE}.isdisjoint(KINDS.values())
    assert not any(kind.is_relative for kind in KINDS.values())
    assert (INVERSE.is_inverse, DEPTH.is_inverse) == (True, False)


def test_words_and_files_say_that_it_is_relative(tmp_path: Path) -> None:
    answer = np.array([[-1.5, 0.0, 2.25]], np.float32)
    assert INVERSE.words(answer[0, 0], ()) == "-1.5 (relative inverse depth)"
    assert DEPTH.words(answer[0, 2], ()) == "2.25 (relative depth)"
    assert DEPTH.words(answer[0, 2], (), exact=True) == "2.25"
    (file,) = INVERSE.save(answer, tmp_path / "street")
    assert file.name == "street_relative_inverse_depth.npy"
    np.testing.assert_array_equal(np.load(file), answer)
    assert [file.name for file in DEPTH.save(answer, tmp_path / "street")] == ["street_relative_depth.npy"]


def test_numbers_of_files_are_taken_as_they_are() -> None:
    values = np.array([[-3.0, 0.0], [4.0, 600.0]])
    np.testing.assert_array_equal(INVERSE.answer_from(values, "a.npy", (2, 2), INVERSE.units[0]), values)
    for whole in (np.uint8, np.uint16):
        counts = np.array([[1, 2], [3, 200]], whole)
        for kind in (DEPTH, INVERSE):
            np.testing.assert_array_equal(kind.answer_from(counts, "a.png", (2, 2), kind.units[0]), counts)
    ramp = np.tile(np.arange(8, dtype=np.float32) - 4, (4, 1))
    resized = INVERSE.answer_from(ramp, "a.npy", (4, 4), INVERSE.units[0])
    np.testing.assert_allclose(resized, np.tile([-3.5, -1.5, 0.5, 2.5], (4, 1)))  # of inverse depth, not of depth


def test_depth_of_nothing_is_refused() -> None:
    with pytest.raises(DataError, match=r"a\.npy has values that are 0 or less"):
        DEPTH.answer_from(np.zeros((2, 2)), "a.npy", (2, 2), DEPTH.units[0])


def test_near_is_bright() -> None:
    depth = np.array([[1, 2, 4], [8, 16, 32]], np.float32)
    np.testing.assert_array_equal(DEPTH.answer_over(PICTURE, depth, ()), colour_depth(depth))
    light = INVERSE.answer_over(PICTURE, 3 / depth - 1, ()).sum(-1).flatten()
    assert (np.diff(light.astype(int)) <= 0).all()
    assert light[0] > light[-1]
    for wild in (
        np.full((2, 3), 7, np.float32),
        np.full((2, 3), np.nan, np.float32),
        np.array([[np.nan, 0, np.inf], [1, 2, 3]], np.float32),
    ):
        assert INVERSE.answer_over(PICTURE, wild, ()).shape == (2, 3, 3)
