"""A run of the demonstration is taken again by its configuration, whether or not it was gone on with."""

from pathlib import Path

import pytest

from segdepth.campaigns.demo.configs import demo_configs
from segdepth.campaigns.demo.training import newest_run
from segdepth.config import Config, config_to_dict
from segdepth.runs import RunFolder, begin, read_config, write_config


@pytest.fixture
def config(tmp_path: Path) -> Config:
    config = demo_configs(tmp_path / "world")["seg"]
    return config.model_copy(update={"training": config.training.model_copy(update={"precision": "32-true"})})


def test_the_newest_of_this_configuration_is_found(config: Config, tmp_path: Path) -> None:
    assert newest_run(tmp_path, config) is None
    values = config_to_dict(config)
    runs = [begin(tmp_path / "fcn8s_seg", values, config.seed) for _ in range(2)]
    begin(tmp_path / "fcn8s_seg", values | {"seed": 8}, 8)
    assert newest_run(tmp_path, config) == runs[-1]
    (tmp_path / "fcn8s_seg/broken").mkdir()
    RunFolder(tmp_path / "fcn8s_seg/broken").config.write_text("training: [")
    assert newest_run(tmp_path, config) == runs[-1]


def test_a_run_that_was_gone_on_with_is_still_the_same(config: Config, tmp_path: Path) -> None:
    run = begin(tmp_path / "fcn8s_seg", config_to_dict(config), config.seed)
    record = read_config(run)
    record["training"]["resume"] = str(run)
    write_config(run, record)
    assert newest_run(tmp_path, config) == run
