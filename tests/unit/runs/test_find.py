"""Runs are found, chosen and ordered."""

from pathlib import Path

import pytest

from segdepth.core.errors import InputError
from segdepth.runs import find_runs, sorted_runs
from written_runs import FIRST, SECOND


def test_order_and_filter(root: Path) -> None:
    names = [run.folder.path.parent.name for run in find_runs(root)]
    assert names[0] == "b", "the newest first"
    assert [run.folder.path.parent.name for run in sorted_runs(find_runs(root), "score")] == ["c", "b", "a"]
    assert [run.folder.path.parent.name for run in sorted_runs(find_runs(root), "name")] == ["a", "b", "c"]
    assert [run.name for run in find_runs(root, ["c", "b/2026-02*"])] == [f"b/{SECOND}", f"deep/c/{FIRST}"]
    assert find_runs(root, ["nothing*"]) == []
    with pytest.raises(InputError, match="--runs"):
        find_runs(root / "nowhere")
