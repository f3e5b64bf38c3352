"""Errors that we raise on purpose, and others' in one line."""

import pickle
from typing import Any

import pytest
import torch

from segdepth.core import errors
from segdepth.core.errors import DataError, InputError, SegdepthError, raised, reason


def test_each_is_a_mistake_of_the_user_s_with_one_sentence() -> None:
    for name in set(errors.__all__) - {"raised", "reason", "SegdepthError"}:
        one = getattr(errors, name)("what is wrong")
        assert isinstance(one, SegdepthError)
        assert str(one) == "what is wrong"


def test_arguments_that_cannot_be_used_are_value_errors_too() -> None:
    with pytest.raises(ValueError, match="no pixel"):
        raise InputError("no pixel")


def test_what_would_mend_data_goes_along() -> None:
    assert DataError("broken").todo is None
    assert DataError("broken", "download it again").todo == "download it again"


def test_they_come_from_other_processes_whole() -> None:
    again = pickle.loads(pickle.dumps(DataError("broken", "download it again")))
    assert (type(again), str(again)) == (DataError, "broken")
    assert again.todo == "download it again"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("bad magic\nlong story"), "bad magic"),
        (ValueError("\n\n  bad magic  \n"), "bad magic"),
        (EOFError(), "EOFError"),
        (RuntimeError("  "), "RuntimeError"),
        (KeyError("a"), "'a'"),
    ],
)
def test_others_errors_are_one_line(error: Exception, line: str) -> None:
    assert reason(error) == line


def test_what_code_of_others_raised_names_the_line_of_it() -> None:
    names: dict[str, Any] = {}
    exec(compile("def build(conv):\n    return conv.weigth\n", "somewhere/net.py", "exec"), {"__name__": "net"}, names)
    with pytest.raises(AttributeError) as caught:
        names["build"](torch.nn.Conv2d(3, 3, 1))  # torch's own lines below it do not say where that came from
    assert raised(caught.value).startswith("AttributeError: 'Conv2d' object has no attribute 'weigth'")
    assert raised(caught.value).endswith(" (net.py, line 2)")
    assert raised(ValueError("bad magic\nlong story")) == "ValueError: bad magic"
