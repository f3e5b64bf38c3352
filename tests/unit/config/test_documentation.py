"""docs/training.md explains every key of the section ``training``, with the default that it has."""

import re
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from segdepth.config import check_config
from segdepth.config.schema import LrFactors, ScheduleSection, TrainingSection
from segdepth.tasks import TASKS

PAGE = (Path(__file__).resolve().parents[3] / "docs/training.md").read_text()
#: Key -> default and explanation, of the tables that have a default.
ROWS = {key: (default, text) for key, default, text in re.findall(r"^\| `(\w+)` \| `([^`]+)` \| (.+) \|$", PAGE, re.M)}


def plain_defaults(section: type[BaseModel]) -> dict[str, object]:
    """Key -> default as a file has it; of a variant, its name."""
    defaults = {key: field.get_default() for key, field in section.model_fields.items()}
    defaults = {key: getattr(value, "name", value) for key, value in defaults.items()}
    return {key: value.model_dump() if isinstance(value, LrFactors) else value for key, value in defaults.items()}


def test_every_key_has_a_row_with_its_default() -> None:
    expected = plain_defaults(TrainingSection) | plain_defaults(ScheduleSection)
    del expected["name"]  # of the schedule, explained with the section's other names
    assert {key: yaml.safe_load(default) for key, (default, _) in ROWS.items()} == expected


@pytest.mark.parametrize("task", TASKS)
def test_the_tasks_own_loss_is_named(task: str) -> None:
    assert f"`{TASKS[task].default_loss}`" in ROWS["loss"][1]


def test_the_example_of_a_warm_up_is_right() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
    config = {"model": {"arch": "fcrn"}, "task": "depth", "data": {"dataset": "synthetic"}}
    schedule = check_config(config | yaml.safe_load(example)).training.lr_schedule
    assert schedule is not None
    assert (schedule.warmup_iters, schedule.warmup_mode, schedule.warmup_factor) == (500, "linear", 0.01)
