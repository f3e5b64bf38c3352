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

__all__ = ["create_run_folder", "require_same_experiment"]


def create_run_folder(root: Path, name: str, config: Config) -> Path:
    """A new folder ``root/name/<UTC time>`` that holds the configuration in force and where the run comes from."""
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
    write_json(folder / "provenance.json", provenance(config.seed))
    return folder


#: What may not change when a run goes on, or it would be another experiment in the same folder.
_FIXED = ("model", "task", "data.dataset", "data.img_rows", "data.img_cols", "data.train_split", "seed",
          "training.batch_size", "training.loss", "training.optimizer.name", "training.augmentations",
          "training.ema_decay")  # fmt: skip


def require_same_experiment(folder: Path, config: Config) -> None:
    """Refuse to go on with another experiment; keep the record of what else is new in ``config.yaml``.

    Raises:
        ConfigError: naming the key that differs, its value in the run and the one asked for.
    """
    record = folder / "config.yaml"
    if not record.is_file():
        return  # a checkpoint that was copied out of its folder
    before, now = yaml.safe_load(record.read_text()), config_to_dict(config)
    for key in _FIXED:
        was, asked = _value(before, key), _value(now, key)
        if was != asked:
            raise ConfigError(
                f"training.resume: {key} is {asked!r}, but the run in {str(folder)!r} has {was!r}; "
                "a run goes on with what it was begun with. To start anew from its weights, use training.init_from"
            )
    write_text(record, yaml.safe_dump(now, sort_keys=False))


def _value(values: Any, key: str) -> Any:
    for part in key.split("."):
        values = values.get(part) if isinstance(values, Mapping) else None
    return values
