"""What a run writes down when it begins: the configuration in force, and where it comes from."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from segdepth.core.files import write_json, write_text
from segdepth.core.provenance import provenance
from segdepth.core.yaml_text import read_yaml

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
        ConfigError: if its file is not there, broken, or nothing that a run writes.
    """
    return read_yaml(folder.config, "the configuration of a run")


def value_of(config: Any, key: str) -> Any:
    """The value of a dotted key in a nested configuration; None if there is none.

    Example:
        >>> value_of({"training": {"loss": {"name": "huber"}}}, "training.loss.name")
        'huber'
    """
    for part in key.split("."):
        config = config.get(part) if isinstance(config, Mapping) else None
    return config
