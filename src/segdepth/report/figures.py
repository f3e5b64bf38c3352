"""Figures as data URIs."""

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["curves"]

#: Colour of a task, everywhere in the reports: the published histograms' convention.
TASK_COLOURS = {"seg": "#c2410c", "depth": "#1d4ed8"}


def curves(log: Sequence[Mapping[str, Any]], score: str, task: str) -> str:
    """Training loss and validation score over the iterations, as a PNG data URI.

    Args:
        log: a run's JSON lines.
        score: name of the validation score.
        task: decides the colour.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 2.5), layout="constrained")
    loss_axes, score_axes = figure.subplots(1, 2)
    training = [(line["step"], line["train_loss"]) for line in log if line["event"] == "train"]
    validation = [
        (line["step"], line[score]) for line in log if line["event"] == "validation" and line[score] is not None
    ]
    colour = TASK_COLOURS.get(task, "#334155")
    loss_axes.plot([s for s, _ in training], [v for _, v in training], color=colour, linewidth=1.2)
    score_axes.plot(
        [s for s, _ in validation], [v for _, v in validation], color=colour, marker="o", markersize=4, linewidth=1.2
    )
    score_axes.set_ylim(0, 1.08 * max((value for _, value in validation), default=1.0))
    for axes, title in ((loss_axes, "training loss"), (score_axes, f"validation {score}")):
        axes.set_title(title, fontsize=9, loc="left")
        axes.set_xlabel("iteration", fontsize=8)
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
