"""What ``segdepth evaluate`` prints and writes: scores, and the card that says how they were taken."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from segdepth.core.files import write_json
from segdepth.core.provenance import provenance
from segdepth.core.words import counted
from segdepth.evaluation.scoring import Evaluation
from segdepth.evaluation.service import Answerer, Scored
from segdepth.metrics import by_class

from .console import score_table

__all__ = ["print_report", "write_report"]

_NAMED = 5

Rows = Mapping[str, Mapping[str, float | None]]


def score_rows(answerer: Answerer, results: Sequence[Scored], baselines: Rows) -> dict[str, Mapping[str, float | None]]:
    """Scores by the answerer's name, or by the protocol's where there are several."""
    evaluations = {name: one for scored in results for name, one in scored.evaluations.items()}
    several = len(evaluations) > 1
    return {name if several else answerer.label: one.scores for name, one in evaluations.items()} | dict(baselines)


def print_report(out: Console, answerer: Answerer, results: Sequence[Scored], baselines: Rows) -> None:
    """Tables of scores, of classes and other parts, and the protocol's card."""
    rows = score_rows(answerer, results, baselines)
    dataset = results[-1].dataset
    out.print(f"{answerer.where}, {counted(len(dataset), 'image')} of {dataset.split!r}", soft_wrap=True)
    first = results[0]
    evaluation = next(iter(first.evaluations.values()))
    out.print(score_table(rows, (*answerer.task.table_scores, *evaluation.beside), title=""))
    for score, classes in by_class(evaluation.scores).items():
        out.print(score_table({name: {score: value} for name, value in classes.items()}, (score,), title=""))
    for table in first.tables.values():
        out.print(score_table(table.rows, table.columns, title=table.title))
    for scored in results:
        for evaluation in scored.evaluations.values():
            out.print(card(evaluation), soft_wrap=True)
        for file in scored.worst:
            out.print(f"  {file}", soft_wrap=True)


def card(evaluation: Evaluation) -> str:
    """A protocol in a sentence or two."""
    protocol = evaluation.protocol
    text = (
        f"protocol {protocol['name']}: {protocol['answers']}; {protocol['files_expected']} files expected,"
        f" {protocol['files_found']} found, {protocol['files_scored']} scored; {protocol['resize']}; averaged"
        f" {protocol['average']}; truth: {protocol['ground_truth']}"
    )
    text += f"; {evaluation.words}" if evaluation.words else ""
    text += f"; {protocol['classes']}{_unmapped(protocol['class_map'])}" if "classes" in protocol else ""
    text += _missing("missing", protocol["files_missing"])
    return text + _missing("without a prediction", protocol.get("predictions_missing", ()))


def _unmapped(names: Mapping[str, str | None]) -> str:
    """What of a network's classes is none of the data set's."""
    absent = [name for name, meant in names.items() if meant is None]
    return f" (never right: {', '.join(absent)})" if absent else ""


def _missing(what: str, names: Sequence[str]) -> str:
    """A line with the first names; the report has all of them."""
    if not names:
        return ""
    more = f", ... ({len(names)}; --out writes all of them)" if len(names) > _NAMED else ""
    return f"\n{what}: {', '.join(names[:_NAMED])}{more}"


def write_report(path: Path, answerer: Answerer, results: Sequence[Scored], baselines: Rows, seed: int | None) -> None:
    """All of it as JSON."""
    evaluations = {name: one for scored in results for name, one in scored.evaluations.items()}
    first = results[0]
    report: dict[str, Any] = {
        "checkpoint": str(answerer.where),
        "protocol": next(iter(evaluations.values())).protocol,
        "scores": score_rows(answerer, results, baselines),
        "protocols": {one.protocol["name"]: one.protocol for one in evaluations.values()},
        "images": first.pictures,
        "worst": [str(file) for file in first.worst],
        "provenance": provenance(seed),
    }
    write_json(path, _finite(report | {name: table.rows for name, table in first.tables.items()}))


def _finite(value: Any) -> Any:
    """The same values, with None for scores that are no number, as those of a network whose answers are none."""
    if isinstance(value, Mapping):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
