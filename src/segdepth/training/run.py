"""The folder of a run, and what may change in it when the run goes on."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from segdepth.config import Config, config_to_dict
from segdepth.core.errors import ConfigError
from segdepth.core.files import write_json, write_text
from segdepth.core.provenance import provenance
from segdepth.runs.folders import next_beginning, read_config

from .precision import run_precision

__all__ = [
    "as_recorded",
    "create_run_folder",
    "folder_of",
    "record_config",
    "recorded_precision",
    "require_same_experiment",
]


def create_run_folder(root: Path, name: str, config: Config) -> Path:
    """A new folder ``root/name/<UTC time>`` that holds the configuration in force and where the run comes from."""
    begun = next_beginning(root / name).isoformat()
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    folder = root / name / stamp
    attempt = 1
    while True:
        try:
            folder.mkdir(parents=True)
            break
        except FileExistsError:  # two runs in one second
            attempt += 1
            folder = root / name / f"{stamp}-{attempt}"
    write_text(folder / "config.yaml", yaml.safe_dump(config_to_dict(config), sort_keys=False))
    write_json(folder / "provenance.json", provenance(config.seed) | {"begun": begun})
    return folder


def folder_of(checkpoint: Path) -> Path:
    """The folder of a checkpoint's run."""
    return checkpoint.parent.parent if checkpoint.parent.name == "checkpoints" else checkpoint.parent


#: What may not change when a run goes on, or it would be another experiment in the same folder.
_FIXED = ("model", "task", "seed", "training.batch_size", "training.loss", "training.optimizer.name", "training.augmentations",
          "training.ema_decay")  # fmt: skip

#: What of the data may: where it is, and how it is read.
_FREE = {"path", "cache", "skip_bad", "allow_missing", "test_split"}


def require_same_experiment(folder: Path, config: Config) -> None:
    """Refuse to go on with another experiment.

    Raises:
        ConfigError: naming the key that differs, its value in the run and the one asked for.
    """
    if not (folder / "config.yaml").is_file():
        return  # a checkpoint that was copied out of its folder
    before, now = read_config(folder), config_to_dict(config)
    data = before.get("data")
    keys = [f"data.{key}" for key in {**(data if isinstance(data, dict) else {}), **now["data"]} if key not in _FREE]
    for key in [*_FIXED, *keys]:
        was, asked = _value(before, key), _value(now, key)
        if was != asked or _order(was) != _order(asked):
            raise ConfigError(
                f"training.resume: {key} is {asked!r}, but the run in {str(folder)!r} has {was!r}; "
                "a run goes on with what it was begun with. To start anew from its weights, use training.init_from"
            )


def record_config(folder: Path, config: Config) -> None:
    """Keep what is new in a run that goes on in its ``config.yaml``, if it has one."""
    if (folder / "config.yaml").is_file():
        write_text(folder / "config.yaml", yaml.safe_dump(config_to_dict(config), sort_keys=False))


def recorded_precision(folder: Path) -> str | None:
    """The precision that a run computes in; None of a folder without a record."""
    if not (folder / "config.yaml").is_file():
        return None
    recorded = _value(read_config(folder), "training.precision")
    return recorded if isinstance(recorded, str) else None


def as_recorded(wanted: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration's values as the run of ``record`` would have recorded them: ``auto`` as the precision it became.

    Who asks whether a run is of a configuration compares its record with this.
    """
    training = dict(wanted["training"])
    recorded = str(_value(record, "training.precision"))
    return {**wanted, "training": training | {"precision": run_precision(training["precision"], recorded)}}


def _order(value: Any) -> list[Any]:
    """Augmentations are applied in the order of the file."""
    return list(value) if isinstance(value, Mapping) else []


def _value(values: Any, key: str) -> Any:
    for part in key.split("."):
        values = values.get(part) if isinstance(values, Mapping) else None
    return values
