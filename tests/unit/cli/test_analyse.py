"""Tables of an analysis on a terminal."""

from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from segdepth.cli.analyse import _table


@pytest.mark.parametrize("width", [72, 80, 160])
def test_a_narrow_terminal_breaks_names_and_no_measure_or_number(width: int) -> None:
    one: Any = SimpleNamespace(name=SimpleNamespace(title="one against another"))
    table = _table(one, ("python:mynet:MyNet depth", "hf:segformer depth", "effect", "p (Holm)"))
    for threshold in ("0.1", "0.5", "0.9"):
        table.add_row(f"activation distance at {threshold}", "0.0001191", "0.0001815", "+1.00", "0.62")
    console = Console(width=width)
    with console.capture() as captured:
        console.print(table)
    lines = captured.get().splitlines()
    for threshold, line in zip(("0.1", "0.5", "0.9"), lines[-3:], strict=True):
        assert line.split()[3:] == [threshold, "0.0001191", "0.0001815", "+1.00", "0.62"]
    assert "…" not in captured.get()
    assert (len(lines) == 6) == (width == 160), "the names have a line where there is room"
