"""Heads and arrays in one run of bytes, as a browser's typed arrays want them."""

import json

import numpy as np
import pytest

from segdepth.explorer.container import pack, unpack


@pytest.mark.parametrize("word", ["", "a", "ab", "abc", "abcd", "ärgerlich"])
def test_what_was_packed_is_unpacked(word: str) -> None:
    arrays = {
        "a": np.arange(5, dtype=np.uint8),
        "b": np.random.default_rng(0).random((3, 7)).astype(np.float32)[:, ::2],
        "c": np.array(7, np.int32),
        "none": np.zeros((0, 4), np.float32),
    }
    data = pack({"word": word, "n": 1.5}, arrays)
    head, found = unpack(data)
    assert (head["word"], head["n"]) == (word, 1.5)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


def test_everything_begins_at_a_multiple_of_eight() -> None:
    data = pack({"word": "x"}, {"a": np.zeros(3, np.uint8), "b": np.zeros(2, np.float32)})
    length = int.from_bytes(data[:4], "little")
    head = json.loads(data[4 : 4 + length])
    assert (4 + length) % 8 == 0
    assert [place["offset"] % 8 for place in head["arrays"].values()] == [0, 0]
    assert len(data) == 4 + length + 8 + 8


def test_numbers_that_are_not_finite_are_null() -> None:
    head, _ = unpack(pack({"peak": float("nan"), "all": [1.0, float("inf")], "in": {"x": float("-inf")}}, {}))
    assert (head["peak"], head["all"], head["in"]) == (None, [1.0, None], {"x": None})


def test_other_types_are_refused() -> None:
    with pytest.raises(ValueError, match="a is float64"):
        pack({}, {"a": np.zeros(3)})
