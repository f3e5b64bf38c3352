"""The map in an answer to a batch. What single pictures' answers look like is asked in unit/saliency/test_answers.py."""

import pytest
import torch

from segdepth.core.errors import InputError
from segdepth.layers.answer_parts import Given


def test_a_batch_s_map_is_found_by_its_name_or_its_place() -> None:
    logits, other = torch.rand(4, 2, 8, 8), torch.rand(4, 5, 8, 8)
    assert Given({"hidden": other, "logits": logits}, "net", (8, 8), 4).map().value is logits
    assert Given([logits, other], "net", (8, 8), 4).map().value is logits
    assert Given({"a": {"b": other}}, "net", (8, 8), 4).part("a.b").map().value is other


def test_a_map_of_another_number_of_pictures_is_none() -> None:
    with pytest.raises(InputError, match=r"nothing that is a map \[2, c, h, w\]"):
        Given({"a": torch.rand(4, 2, 8, 8)}, "net", (8, 8), 2).map()
