"""The files of a run, read. None has to be there, or whole: what is missing or broken is a sentence, and the rest is read."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from segdepth.core.errors import SegdepthError
from segdepth.core.reading import parse_json, read_json, read_json_lines
from segdepth.core.weights import read_words

from .layout import CARD_KEY, RunFolder
from .plain import mapping
from .record import read_config
from .run import Run

__all__ = ["read_log", "read_run"]

S = TypeVar("S")
T = TypeVar("T")


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
    return _told(folder.config, read_config, folder, problems) or {}


def _read_provenance(file: Path, problems: list[str]) -> Mapping[str, Any]:
    return _told(file, partial(read_json, what="where a run comes from"), file, problems) or {}


def _read_log(file: Path, problems: list[str]) -> list[Mapping[str, Any]]:
    lines = [one if _is_whole(one) else None for one in _told(file, read_json_lines, file, problems) or []]
    good = [line for line in lines if line is not None]
    if len(good) < len(lines):
        first = lines.index(None) + 1
        problems.append(f"{file.name}: {len(lines) - len(good)} of {len(lines)} lines are broken, the first is {first}")
    return good


def _is_whole(line: Mapping[str, Any] | None) -> bool:
    return line is not None and isinstance(line.get("event"), str) and type(line.get("step")) is int


def _read_card(file: Path, problems: list[str]) -> Mapping[str, Any]:
    words = _told(file, read_words, file, problems)
    if words is None:
        return {}
    return mapping(_told(file, partial(parse_json, where=file.name), words.get(CARD_KEY, ""), problems))


def _told(file: Path, read: Callable[[S], T], source: S, problems: list[str]) -> T | None:
    """What one of a run's files says; None where it is missing or broken, which is noted."""
    try:
        return read(source)
    except SegdepthError as error:
        said = str(error).replace(str(file), file.name)
        problems.append(f"{file.name} is broken ({said})" if file.exists() else f"no {file.name}")
        return None
