"""What travels with the weights is checked, and is JSON."""

from typing import Any

import pytest
from pydantic import ValidationError

from segdepth.networks import OUTPUTS, Card, Normalisation


def card(**values: Any) -> Card:
    usual = {"arch": "segnet", "output": "depth", "out_channels": 1, "preprocessing": "imagenet", "task": "depth"}
    return Card(**usual | values)


def test_a_card_is_json_and_back() -> None:
    one = card(options={"width": 0.5}, input_size=(32, 64), scores={"abs_rel": 0.1, "rmse": None})
    assert Card.model_validate_json(one.model_dump_json()) == one


@pytest.mark.parametrize(
    "values",
    [
        {"output": "depths"},
        {"out_channels": 0},
        {"format": 3},
        {"preprocessing": "imagnet"},
        {"preprocessing": {"std": [1, 1, 0]}},
        {"colour": "red"},
        {"input_size": (32,)},
        {"classes": {"names": ["road"], "colours": [[1, 2]], "label_ids": [7]}},
    ],
)
def test_a_card_that_cannot_be(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        card(**values)


def test_an_unknown_output_is_told_with_those_there_are() -> None:
    with pytest.raises(ValidationError, match="no output named 'depths'") as told:
        card(output="depths")
    assert all(name in str(told.value) for name in OUTPUTS)


def test_a_card_of_the_first_form_named_its_preprocessing() -> None:
    one = card(format=1, preprocessing="reference_seg")
    assert one == card(preprocessing=Normalisation(order="BGR"))
    assert '"format":2' in one.model_dump_json()


@pytest.mark.parametrize(
    "classes",
    [
        {"names": ["a"], "colours": [[0, 0, 0]], "label_ids": [0]},
        {"names": ["a", "b"], "colours": [], "label_ids": [0, 1]},
    ],
    ids=["names", "colours"],
)
def test_each_channel_has_its_class(classes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="for each of the 2 channels"):
        card(out_channels=2, classes=classes)


@pytest.mark.parametrize(
    "what", [{"mean": (float("nan"), 0, 0)}, {"std": (float("inf"), 1, 1)}, {"scale": float("inf")}]
)
def test_a_range_is_of_numbers_that_json_has(what: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="finite number"):
        card(preprocessing=what)
