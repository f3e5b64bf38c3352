"""The two runs of the demonstration: begun, gone on with, or taken as finished."""

import contextlib
from pathlib import Path
from typing import Any

import yaml

from segdepth.config import Config, config_to_dict
from segdepth.core.errors import ConfigError
from segdepth.core.files import write_text
from segdepth.runs import RunFolder, newest_first, read_config
from segdepth.training import Progress, as_recorded, newest_whole_checkpoint, read_checkpoint, train

__all__ = ["newest_run", "run_name", "train_or_go_on"]


def run_name(arch: str, task: str) -> str:
    """What the folder of a task's runs is called."""
    return f"{arch}_{task}"


def newest_run(root: Path, config: Config) -> RunFolder | None:
    """The newest run of this very configuration in the demonstration's folder; None if there is none."""
    wanted = config_to_dict(config)
    for run in newest_first(root / run_name(config.model.arch, config.task)):
        with contextlib.suppress(ConfigError, OSError, KeyError, TypeError):  # of something else, or broken
            record = _without_resume(read_config(run))
            if record == as_recorded(wanted, record):
                return run
    return None


def train_or_go_on(root: Path, config: Config, progress: Progress) -> Path:
    """The folder of a finished run of this very configuration; one that was interrupted goes on where it stopped."""
    name = run_name(config.model.arch, config.task)
    run = newest_run(root, config)
    last = None if run is None else newest_whole_checkpoint(run.path)
    if run is None or last is None:
        write_text(root / f"{name}.yml", yaml.safe_dump(config_to_dict(config), sort_keys=False))
        return train(config, name=name, root=root, progress=progress).folder
    if read_checkpoint(last)[0].step < config.training.train_iters:
        resumed = config.model_copy(update={"training": config.training.model_copy(update={"resume": run.path})})
        train(resumed, name=name, root=root, progress=progress)
    return run.path


def _without_resume(values: dict[str, Any]) -> dict[str, Any]:
    """A saved configuration as it was before the run was gone on with."""
    return values | {"training": values["training"] | {"resume": None}}
