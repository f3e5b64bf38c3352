"""What may change in a run when it goes on."""

from collections.abc import Mapping
from typing import Any

from segdepth.config import Config, config_to_dict
from segdepth.core.errors import ConfigError
from segdepth.runs import RunFolder, read_config, value_of, write_config

from .precision import run_precision

__all__ = ["as_recorded", "record_config", "recorded_precision", "require_same_experiment"]


#: What may not change when a run goes on, or it would be another experiment in the same folder.
_FIXED = ("model", "task", "seed", "training.batch_size", "training.loss", "training.optimizer.name", "training.augmentations",
          "training.ema_decay")  # fmt: skip

#: What of the data may: where it is, and how it is read.
_FREE = {"path", "cache", "skip_bad", "allow_missing", "test_split"}


def require_same_experiment(folder: RunFolder, config: Config) -> None:
    """Refuse to go on with another experiment.

    Raises:
        ConfigError: naming the key that differs, its value in the run and the one asked for.
    """
    if not folder.config.is_file():
        return  # a checkpoint that was copied out of its folder
    before, now = read_config(folder), config_to_dict(config)
    data = before.get("data")
    keys = [f"data.{key}" for key in {**(data if isinstance(data, dict) else {}), **now["data"]} if key not in _FREE]
    for key in [*_FIXED, *keys]:
        was, asked = value_of(before, key), value_of(now, key)
        if was != asked or _order(was) != _order(asked):
            key, was, asked = _innermost(key, was, asked)
            raise ConfigError(
                f"training.resume: {key} is {asked!r}, but the run in {str(folder)!r} has {was!r}; "
                "a run goes on with what it was begun with. To start anew from its weights, use training.init_from"
            )


def _innermost(key: str, was: Any, asked: Any) -> tuple[str, Any, Any]:
    """The first value inside a section that differs; the section where it is none, or its keys are others."""
    if isinstance(was, dict) and isinstance(asked, dict) and was.keys() == asked.keys():
        for name in was:
            if was[name] != asked[name]:
                return _innermost(f"{key}.{name}", was[name], asked[name])
    return key, was, asked


def record_config(folder: RunFolder, config: Config) -> None:
    """Keep what is new in a run that goes on in its record, if it has one."""
    if folder.config.is_file():
        write_config(folder, config_to_dict(config))


def recorded_precision(folder: RunFolder) -> str | None:
    """The precision that a run computes in; None of a folder without a record."""
    if not folder.config.is_file():
        return None
    recorded = value_of(read_config(folder), "training.precision")
    return recorded if isinstance(recorded, str) else None


def as_recorded(wanted: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration's values as the run of ``record`` would have recorded them: ``auto`` as the precision it became.

    Who asks whether a run is of a configuration compares its record with this.
    """
    training = dict(wanted["training"])
    recorded = str(value_of(record, "training.precision"))
    return {**wanted, "training": training | {"precision": run_precision(training["precision"], recorded)}}


def _order(value: Any) -> list[Any]:
    """Augmentations are applied in the order of the file."""
    return list(value) if isinstance(value, Mapping) else []
