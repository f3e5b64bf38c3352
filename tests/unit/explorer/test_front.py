"""The front's files, and nothing else."""

import pytest

from segdepth.explorer.front import PAGE, front_file


def test_the_page_is_there() -> None:
    found = front_file(PAGE)
    assert found is not None
    assert found[0].lower().startswith(b"<!doctype html>")
    assert found[1] == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    "name", ["", "..", "../front.py", "front.py", "nothing.js", "/etc/passwd", ".html", "a/../index.html"]
)
def test_nothing_else_is(name: str) -> None:
    assert front_file(name) is None
