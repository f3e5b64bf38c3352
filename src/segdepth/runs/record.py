"""What a run writes down when it begins: the configuration in force, and where it comes from."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from segdepth.core.errors import ConfigError, reason
from segdepth.core.files import write_json, write_text
from segdepth.core.provenance import provenance

from .layout import RunFolder, Stamp
from .order import next_beginning

__all__ = ["begin", "read_config", "value_of", "write_config"]


def begin(where: Path, config: Mapping[str, Any], seed: int) -> RunFolder:
    """A new folder in a folder of runs, named after the time, that holds the configuration and where the run comes from.

    Args:
        where: the folder of the configuration's runs.
        config: every value in force, as plain data.
        seed: of the run.
    """
    begun = next_beginning(where).isoformat()
    folder = _new_folder(where, Stamp.of(datetime.now(UTC)))
    write_config(folder, config)
    write_json(folder.provenance, provenance(seed) | {"begun": begun})
    return folder


def _new_folder(where: Path, stamp: Stamp) -> RunFolder:
    while True:
        folder = RunFolder(where / str(stamp))
        try:
            folder.path.mkdir(parents=True)
        except FileExistsError:  # two runs in one second
            stamp = stamp.following()
        else:
            return folder


def write_config(folder: RunFolder, config: Mapping[str, Any]) -> None:
    """Write down the configuration in force, plain data, whole or not at all."""
    write_text(folder.config, yaml.safe_dump(dict(config), sort_keys=False))


def read_config(folder: RunFolder) -> dict[str, Any]:
    """The configuration in force of a run, as plain data.

    Raises:
        ConfigError: if its file is broken, or nothing that a run writes.
        OSError: if it is not there, or cannot be read.
    """
    file = folder.config
    data = file.read_bytes()
    try:
        values = yaml.safe_load(data.decode())
        json.dumps(values, default=str)  # nothing in a ring, and names that are names
    except Exception as error:  # the reader of YAML raises whatever it stumbles on
        raise ConfigError(f"{str(file)!r} is no configuration of a run ({reason(error)})") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{str(file)!r} is no configuration of a run")
    return values


def value_of(config: Any, key: str) -> Any:
    """The value of a dotted key in a nested configuration; None if there is none.

    Example:
        >>> value_of({"training": {"loss": {"name": "huber"}}}, "training.loss.name")
        'huber'
    """
    for part in key.split("."):
        config = config.get(part) if isinstance(config, Mapping) else None
    return config
