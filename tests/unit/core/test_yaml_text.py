"""YAML as people type it."""

import pytest

from segdepth.core.errors import ConfigError
from segdepth.core.yaml_text import parse_yaml


@pytest.mark.parametrize(
    ("text", "value"), [("1e-4", 1e-4), ("[64, 32]", [64, 32]), ("null", None), ("resnet34", "resnet34")]
)
def test_values(text: str, value: object) -> None:
    assert parse_yaml(text, where="here") == value


@pytest.mark.parametrize("text", ["[", "{a: 1, a: 2}", "!!python/object/apply:os.system ['true']"])
def test_what_cannot_be_read_is_told_with_its_place(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^here:1.*no valid YAML"):
        parse_yaml(text, where="here")
