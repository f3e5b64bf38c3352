"""A study and a preparation on a cluster whose nodes and workers are killed (``tests/node_loss.py`` plays more rounds)."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_killed_nodes_and_workers_change_no_byte() -> None:
    pytest.importorskip("ray")
    script = Path(__file__).resolve().parents[1] / "node_loss.py"
    small = ["--rounds", "1", "--seed", "1", "--pictures", "2", "--frames", "6"]
    played = subprocess.run([sys.executable, str(script), *small], capture_output=True, text=True, timeout=1800)
    assert played.returncode == 0, played.stdout + played.stderr
    assert played.stdout.count("'node'") == 1
