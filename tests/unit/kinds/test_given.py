"""What somebody gives for each kind of truth."""

from typing import Any

import pytest

from segdepth.core.errors import ConfigError
from segdepth.kinds import KINDS, by_kind


def test_what_fits_is_taken_as_it_is() -> None:
    given = {"depth": len, "labels": max}
    found = by_kind(given, KINDS, "a function", callable)
    assert found == given
    assert found is not given


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (len, "it is a builtin_function_or_method; it has to be a mapping from kinds of truth"),
        ({}, "it is empty"),
        ({"dept": len}, r"no kind of truth 'dept' .*did you mean 'depth'\?"),
        ({"depth": 3}, "for depth it gives a int; it has to be a function"),
    ],
    ids=["no mapping", "empty", "no kind", "no function"],
)
def test_what_does_not_is_told(given: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        by_kind(given, KINDS, "a function", callable)
