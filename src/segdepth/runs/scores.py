"""The scores that summaries of runs show."""

from typing import NamedTuple

__all__ = ["TASK_SCORES", "TaskScores"]


class TaskScores(NamedTuple):
    """The scores of a task that a summary shows; the first decides which checkpoint is the best."""

    names: tuple[str, ...]
    higher_is_better: bool


#: What the records in ``segdepth.tasks`` say, which need torch; a test compares them.
TASK_SCORES = {
    "seg": TaskScores(("mIoU", "mAcc", "aAcc", "FWIoU"), higher_is_better=True),
    "depth": TaskScores(("abs_rel", "sq_rel", "rmse", "rmse_log", "a1", "a2", "a3"), higher_is_better=False),
}
