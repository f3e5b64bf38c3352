"""A data set that is named on the command line (``--dataset``), with its options among the overrides (``data.raw_path=...``)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segdepth.config import DataSection, apply_overrides
from segdepth.core.errors import ConfigError

__all__ = ["NamedData", "named_data"]


@dataclass(frozen=True)
class NamedData:
    """What overrides say about a data set that is not the configuration's.

    Attributes:
        path: ``data.path``.
        options: the reader's own.
        section: what every data set has (``skip_bad``, ``val_split``, ...).
        others: the overrides for a configuration: all but ``data.path`` and the reader's options.
    """

    path: Path | None
    options: dict[str, Any]
    section: dict[str, Any]
    others: list[str]


def named_data(overrides: Sequence[str]) -> NamedData:
    """Sort overrides into those of the named data set and the others.

    Raises:
        ConfigError: if one is no ``key=value``, or ``data.skip_bad`` is neither true nor false.
    """
    about = [override for override in overrides if override.startswith("data.")]
    given = apply_overrides({}, about).get("data", {})
    section = {key: value for key, value in given.items() if key in DataSection.model_fields}
    options = {key: value for key, value in given.items() if key not in section}
    if not isinstance(section.get("skip_bad", False), bool):
        raise ConfigError(f"data.skip_bad must be true or false, not {section['skip_bad']!r}")
    path = section.pop("path", None)
    its_own = {f"data.{key}" for key in (*options, "path")}
    others = [override for override in overrides if override.partition("=")[0] not in its_own]
    return NamedData(None if path is None else Path(str(path)), options, section, others)
