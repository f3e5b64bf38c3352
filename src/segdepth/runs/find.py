"""Which runs there are, which one a user means, and in which order they are listed."""

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from segdepth.core.errors import InputError
from segdepth.core.tables import did_you_mean

from .layout import RunFolder
from .reading import read_run
from .run import Run
from .tasks import TASK_FACTS

__all__ = ["find_run", "find_runs", "sorted_runs"]


def find_runs(root: Path, patterns: Sequence[str] = ()) -> list[Run]:
    """Every run below a folder, the newest first.

    Args:
        root: the folder of all runs.
        patterns: globs of names, or of parts of their paths; a run that fits any is taken. None: all.

    Raises:
        InputError: if there is no such folder.
    """
    if not root.is_dir():
        raise InputError(f"there is no folder of runs {str(root)!r}; name one with --runs")
    folders = [folder for folder in _run_folders(root) if _fits(folder.path.relative_to(root), patterns)]
    return sorted_runs([read_run(folder, root) for folder in folders], "date")


def find_run(where: str, root: Path) -> Run:
    """The run that a user means: its folder, its name below ``root``, or the newest of a configuration's folder.

    Raises:
        InputError: if there is none.
    """
    for path in (Path(where), root / where):
        base = root if path.is_relative_to(root) else path.parent
        if path.is_dir() and RunFolder(path).has_traces():
            return read_run(RunFolder(path), base)
        if path.is_dir() and (below := list(_run_folders(path))):
            return sorted_runs([read_run(folder, base) for folder in below], "date")[0]
    names = [str(folder.path.relative_to(root)) for folder in _run_folders(root)] if root.is_dir() else []
    raise InputError(f"there is no run {where!r} in {str(root)!r} {did_you_mean(where, names)}")


def sorted_runs(runs: Iterable[Run], by: str) -> list[Run]:
    """Runs in order.

    Args:
        runs: in any order.
        by: ``date``: the newest first; ``name``; ``score``: by task, the best first, those without a score last.
    """
    newest_first = sorted(runs, key=lambda run: (run.place, run.name), reverse=True)
    if by == "name":
        return sorted(newest_first, key=lambda run: run.name)
    return sorted(newest_first, key=_rank) if by == "score" else newest_first


def _rank(run: Run) -> tuple[str, float]:
    best = run.best
    if best is None or run.task is None:
        return run.task or "~", math.inf
    return run.task, -best.value if TASK_FACTS[run.task].higher_is_better(best.score) else best.value


def _fits(below: Path, patterns: Sequence[str]) -> bool:
    parts = (str(below), *below.parts)
    return not patterns or any(fnmatchcase(part, pattern) for pattern in patterns for part in parts)


def _run_folders(root: Path) -> Iterator[RunFolder]:
    for path, below, _ in os.walk(root):
        folder = RunFolder(Path(path))
        if folder.has_traces():
            below.clear()  # a run holds no runs
            yield folder
