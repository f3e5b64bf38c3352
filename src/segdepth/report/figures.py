"""Figures as files that are the same whenever they are drawn."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segdepth.core.files import write_bytes
from segdepth.runs import TASK_FACTS

from .page import image_uri

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["curves", "figure_files", "save_figure"]


def figure_files(figure: "Figure", formats: Sequence[str], *, dpi: int = 150) -> dict[str, bytes]:
    """A figure as files, without a date and without random names.

    Args:
        figure: drawn.
        formats: file endings, "png" or "svg".
        dpi: of the former.

    Returns:
        Format -> the file.
    """
    import matplotlib as mpl

    files = {}
    with mpl.rc_context({"svg.hashsalt": "segdepth"}):
        for ending in formats:
            buffer = io.BytesIO()
            metadata = {"Date": None} if ending == "svg" else None
            figure.savefig(buffer, format=ending, dpi=dpi, metadata=metadata)
            files[ending] = buffer.getvalue()
    return files


def save_figure(files: Mapping[str, bytes], folder: Path, stem: str) -> str:
    """Save a figure in each of its formats; returns a page's copy of it.

    Args:
        files: format -> the file; with a PNG.
        folder: made if need be.
        stem: of the files' names.
    """
    for ending, content in files.items():
        write_bytes(folder / f"{stem}.{ending}", content)
    return image_uri(files["png"])


def curves(log: Sequence[Mapping[str, Any]], score: str, task: str) -> str:
    """Training loss and validation score over the iterations, as a PNG data URI.

    Args:
        log: a run's JSON lines.
        score: name of the validation score.
        task: its name, which decides the colour.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 2.5), layout="constrained")
    loss_axes, score_axes = figure.subplots(1, 2)
    training = [(line["step"], line["train_loss"]) for line in log if line["event"] == "train"]
    validation = [
        (line["step"], line[score]) for line in log if line["event"] == "validation" and line[score] is not None
    ]
    colour = TASK_FACTS[task].colour
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
    return image_uri(figure_files(figure, ("png",))["png"])
