"""The published cells: what they are called, and which scores they have."""

from segdepth.campaigns.published import KITTI_DEPTH, PUBLISHED
from segdepth.tasks import TASKS


def test_the_published_scores_are_scores_of_their_tasks() -> None:
    for cell in PUBLISHED.values():
        task, scores = TASKS[cell.problem.task], cell.scores
        assert set(scores) <= set(task.table_scores)
        assert task.best_score in scores
        for score, value in scores.items():
            assert 0 < value < (1 if score not in ("sq_rel", "rmse") else 10)


def test_a_cell_is_called_after_its_network_data_and_task() -> None:
    cell = PUBLISHED["frrnA_kitti_depth"]
    assert (cell.network, cell.problem) == ("frrnA", KITTI_DEPTH)
    assert all(name == f"{cell.network}_{cell.problem.data}_{cell.problem.task}" for name, cell in PUBLISHED.items())
