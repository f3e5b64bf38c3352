"""Runs side by side: one picture of their curves, and one HTML page with that and the tables."""

import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segdepth.core.errors import InputError
from segdepth.core.files import write_bytes
from segdepth.runs import TASK_FACTS, Comparison, Run

from .figures import figure_files
from .page import image_uri, write_page

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_curves", "write_comparison"]

#: Told apart with any colour vision. Source: Okabe and Ito 2008, "Color universal design".
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#6b7280")
_STYLES = ("-", "--", ":", "-.")

#: Losses that span more than this are drawn on a logarithmic axis.
_WIDE = 30

#: What a line of the legend has room for, characters, and what of that an entry's drawn line and its gaps take.
_LEGEND_CHARACTERS, _LEGEND_LINE = 130, 9

#: How far the axis of a score goes on above the highest: a star's half, and then some.
_HEADROOM = 0.08


def write_comparison(comparison: Comparison, path: Path) -> None:
    """Write the page (``.html``), or its picture alone (``.png``, ``.svg``).

    Raises:
        InputError: if the ending is another.
    """
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise InputError(f"--out {str(path)!r} must end in {', '.join(_WRITERS)}")
    writer(comparison, path)


def draw_curves(comparison: Comparison, ending: str) -> bytes:
    """Training loss, and the score that decides of each task, over the updates; every run in its own colour.

    Args:
        comparison: of the runs.
        ending: "png" or "svg".
    """
    return figure_files(_figure(comparison), (ending,))[ending]


def _figure(comparison: Comparison) -> "Figure":
    """A row for each task: its runs' losses, and their scores."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    tasks = list(dict.fromkeys(run.task for run in comparison.runs))
    legend_columns = _legend_columns(comparison.labels)
    labels = [textwrap.fill(label, _LEGEND_CHARACTERS - _LEGEND_LINE) for label in comparison.labels]
    legend_rows = -(-sum(1 + label.count("\n") for label in labels) // legend_columns)
    apart = ConstrainedLayoutEngine(h_pad=0.1)  # a row's titles from the axes above
    figure = Figure(figsize=(10, 3.0 * len(tasks) + 0.25 * legend_rows), layout=apart)
    grid = figure.subplots(len(tasks), 2, squeeze=False)
    for task, (loss_axes, score_axes) in zip(tasks, grid, strict=True):
        members = [(run, _look(number)) for number, run in enumerate(comparison.runs) if run.task == task]
        _draw_losses(members, loss_axes)
        _draw_scores(members, task, score_axes)
    for axes in grid.flat:
        axes.set_xlabel("updates", fontsize=8)
        axes.set_xlim(left=0)
        axes.tick_params(labelsize=8, which="both")
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
    handles = [grid[0, 0].plot([], [], label=label, **_look(k))[0] for k, label in enumerate(labels)]
    figure.legend(handles=handles, loc="outside lower center", ncols=legend_columns, fontsize=8, frameon=False)
    return figure


def _legend_columns(labels: Sequence[str]) -> int:
    """As many entries beside each other as the longest of them leaves room for."""
    return min(len(labels), max(1, _LEGEND_CHARACTERS // (max(map(len, labels)) + _LEGEND_LINE)))


def _look(number: int) -> dict[str, Any]:
    return {"color": _COLOURS[number % len(_COLOURS)], "linestyle": _STYLES[number // len(_COLOURS) % len(_STYLES)]}


def _draw_losses(members: Sequence[tuple[Run, dict[str, Any]]], axes: "Axes") -> None:
    values: list[float] = []
    for run, look in members:
        losses = [loss for _, loss in run.losses]
        values += losses
        axes.plot([step for step, _ in run.losses], losses, linewidth=1.3,
                  marker="." if len(losses) == 1 else None, **look)  # fmt: skip
    if values and 0 < _WIDE * min(values) < max(values):
        axes.set_yscale("log")
    names = sorted({run.setting("training.loss.name") or "unknown" for run, _ in members})
    axes.set_title(f"training loss: {', '.join(names)}", fontsize=9, loc="left")


def _draw_scores(members: Sequence[tuple[Run, dict[str, Any]]], task: str | None, axes: "Axes") -> None:
    facts = TASK_FACTS.get(task or "")
    if facts is None:
        axes.set_title("validation: task unknown", fontsize=9, loc="left")
        return
    name = facts.best_score
    highest = 0.0
    for run, look in members:
        points = [(step, scores[name]) for step, scores in run.validations if name in scores]
        highest = max([highest, *(value for _, value in points)])
        axes.plot([step for step, _ in points], [value for _, value in points], linewidth=1.3, marker="o",
                  markersize=3, **look)  # fmt: skip
        if run.best is not None and run.best.step is not None:
            axes.plot(run.best.step, run.best.value, marker="*", markersize=10, color=look["color"], clip_on=False,
                      zorder=3)  # fmt: skip
    axes.set_ylim(0, (1 + _HEADROOM) * highest or 1)
    better = "higher" if facts.higher_is_better(name) else "lower"
    axes.set_title(f"validation {name} ({better} is better; star: the best)", fontsize=9, loc="left")


def _write_page(comparison: Comparison, path: Path) -> None:
    colours = [_look(number)["color"] for number in range(len(comparison.runs))]
    values = {
        "c": comparison,
        "curves": image_uri(draw_curves(comparison, "png")),
        "colours": colours,
        "facts": TASK_FACTS,
    }
    write_page(path, "runs.html", values, {})


_WRITERS: dict[str, Callable[[Comparison, Path], None]] = {
    ".html": _write_page,
    ".png": lambda comparison, path: write_bytes(path, draw_curves(comparison, "png")),
    ".svg": lambda comparison, path: write_bytes(path, draw_curves(comparison, "svg")),
}
