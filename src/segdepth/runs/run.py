"""Runs on disk as plain data: what was trained, how far it came, how it scored, and what is wrong with its files.

Nothing here imports torch or needs a run to be whole: a file that is missing or broken is a sentence in
:attr:`Run.problems`, and the rest is read.
"""

import json
import math
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError, safe_open

from segdepth.core.errors import ConfigError, InputError, reason
from segdepth.core.tables import did_you_mean
from segdepth.runs.folders import Beginning, beginning, checkpoints, is_stamp, read_config

__all__ = [
    "TASK_SCORES",
    "Best",
    "Comparison",
    "Run",
    "TaskScores",
    "compare",
    "find_run",
    "find_runs",
    "read_run",
    "shown",
    "sorted_runs",
]


class TaskScores(NamedTuple):
    """The scores of a task that a summary shows; the first decides which checkpoint is the best."""

    names: tuple[str, ...]
    higher_is_better: bool


#: What the records in ``segdepth.tasks`` say, which need torch; a test compares them.
TASK_SCORES = {
    "seg": TaskScores(("mIoU", "mAcc", "aAcc", "FWIoU"), higher_is_better=True),
    "depth": TaskScores(("abs_rel", "sq_rel", "rmse", "rmse_log", "a1", "a2", "a3"), higher_is_better=False),
}

#: What a number of a log can be; a JSON may hold larger ones.
_LARGEST = sys.float_info.max

#: Any of these makes a folder a run.
_FILES = ("config.yaml", "log.jsonl", "provenance.json", "best.safetensors", "last.pt", "checkpoints")


class Best(NamedTuple):
    """The best validation.

    Attributes:
        score: its name.
        value: of that score.
        step: updates done then; None where only the checkpoint's card is left to tell.
        scores: all of that validation.
    """

    score: str
    value: float
    step: int | None
    scores: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Run:
    """What the files of a run say.

    Attributes:
        folder: where it is.
        name: its path below the folder of runs.
        config: the configuration in force, nested; empty if unknown.
        provenance: command, versions, git revision; empty if unknown.
        log: the good lines of ``log.jsonl``.
        card: of ``best.safetensors``; empty if there is none.
        checkpoint_step: of the newest checkpoint to go on from, by its name; 0 if there is none.
        problems: a sentence for each file that is missing or broken.
    """

    folder: Path
    name: str
    config: Mapping[str, Any]
    provenance: Mapping[str, Any]
    log: Sequence[Mapping[str, Any]]
    card: Mapping[str, Any]
    checkpoint_step: int
    problems: tuple[str, ...]

    def setting(self, key: str) -> Any:
        """The configuration's value of a dotted key; None if there is none."""
        value: Any = self.config
        for part in key.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return value

    @property
    def task(self) -> str | None:
        """Name of the task."""
        return _word(self.setting("task")) or _word(self.card.get("task"))

    @property
    def network(self) -> str | None:
        """Name of the network, with its kind where it has one: ``frrnA``."""
        arch = _word(self.setting("model.arch")) or _word(self.card.get("arch"))
        kind = _word(self.setting("model.model_type"))
        return f"{arch}{kind}" if arch and kind and not arch.endswith(kind) else arch

    @property
    def dataset(self) -> str | None:
        """Name of the data set."""
        return _word(self.setting("data.dataset"))

    @property
    def step(self) -> int:
        """Updates that are known to have been done."""
        logged: int = max((line["step"] for line in self.log), default=0)
        return max(self.checkpoint_step, logged)

    @property
    def train_iters(self) -> int | None:
        """Updates that were to be done."""
        return _count(self.setting("training.train_iters"))

    @property
    def state(self) -> str:
        """How it ended.

        ``finished``, ``finished early`` (no better score for long enough), ``not finite`` (a loss or a weight), ``stopped``
        (or still at work), ``unknown``.
        """
        if self.train_iters is None:
            return "unknown"
        if self.step >= self.train_iters:
            return "finished"
        if self._out_of_patience():
            return "finished early"
        return "not finite" if self._ended_in_a_nan() else "stopped"

    def _ended_in_a_nan(self) -> bool:
        """The state that was kept to look at is the last that was written."""
        kept, log = self.folder / "not-finite.pt", self.folder / "log.jsonl"
        return kept.is_file() and (not log.is_file() or kept.stat().st_mtime >= log.stat().st_mtime)

    def _out_of_patience(self) -> bool:
        patience, best = _count(self.setting("training.early_stop_patience")), self.best
        if patience is None or best is None or best.step is None:
            return False
        return sum(step > best.step for step, _ in self.validations) >= patience

    @property
    def validations(self) -> list[tuple[int, dict[str, float]]]:
        """Step and scores of every validation; scores that are undefined are left out."""
        return [(line["step"], _numbers(line)) for line in self.log if line["event"] == "validation"]

    @property
    def losses(self) -> list[tuple[int, float]]:
        """Step and training loss."""
        lines = ((line["step"], _numbers(line)) for line in self.log if line["event"] == "train")
        return [(step, values["train_loss"]) for step, values in lines if "train_loss" in values]

    @property
    def best(self) -> Best | None:
        """The best validation of the log, or else what the best checkpoint's card says; None if there is neither."""
        if self.task not in TASK_SCORES:
            return None
        (name, *_), higher = TASK_SCORES[self.task]
        found = [Best(name, scores[name], step, scores) for step, scores in self.validations if name in scores]
        if not found:
            scores = _numbers(_mapping(self.card.get("scores")))
            return Best(name, scores[name], None, scores) if name in scores else None
        return max(found, key=lambda best: best.value) if higher else min(found, key=lambda best: best.value)

    @property
    def started(self) -> datetime:
        """When the run began: as it says, as its folder is named, or when that was last written to."""
        said = {key: value for key, value in self.provenance.items() if key == "time"}  # of its clock, right or wrong
        return beginning(self.folder, said).time

    @property
    def place(self) -> Beginning:
        """In the order in which runs began."""
        return beginning(self.folder, self.provenance)

    @property
    def revision(self) -> str | None:
        """The git commit, short, with a ``+`` if files differed from it; None if unknown."""
        git = _mapping(self.provenance.get("git"))
        commit = _word(git.get("commit"))
        return commit[:8] + ("" if git.get("clean") else "+") if commit else None


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
    folders = [folder for folder in _run_folders(root) if _fits(str(folder.relative_to(root)), patterns)]
    return sorted_runs([read_run(folder, root) for folder in folders], "date")


def find_run(where: str, root: Path) -> Run:
    """The run that a user means: its folder, its name below ``root``, or the newest of a configuration's folder.

    Raises:
        InputError: if there is none.
    """
    for path in (Path(where), root / where):
        base = root if path.is_relative_to(root) else path.parent
        if path.is_dir() and _is_run(path):
            return read_run(path, base)
        if path.is_dir() and (below := list(_run_folders(path))):
            return sorted_runs([read_run(folder, base) for folder in below], "date")[0]
    names = [str(folder.relative_to(root)) for folder in _run_folders(root)] if root.is_dir() else []
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
    return run.task, -best.value if TASK_SCORES[run.task].higher_is_better else best.value


def _fits(name: str, patterns: Sequence[str]) -> bool:
    parts = (name, *Path(name).parts)
    return not patterns or any(fnmatchcase(part, pattern) for pattern in patterns for part in parts)


def _is_run(folder: Path) -> bool:
    return is_stamp(folder.name) or any((folder / name).exists() for name in _FILES)


def _run_folders(root: Path) -> Iterator[Path]:
    for folder, below, _ in os.walk(root):
        if _is_run(Path(folder)):
            below.clear()  # a run holds no runs
            yield Path(folder)


def read_run(folder: Path, root: Path) -> Run:
    """Whatever the files of a run say; what is wrong with them is in its problems.

    Args:
        folder: of the run.
        root: the folder of all runs, which the run's name is relative to.
    """
    problems: list[str] = []
    card = _read_card(folder / "best.safetensors", problems)
    config = _read_config(folder / "config.yaml", problems)
    return Run(
        folder=folder,
        name=str(folder.relative_to(root)) if folder != root else folder.name,
        config=config or _mapping(card.get("config")),
        provenance=_read_provenance(folder / "provenance.json", problems) or _mapping(card.get("provenance")),
        log=_read_log(folder / "log.jsonl", problems),
        card=card,
        checkpoint_step=max((int(file.stem) for file in checkpoints(folder)), default=0),
        problems=tuple(problems),
    )


def _read_config(file: Path, problems: list[str]) -> Mapping[str, Any]:
    if _read_text(file, problems) is None:
        return {}
    try:
        return read_config(file.parent)
    except ConfigError:
        problems.append(f"{file.name} is no configuration")
    return {}


def _read_provenance(file: Path, problems: list[str]) -> Mapping[str, Any]:
    text = _read_text(file, problems)
    try:
        provenance = None if text is None else json.loads(text)
    except (ValueError, RecursionError):
        provenance = None
    if text is not None and not isinstance(provenance, Mapping):
        problems.append(f"{file.name} is broken")
    return _mapping(provenance)


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
            return _mapping(json.loads((weights.metadata() or {})["segdepth"]))
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


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """The finite numbers among values."""
    return {
        name: float(value)
        for name, value in values.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST
    }


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs side by side; every row has one entry per run.

    Attributes:
        runs: as given.
        labels: short and different.
        config: dotted key -> values, where they differ; ``?`` for a run without a configuration.
        provenance: what may explain different numbers -> values, where they differ.
        scores: task -> (score, ``best`` or ``last``) -> values; None where a run has none.
    """

    runs: tuple[Run, ...]
    labels: tuple[str, ...]
    config: Mapping[str, tuple[str, ...]]
    provenance: Mapping[str, tuple[str, ...]]
    scores: Mapping[str, Mapping[tuple[str, str], tuple[float | None, ...]]]


def compare(runs: Sequence[Run]) -> Comparison:
    """What differs between runs, and how they scored."""
    tasks = [task for task in TASK_SCORES if any(run.task == task for run in runs)]
    return Comparison(
        runs=tuple(runs),
        labels=_labels(runs),
        config=_differences([_experiment(run.config) if run.config else None for run in runs]),
        provenance=_differences([_origin(run) if run.provenance else None for run in runs]),
        scores={task: _score_rows(runs, task) for task in tasks},
    )


def _labels(runs: Sequence[Run]) -> tuple[str, ...]:
    """The configurations' names where they differ; else what is different in the folders' paths, or with the time."""
    short = [str(Path(run.name).parent) if is_stamp(run.folder.name) else run.name for run in runs]
    if len(set(short)) == len(short) and "." not in short:
        return tuple(short)
    paths = [run.folder.absolute() for run in runs]
    parts = [(path.parent if is_stamp(path.name) else path).parts for path in paths]
    for length in range(1, max(map(len, parts)) + 1):
        ends = [part[-length:] for part in parts]
        if len(set(ends)) == len(ends):
            return tuple("/".join(end[: len(end) - _common_tail(ends)]) for end in ends)
    return tuple(run.name for run in runs)  # several runs of one configuration


def _common_tail(paths: Sequence[tuple[str, ...]]) -> int:
    """Number of parts at the end that all of several paths share."""
    columns = zip(*(reversed(path) for path in paths), strict=False)  # as far as the shortest goes
    return sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, columns))


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Dotted key -> value as text."""
    flat: dict[str, str] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = shown(value)
    return flat


def shown(value: Any) -> str:
    """A configuration's value as a file has it, in one line."""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _origin(run: Run) -> dict[str, str]:
    """What may explain that the same configuration gave other numbers."""
    values = {"git": run.revision or "", "python": run.provenance.get("python"), "host": run.provenance.get("host"),
              "machine": run.provenance.get("machine")}  # fmt: skip
    return {key: shown(value) for key, value in values.items()} | _flat(_mapping(run.provenance.get("versions")))


def _experiment(config: Mapping[str, Any]) -> dict[str, str]:
    """The configuration by dotted key, without where a run went on from, which is no part of it."""
    return {key: value for key, value in _flat(config).items() if key != "training.resume"}


def _differences(columns: Sequence[Mapping[str, str] | None]) -> dict[str, tuple[str, ...]]:
    """The rows in which the known columns differ, in the order of the keys; a key that is not there is empty."""
    known = [column for column in columns if column is not None]
    keys = dict.fromkeys(key for column in known for key in column)
    return {
        key: tuple("?" if column is None else column.get(key, "") for column in columns)
        for key in keys
        if len({column.get(key, "") for column in known}) > 1
    }


def _score_rows(runs: Sequence[Run], task: str) -> dict[tuple[str, str], tuple[float | None, ...]]:
    best = [run.best.scores if run.task == task and run.best else {} for run in runs]
    last = [run.validations[-1][1] if run.task == task and run.validations else {} for run in runs]
    return {
        (name, kind): tuple(scores.get(name) for scores in column)
        for name in TASK_SCORES[task].names
        for kind, column in (("best", best), ("last", last))
    }
