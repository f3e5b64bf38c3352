"""``segdepth runs`` as a user types it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from segdepth.cli import main
from segdepth.tasks import TASKS
from written_runs import FIRST, write_run, write_three


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_three(tmp_path)


def test_the_commands(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "--runs", str(root), "--only", "a", "--json"]) == 0
    (run,) = json.loads(capsys.readouterr().out)
    assert run["best"] == {"score": "mIoU", "value": 0.5, "step": 20}
    assert (run["step"], run["train_iters"], run["state"], run["git"]["clean"]) == (40, 40, "finished", False)
    page = tmp_path / "page.html"
    assert main(["runs", "compare", "a", "b", "--runs", str(root), "--out", str(page)]) == 0
    printed = capsys.readouterr().out
    assert "mIoU, best" in printed
    assert "code and machine: the same" in printed
    assert page.exists()
    assert main(["runs", "compare", "a", "--runs", str(root)]) == 2
    assert main(["runs", "--runs", str(root), "--only", "zz"]) == 0
    assert "no runs in" in capsys.readouterr().out


@pytest.mark.parametrize("task", TASKS)
def test_a_run_of_every_task_is_listed_and_compared(
    task: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    score = TASKS[task].best_score
    for name in ("a", "b"):
        write_run(tmp_path / name / FIRST, task, [0.25])
    assert main(["runs", "--runs", str(tmp_path), "--sort", "score"]) == 0
    assert f"{score} 0.2500 at 10" in capsys.readouterr().out
    assert main(["runs", "compare", "a", "b", "--runs", str(tmp_path), "--out", str(tmp_path / "page.html")]) == 0
    assert f"{score}, best" in capsys.readouterr().out


def test_no_torch_is_needed(root: Path) -> None:
    code = f"""if True:
        import sys
        from segdepth.cli import main
        assert main(["runs", "--runs", {str(root)!r}]) == 0
        assert main(["runs", "compare", "a", "b", "--runs", {str(root)!r}, "--out", {str(root / "x.html")!r}]) == 0
        assert "torch" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
