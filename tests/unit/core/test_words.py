"""Words in messages and in names of files."""

import pytest

from segdepth.core.words import as_file_name, counted, first_of


@pytest.mark.parametrize(
    ("most", "said"), [(1, "a and 2 more"), (2, "a, b and 1 more"), (3, "a, b, c"), (4, "a, b, c")]
)
def test_more_names_than_are_named_are_counted(most: int, said: str) -> None:
    assert first_of(["a", "b", "c"], most) == said


def test_no_names_are_nothing() -> None:
    assert first_of([], 3) == ""


def test_one_thing_has_no_plural() -> None:
    assert [counted(number, "drive") for number in (0, 1, 2)] == ["0 drives", "1 drive", "2 drives"]


@pytest.mark.parametrize("words", ["smp:Unet", "owner/name", "a b (c)", "  x  "])
def test_a_part_of_a_file_s_name_has_nothing_that_a_system_refuses(words: str) -> None:
    name = as_file_name(words)
    assert name
    assert not set(name) & set(':/\\ ()*?"<>|')
