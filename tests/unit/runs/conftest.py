"""Runs to read."""

from pathlib import Path

import pytest

from written_runs import write_three


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of three runs."""
    return write_three(tmp_path)
