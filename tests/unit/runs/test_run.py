"""What a run says of itself."""

from pathlib import Path

import pytest

from segdepth.runs import TASK_FACTS, find_run, find_runs
from segdepth.tasks import TASKS
from written_runs import FIRST, SECOND, write_run


def test_every_task_is_known_without_torch() -> None:
    assert list(TASK_FACTS) == list(TASKS)
    assert all(TASKS[name].facts is facts for name, facts in TASK_FACTS.items())


@pytest.mark.parametrize("task", TASKS)
def test_the_best_is_the_highest_or_the_lowest_as_the_task_has_it(task: str, tmp_path: Path) -> None:
    write_run(tmp_path / "run" / FIRST, task, [0.5, 0.75, 0.25, 0.5])
    best = find_run("run", tmp_path).best
    assert best is not None
    assert best.score == TASKS[task].best_score
    assert (best.value, best.step) == ((0.75, 20) if TASKS[task].higher_is_better else (0.25, 30))


def test_a_run_says_how_far_it_came_and_its_best(root: Path) -> None:
    runs = {run.folder.path.parent.name: run for run in find_runs(root)}
    assert {name: run.state for name, run in runs.items()} == {
        "a": "finished",
        "b": "stopped",
        "c": "finished early",
    }
    for folder in (runs["a"].folder, runs["b"].folder):
        folder.not_finite.touch()
    assert [run.state for run in find_runs(root) if run.name.startswith(("a", "b"))] == ["not finite", "finished"]
    best = runs["a"].best
    assert best is not None
    assert (best.score, best.value, best.step) == ("mIoU", 0.5, 20)
    lowest = runs["c"].best
    assert lowest is not None
    assert (lowest.score, lowest.value, lowest.step) == ("abs_rel", 0.1, 20)
    assert runs["a"].network == "frrnA"
    assert runs["a"].revision == "01234567+"
    assert runs["a"].problems == ()


def test_a_checkpoint_is_a_step_although_the_log_has_none(root: Path) -> None:
    (root / "b" / SECOND / "checkpoints").mkdir()
    (root / "b" / SECOND / "checkpoints/37.pt").touch()
    assert find_run("b", root).step == 37
