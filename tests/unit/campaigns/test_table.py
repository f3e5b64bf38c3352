"""Our scores beside the published ones, as text."""

import pytest

from segdepth.campaigns.table import Row, to_markdown


@pytest.mark.parametrize(
    ("ours", "better", "cells", "line"),
    [
        (0.1, True, ("0.1000", "-0.0060"), "| 0.106 | **0.1000** | -0.0060 | garg |"),
        (0.2, False, ("0.2000", "+0.0940"), "| 0.106 | 0.2000 | +0.0940 | garg |"),
        (0.2, None, ("0.2000", "-"), "| 0.106 | 0.2000 | - | garg |"),
        (None, None, ("-", "-"), "| 0.106 | - | - | garg |"),
    ],
)
def test_a_row(ours: float | None, better: bool | None, cells: tuple[str, str], line: str) -> None:
    row = Row("fcn8s_kitti_depth", "abs_rel", 0.106, ours, better, "garg")
    assert row.cells() == cells
    head, rule, text = to_markdown([row]).splitlines()
    assert head.count("|") == rule.count("|") == text.count("|")
    assert text == f"| fcn8s_kitti_depth | abs_rel {line}"
