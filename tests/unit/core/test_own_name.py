"""Names that no other writer has."""

import os
import platform
import re
import subprocess
import sys

import pytest

from segdepth.core.own_name import of_this_machine, this_process, unlike_any


def test_each_process_has_a_name_of_its_own_that_stays() -> None:
    code = "from segdepth.core.own_name import unlike_any; print(unlike_any())"
    others = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert len({unlike_any(), *others}) == 3
    assert unlike_any() == unlike_any()


def test_a_machine_keeps_its_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    before = of_this_machine(3)
    assert before.startswith("3-")
    assert of_this_machine(3) == before
    monkeypatch.setattr(platform, "node", lambda: "another")
    assert of_this_machine(3) != before


def test_a_process_is_told_of_in_words() -> None:
    here = this_process()
    assert (here["pid"], here["host"]) == (os.getpid(), platform.node())
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", here["since"])
