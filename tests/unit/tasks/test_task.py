"""What a task decides is there, and its scores are compared the right way round."""

import pytest

from segdepth.core.errors import ConfigError
from segdepth.losses import LOSSES
from segdepth.networks import OUTPUTS
from segdepth.tasks import TASKS


@pytest.mark.parametrize("task", TASKS)
def test_every_task_names_what_there_is(task: str) -> None:
    record = TASKS[task]
    assert record.name == task
    assert record.target in LOSSES[record.default_loss]
    assert record.output in OUTPUTS
    assert record.best_score in record.table_scores


@pytest.mark.parametrize("task", TASKS)
def test_a_score_beats_what_is_worse_or_nothing(task: str) -> None:
    record = TASKS[task]
    better, worse = (0.9, 0.1) if record.higher_is_better else (0.1, 0.9)
    assert record.is_better(better, worse)
    assert not record.is_better(worse, better)
    assert not record.is_better(worse, worse)
    assert record.is_better(worse, None)
    assert not record.is_better(None, None)
    assert not record.is_better(None, worse)
    assert not record.is_better(float("nan"), worse)


def test_a_task_is_answered_by_the_outputs_of_its_truth() -> None:
    assert TASKS["seg"].outputs == ("logits",)
    assert TASKS["depth"].outputs[0] == TASKS["depth"].output_named(None) == "depth"
    assert TASKS["depth"].output_named("relative_inverse_depth") == "relative_inverse_depth"
    assert sorted(name for task in TASKS.values() for name in task.outputs) == sorted(OUTPUTS)
    with pytest.raises(ConfigError, match=r"'metres' is no answer to task 'seg' \(these are: logits\)"):
        TASKS["seg"].output_named("metres")
    with pytest.raises(ConfigError, match=r"no output named 'meters'.*metres"):
        TASKS["depth"].output_named("meters")
