"""What differs between runs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from .plain import mapping
from .run import Run
from .tasks import TASK_FACTS

__all__ = ["Comparison", "compare", "shown"]


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

    def of(self, task: str) -> tuple[int, ...]:
        """Which of the runs are of a task: the others have none of its scores."""
        return tuple(number for number, run in enumerate(self.runs) if run.task == task)


def compare(runs: Sequence[Run]) -> Comparison:
    """What differs between runs, and how they scored."""
    tasks = [task for task in TASK_FACTS if any(run.task == task for run in runs)]
    return Comparison(
        runs=tuple(runs),
        labels=_labels(runs),
        config=_differences([_experiment(run.config) if run.config else None for run in runs]),
        provenance=_differences([_origin(run) if run.provenance else None for run in runs]),
        scores={task: _score_rows(runs, task) for task in tasks},
    )


def _labels(runs: Sequence[Run]) -> tuple[str, ...]:
    """The configurations' names where they differ; else what is different in the folders' paths, or with the time."""
    short = [str(run.below.parent) if run.folder.stamp else run.name for run in runs]
    if len(set(short)) == len(short) and "." not in short:
        return tuple(short)
    paths = [(run.folder.path.absolute(), run.folder.stamp) for run in runs]
    parts = [(path.parent if stamp else path).parts for path, stamp in paths]
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
    return {key: shown(value) for key, value in values.items()} | _flat(mapping(run.provenance.get("versions")))


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
        (name, which): tuple(scores.get(name) for scores in column)
        for name in TASK_FACTS[task].scores
        for which, column in (("best", best), ("last", last))
    }
