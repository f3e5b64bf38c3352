"""A study and a preparation on a cluster whose nodes and workers are killed (``tests/node_loss.py`` plays more rounds)."""

from pathlib import Path

import pytest

import node_loss


@pytest.mark.slow
def test_killed_nodes_and_workers_change_no_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    for name in (node_loss.MARK, "RAY_USAGE_STATS_ENABLED", "PYTHONPATH"):
        monkeypatch.setenv(name, "")  # put back afterwards
    work = node_loss.make_work(tmp_path, pictures=2, frames=6)
    with node_loss.cluster() as where:
        for seed in (1, 2):
            folder = tmp_path / f"round {seed}"
            folder.mkdir()
            killed = node_loss.play_round(work, folder, seed, where)
            assert killed["node"] + killed["worker"] > 0
