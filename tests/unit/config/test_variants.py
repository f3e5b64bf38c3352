"""Where a configuration names a variant, and which options it then takes."""

from collections.abc import Mapping
from inspect import Parameter
from typing import Any

import pytest
from pydantic import ValidationError

from segdepth.config import check_config
from segdepth.config.variants import VARIANT_SECTIONS, VariantSpec, augmentation_model
from segdepth.core.errors import ConfigError
from segdepth.data import DATASETS
from segdepth.data.transforms import AUGMENTATIONS
from segdepth.losses import LOSSES, losses_for
from segdepth.networks import ALIASES, NETWORKS
from segdepth.optim import OPTIMIZERS, SCHEDULES
from segdepth.tasks import TASKS

TABLES: dict[str, set[str]] = {
    "model": {*NETWORKS, *ALIASES},
    "data": {*DATASETS},
    "training.loss": {*LOSSES},
    "training.optimizer": {*OPTIMIZERS},
    "training.lr_schedule": {*SCHEDULES},
}


def spec(path: str) -> VariantSpec:
    return next(one for one in VARIANT_SECTIONS if ".".join(one.path) == path)


def options_of(path: str, values: Mapping[str, Any], section: Any) -> Mapping[str, Parameter]:
    config = check_config({"model": {"arch": "segnet"}, "data": {"dataset": "synthetic"}, **values})
    return spec(path).find(config, section).options


class Section:
    """A section of a file, before anything of it was checked."""

    def __init__(self, **values: Any) -> None:
        self.preprocessing = None
        vars(self).update(values)


def test_every_table_has_its_section() -> None:
    assert {".".join(one.path) for one in VARIANT_SECTIONS} == TABLES.keys()


@pytest.mark.parametrize("path", TABLES)
def test_every_name_is_known_with_its_options(path: str) -> None:
    found = spec(path).names()
    assert found.keys() == TABLES[path]
    for variant in found.values():
        assert all(isinstance(parameter, Parameter) for parameter in variant.options.values())
        assert variant.preset.keys() <= variant.options.keys()


def test_an_alias_presets_options_of_what_it_stands_for() -> None:
    variant = spec("model").names()["frrnB"]
    assert variant.preset == {"model_type": "B"}
    assert variant.options.keys() == spec("model").names()["frrn"].options.keys()
    assert "legacy" in variant.options


@pytest.mark.parametrize("task", TASKS)
def test_losses_are_the_task_s(task: str) -> None:
    own = losses_for(TASKS[task].target)
    for name in TABLES["training.loss"]:
        if name in own:
            assert options_of("training.loss", {"task": task}, Section(name=name)) is not None
        else:
            with pytest.raises(ConfigError, match=f"'{name}' is no loss of task '{task}'") as told:
                options_of("training.loss", {"task": task}, Section(name=name))
            assert all(one in str(told.value) for one in own)
    with pytest.raises(ConfigError, match="no loss named 'nothing'"):
        options_of("training.loss", {"task": task}, Section(name="nothing"))


def test_a_data_set_without_the_task_s_truth_is_told_with_those_that_have_it() -> None:
    for task in TASKS.values():
        for name, readers in DATASETS.items():
            if task.target in readers:
                assert options_of("data", {"task": task.name}, Section(dataset=name)) is not None
                continue
            with pytest.raises(ConfigError, match=f"'{name}' has no {task.target}") as told:
                options_of("data", {"task": task.name}, Section(dataset=name))
            fitting = [other for other, entry in DATASETS.items() if task.target in entry]
            assert all(other in str(told.value) for other in fitting)


def test_augmentations_have_a_field_each_of_their_parameter_s_type() -> None:
    model = augmentation_model()
    assert model.model_fields.keys() == AUGMENTATIONS.keys()
    nothing = model()
    assert all(getattr(nothing, name) is None for name in AUGMENTATIONS)
    assert model(hflip=0.5).hflip == 0.5
    with pytest.raises(ValidationError):
        model(hflip="often")
    with pytest.raises(ValidationError):
        model(nothing=1)
