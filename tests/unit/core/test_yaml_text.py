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


def bomb() -> str:
    """387 million words in 340 bytes."""
    return "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"a{k}: &a{k} [{','.join([f'*a{k - 1}'] * 9)}]\n" for k in range(1, 9)
    )


def merges() -> str:
    """As many keys, which all are one."""
    return "a0: &a0 {x: 1}\n" + "".join(f"a{k}: &a{k}\n  <<: [{','.join([f'*a{k - 1}'] * 30)}]\n" for k in range(1, 9))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (bomb(), "more than 100000 values"),
        (merges(), "merge"),
        ("&a [*a]", "100 levels"),
        ("a: &a {b: *a}", "recursive|100 levels"),
        ("[" * 5000, "nested too deeply"),
        ("[" * 150 + "]" * 150, "100 levels"),
        ("a: " + "1" * 5000, "no valid YAML"),
        ("a: 99999999999999999999", "64 bits"),
        ("a: !!timestamp foo", "no valid YAML"),
        ("a: !!float x", "no valid YAML"),
        ("a: !!int ''", "no valid YAML"),
        ("a: !!binary aGk=", "a bytes"),
        ("a: !!set {x}", "a set"),
        ("a: !!timestamp 2020-01-01", "a date"),
        ('a: "\\ud800"', "half a character"),
        ("x" * 2**21, "2097152 characters"),
        ("a: \0", "no valid YAML"),
    ],
)
def test_what_nobody_means_is_named(text: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=rf"^here.*({complaint})"):
        parse_yaml(text, where="here")


@pytest.mark.parametrize("text", ["2020-01-01", "2020-13-45", "2020-01-01T00:00:00Z"])
def test_a_date_is_a_word(text: str) -> None:
    assert parse_yaml(text, where="here") == text


def test_what_is_written_once_may_be_used_twice() -> None:
    assert parse_yaml("a: &a {x: 1}\nb: *a", where="here") == {"a": {"x": 1}, "b": {"x": 1}}
