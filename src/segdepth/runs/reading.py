"""The files of a run, read. None has to be there, or whole: what is missing or broken is a sentence, and the rest is read."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from segdepth.core.errors import ConfigError, reason

from .layout import CARD_KEY, RunFolder
from .plain import mapping
from .record import read_config
from .run import Run

__all__ = ["read_log", "read_run"]


def read_run(folder: RunFolder, root: Path) -> Run:
    """Whatever the files of a run say; what is wrong with them is in its problems.

    Args:
        folder: of the run.
        root: the folder of all runs, which the run's name is relative to.
    """
    problems: list[str] = []
    card = _read_card(folder.best, problems)
    config = _read_config(folder, problems)
    return Run(
        folder=folder,
        below=folder.path.relative_to(root) if folder.path != root else Path(folder.path.name),
        config=config or mapping(card.get("config")),
        provenance=_read_provenance(folder.provenance, problems) or mapping(card.get("provenance")),
        log=_read_log(folder.log, problems),
        card=card,
        checkpoint_step=max((checkpoint.step for checkpoint in folder.checkpoints()), default=0),
        problems=tuple(problems),
    )


def read_log(folder: RunFolder) -> list[Mapping[str, Any]]:
    """The good lines of a run's log, which may be written to at this moment; none where there is no log."""
    return _read_log(folder.log, [])


def _read_config(folder: RunFolder, problems: list[str]) -> Mapping[str, Any]:
    if _read_text(folder.config, problems) is None:
        return {}
    try:
        return read_config(folder)
    except ConfigError:
        problems.append(f"{folder.config.name} is no configuration")
    return {}


def _read_provenance(file: Path, problems: list[str]) -> Mapping[str, Any]:
    text = _read_text(file, problems)
    try:
        provenance = None if text is None else json.loads(text)
    except (ValueError, RecursionError):
        provenance = None
    if text is not None and not isinstance(provenance, Mapping):
        problems.append(f"{file.name} is broken")
    return mapping(provenance)


def _read_log(file: Path, problems: list[str]) -> list[Mapping[str, Any]]:
    lines = (_read_text(file, problems) or "").splitlines()
    good = [line for line in map(_log_line, lines) if line is not None]
    if len(good) < len(lines):
        first = next(number for number, line in enumerate(lines, 1) if _log_line(line) is None)
        problems.append(f"{file.name}: {len(lines) - len(good)} of {len(lines)} lines are broken, the first is {first}")
    return good


def _log_line(text: str) -> Mapping[str, Any] | None:
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):  # cut off by a kill, or damaged
        return None
    whole = isinstance(line, Mapping) and isinstance(line.get("event"), str) and type(line.get("step")) is int
    return line if whole else None


def _read_card(file: Path, problems: list[str]) -> Mapping[str, Any]:
    if not file.exists():
        problems.append(f"no {file.name}")
        return {}
    try:
        with safe_open(file, framework="numpy") as weights:
            return mapping(json.loads((weights.metadata() or {})[CARD_KEY]))
    except (SafetensorError, OSError, ValueError, KeyError, RecursionError) as error:
        problems.append(f"{file.name} is broken ({reason(error)})")
        return {}


def _read_text(file: Path, problems: list[str]) -> str | None:
    try:
        return file.read_text()
    except FileNotFoundError:
        problems.append(f"no {file.name}")
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{file.name} cannot be read ({reason(error)})")
    return None
