"""What a run says of itself."""

from pathlib import Path

from segdepth.runs import TASK_SCORES, find_run, find_runs
from segdepth.tasks import TASKS
from written_runs import SECOND


def test_the_scores_are_the_tasks() -> None:
    assert TASK_SCORES.keys() == TASKS.keys()
    for name, task in TASKS.items():
        assert TASK_SCORES[name].names == task.table_scores
        assert TASK_SCORES[name].names[0] == task.best_score
        assert TASK_SCORES[name].higher_is_better == task.higher_is_better


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
