"""What ``segdepth evaluate`` prints and writes: scores, and the card that says how they were taken."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from segdepth.core.files import write_json
from segdepth.core.provenance import provenance
from segdepth.data import Dataset
from segdepth.evaluation.scoring import Scored

from .console import score_table
from .evaluation_setup import Answerer

__all__ = ["print_report", "write_report"]

_NAMED = 5

Rows = Mapping[str, Mapping[str, float | None]]


def score_rows(answerer: Answerer, results: Sequence[Scored], baselines: Rows) -> dict[str, Mapping[str, float | None]]:
    """Scores by the answerer's name, or by the protocol's where there are several."""
    evaluations = {name: one for scored in results for name, one in scored.evaluations.items()}
    several = len(evaluations) > 1
    return {name if several else answerer.label: one.scores for name, one in evaluations.items()} | dict(baselines)


def print_report(
    out: Console, answerer: Answerer, dataset: Dataset, results: Sequence[Scored], baselines: Rows
) -> None:
    """Tables of scores, classes and distance bands, and the protocol's card."""
    rows = score_rows(answerer, results, baselines)
    task = answerer.task
    out.print(f"{answerer.where}, {len(dataset)} images of {dataset.split!r}", soft_wrap=True)
    out.print(score_table(rows, task.table_scores, title=""))
    first = next(iter(results[0].evaluations.values()))
    classes = {name.removeprefix("IoU."): {"IoU": v} for name, v in first.scores.items() if name.startswith("IoU.")}
    if classes:
        out.print(score_table(classes, ("IoU",), title=""))
    if task.target == "depth":
        out.print(
            score_table(
                results[0].detail.bands(), ("pixels", "abs_rel", "rmse", "bias"), title="by distance, all pixels"
            )
        )
    for scored in results:
        for evaluation in scored.evaluations.values():
            out.print(card(evaluation.protocol), soft_wrap=True)
        for file in scored.worst:
            out.print(f"  {file}", soft_wrap=True)


def card(protocol: Mapping[str, Any]) -> str:
    """A protocol in a sentence or two."""
    text = (
        f"protocol {protocol['name']}: {protocol['files_expected']} files expected, {protocol['files_found']} found,"
        f" {protocol['files_scored']} scored; {protocol['resize']}; averaged {protocol['average']}"
    )
    if "ground_truth" in protocol:
        text += (
            f"; truth: {protocol['ground_truth']}; crop {protocol['crop']}, {protocol['min_depth_m']:g}-"
            f"{protocol['max_depth_m']:g} m, scaling {protocol['scaling']}, {protocol['clip']}"
        )
    text += _missing("missing", protocol["files_missing"])
    return text + _missing("without a prediction", protocol.get("predictions_missing", ()))


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
        "images": first.detail.pictures,
        "worst": [str(file) for file in first.worst],
        "provenance": provenance(seed),
    }
    if answerer.task.target == "depth":
        report["bands"] = first.detail.bands()
    write_json(path, report)
