"""Tables whose entries are imported when they are picked."""

import subprocess
import sys

import pytest

from segdepth.core.errors import ConfigError
from segdepth.core.tables import LazyTable, OpenTable, pick, require_readable_options, signature_options

TABLE: LazyTable[type] = LazyTable({"pair": "fractions:Fraction", "missing": "no_such_module:Nothing"})


def test_only_what_is_picked_is_imported() -> None:
    assert list(TABLE) == ["pair", "missing"]
    assert len(TABLE) == 2
    assert "missing" in TABLE
    assert pick(TABLE, "pair", kind="number")(1, 2) == 0.5
    with pytest.raises(
        ConfigError, match=r"no number named 'pairs' \(there are: missing, pair\); did you mean 'pair'\?"
    ):
        pick(TABLE, "pairs", kind="number")
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        TABLE["missing"]


def test_that_of_networks_is_such_a_table() -> None:
    code = """
import sys
import segdepth.networks
papers = {f"segdepth.networks.{name}" for name in ("fcn", "frrn", "segnet", "deeplab", "dispnet", "fcrn")}
assert "fcrn" in segdepth.networks.NETWORKS
assert not papers & set(sys.modules)
assert segdepth.networks.NETWORKS["fcrn"] is segdepth.networks.FCRN
assert papers & set(sys.modules) == {"segdepth.networks.fcrn"}
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def positive(given: object) -> int:
    if not isinstance(given, int) or given < 1:
        raise ConfigError(f"{given!r} is not positive")
    return given


@pytest.fixture
def numbers() -> OpenTable[int]:
    return OpenTable(LazyTable({"two": "math:tau"}), kind="number", group="segdepth.no_such_group", checked=positive)


def test_others_add_to_an_open_table(numbers: OpenTable[int]) -> None:
    numbers.register("three", 3)
    numbers.register("three", 33)  # a notebook's cell, run again
    assert (numbers["three"], len(numbers), list(numbers)) == (33, 2, ["two", "three"])
    assert numbers.others() == {"three": "registered in this process"}
    assert numbers.get("four") is None
    assert pick(numbers, "two", kind="number") == pytest.approx(6.283, abs=1e-3)
    with pytest.raises(ConfigError, match=r"no number named 'tree' \(there are: three, two\); did you mean 'three'\?"):
        pick(numbers, "tree", kind="number")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("two", 2, "'two' is a number of segdepth's own; register yours under another name"),
        ("", 2, "a number cannot be called ''"),
        ("none", 0, "the number 'none': 0 is not positive"),
    ],
    ids=["ours", "no name", "no number"],
)
def test_what_cannot_be_added_is_told(name: str, value: int, words: str, numbers: OpenTable[int]) -> None:
    with pytest.raises(ConfigError, match=words):
        numbers.register(name, value)
    assert len(numbers) == 1


def test_options_without_types_are_taken_and_unreadable_ones_told() -> None:
    def careless(prediction, target, *, weight=1.0):  # type: ignore[no-untyped-def]
        return weight

    def broken(prediction: int, *, weight: "NoSuchType" = 1) -> None: ...  # type: ignore[name-defined]

    assert signature_options(careless)["weight"].default == 1.0
    require_readable_options(careless)
    with pytest.raises(ConfigError, match="the options of its signature cannot be read"):
        require_readable_options(broken)
