"""The public names: each is there, says what it does, and is imported when it is asked for."""

import inspect
import subprocess
import sys

import pytest

import segdepth


@pytest.mark.parametrize("name", segdepth.__all__)
def test_a_public_name_is_documented_and_typed(name: str) -> None:
    function = getattr(segdepth, name)
    assert inspect.getdoc(function)
    if inspect.ismodule(function):
        return
    assert all(one.annotation is not one.empty for one in inspect.signature(function).parameters.values())


def test_what_is_not_there_is_told_as_python_does() -> None:
    with pytest.raises(AttributeError, match="module 'segdepth' has no attribute 'trian'"):
        segdepth.trian  # noqa: B018


def test_nothing_is_imported_before_it_is_asked_for() -> None:
    code = "import sys, segdepth; assert 'torch' not in sys.modules and 'segdepth.api' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
