"""The explorer's name for notebooks."""

import subprocess
import sys

import pytest

import segdepth
from segdepth import explore
from segdepth.core.errors import InputError


def test_the_widget_is_found_by_its_public_name() -> None:
    from segdepth.explorer.widget import Widget

    assert segdepth.explore.Widget is explore.Widget is Widget


def test_nothing_is_imported_before_it_is_asked_for() -> None:
    code = "import sys, segdepth; segdepth.explore; assert not {'torch', 'anywidget', 'segdepth.explorer'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_missing_extra_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "segdepth.explorer.widget", raising=False)
    monkeypatch.setitem(sys.modules, "anywidget", None)
    with pytest.raises(InputError, match=r"the widget needs anywidget: pip install 'segdepth\[widget\]'"):
        _ = explore.Widget


def test_what_is_not_there_is_told_as_python_does() -> None:
    with pytest.raises(AttributeError, match=r"module 'segdepth.explore' has no attribute 'Gadget'"):
        _ = explore.Gadget
