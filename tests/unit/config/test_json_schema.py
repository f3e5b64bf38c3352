"""The schema for editors takes what is taken, and names every variant with its options."""

import json
from typing import Any

import pytest

from segdepth.config.json_schema import config_schema
from segdepth.data.transforms import AUGMENTATIONS
from segdepth.losses import LOSSES
from segdepth.networks import ALIASES, NETWORKS
from segdepth.optim import OPTIMIZERS


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return config_schema()


def section(schema: dict[str, Any], name: str) -> dict[str, Any]:
    return schema["$defs"][name]


def references(node: Any) -> set[str]:
    if isinstance(node, list):
        return {one for item in node for one in references(item)}
    if not isinstance(node, dict):
        return set()
    own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
    return own | {one for value in node.values() for one in references(value)}


def keywords(node: Any) -> set[str]:
    if isinstance(node, list):
        return {one for item in node for one in keywords(item)}
    if not isinstance(node, dict):
        return set()
    return set(node) | {one for value in node.values() for one in keywords(value)}


def test_it_is_plain_json_whose_references_lead_somewhere(schema: dict[str, Any]) -> None:
    assert json.loads(json.dumps(schema)) == schema
    found = references(schema)
    assert found
    assert {one.removeprefix("#/$defs/") for one in found} <= schema["$defs"].keys()


def test_bounds_have_json_schema_s_names(schema: dict[str, Any]) -> None:
    assert not keywords(schema["$defs"]) & {"ge", "gt", "le", "lt"}
    width = next(one for one in section(schema, "ModelSection")["oneOf"] if one["title"] == "segnet")["properties"][
        "width"
    ]
    assert (width["exclusiveMinimum"], width["maximum"]) == (0, 4)


@pytest.mark.parametrize(
    ("name", "key", "names"),
    [
        ("ModelSection", "arch", {*NETWORKS, *ALIASES}),
        ("LossSection", "name", {*LOSSES}),
        ("OptimizerSection", "name", {*OPTIMIZERS}),
    ],
)
def test_every_variant_is_an_alternative(schema: dict[str, Any], name: str, key: str, names: set[str]) -> None:
    alternatives = section(schema, name)["oneOf"]
    assert {one["title"] for one in alternatives} == set(section(schema, name)["properties"][key]["enum"]) == names
    for one in alternatives:
        assert one["properties"][key] == {"const": one["title"]}
        assert key in one["required"]
        assert set(one["required"]) <= one["properties"].keys()


def test_an_alias_s_options_have_its_presets_as_defaults(schema: dict[str, Any]) -> None:
    (alias,) = (one for one in section(schema, "ModelSection")["oneOf"] if one["title"] == "frrnB")
    assert alias["properties"]["model_type"]["default"] == "B"


def test_augmentations_are_named_or_none(schema: dict[str, Any]) -> None:
    named, nothing = section(schema, "TrainingSection")["properties"]["augmentations"]["anyOf"]
    assert named["properties"].keys() == AUGMENTATIONS.keys()
    assert named["additionalProperties"] is False
    assert nothing == {"type": "null"}
