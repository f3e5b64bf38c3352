"""Histograms of several networks over each other, drawn once and saved in any format."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from .figures import figure_files

__all__ = ["Look", "draw_histograms"]

#: From how many pictures on bars say more than points.
_FEWEST_FOR_BARS = 15
#: Letters that a figure has room for, in its title and in a line of its legend.
_TITLE, _LEGEND = 58, 66


class Look(NamedTuple):
    """How one of the histograms is shown.

    Attributes:
        title: in the legend.
        colour: as HTML has it.
    """

    title: str
    colour: str


def draw_histograms(
    means: Mapping[str, Float[ndarray, " n"]],
    looks: Mapping[str, Look],
    title: str,
    nulls: Mapping[str, float],
    *,
    axis: str,
    formats: tuple[str, ...] = ("png", "svg"),
) -> dict[str, bytes]:
    """Histograms of the pictures' means, all on the same bins; of few pictures, a point each.

    Args:
        means: side -> a mean per picture; nan is left out.
        looks: side -> how it is shown.
        title: of the statistic.
        nulls: null model -> its mean, drawn as a line where it lies near the pictures' range, and else noted.
        axis: title of the x axis, with its unit.
        formats: file endings.

    Returns:
        Format -> the file.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    known = {side: values[np.isfinite(values)] for side, values in means.items()}
    everything = np.concatenate(list(known.values()))
    as_points = max(map(len, known.values())) < _FEWEST_FOR_BARS
    edges = (
        np.histogram_bin_edges(everything, bins=min(24, max(8, len(everything) // 4)))
        if len(everything)
        else np.array([0, 1])
    )
    figure = Figure(figsize=(4.2, 3.1), layout="constrained")
    axes = figure.subplots()
    if as_points and len(means) == 2:  # a line joins a picture's two points
        axes.plot(np.stack(list(means.values())), [[0], [-1]], color="#cbd5e1", linewidth=0.7, zorder=0)
    for row, (side, values) in enumerate(known.items()):
        look: dict[str, Any] = {"color": looks[side].colour, "label": looks[side].title}
        if as_points:
            axes.plot(values, [-row] * len(values), "o", alpha=0.6, clip_on=False, **look)
        else:
            axes.hist(values, bins=edges.tolist(), alpha=0.5, **look)
        if len(values):
            axes.axvline(float(values.mean()), color=look["color"], linewidth=1.6)
    far = []
    for (name, value), style in zip(sorted(nulls.items()), ("--", ":", "-.") * len(nulls), strict=False):
        if len(everything) and _near(value, everything):
            axes.axvline(value, color="#475569", linewidth=1.2, linestyle=style, label=name)
        elif len(everything) and np.isfinite(value):
            far.append(f"{name} {value:.3g}")
    figure.suptitle(textwrap.fill(title, _TITLE), fontsize=9, x=0.02, ha="left")
    axes.set_xlabel("\n".join([axis, *_lines("beyond the axis:", far)]), fontsize=7)
    if as_points:
        axes.set_ylim(0.6 - len(known), 0.6)
        axes.set_yticks([])
        axes.set_ylabel("one point a picture", fontsize=8)
    else:
        axes.set_ylabel("pictures", fontsize=8)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.tick_params(labelsize=8)
    axes.ticklabel_format(axis="x", style="sci", scilimits=(-3, 4))
    axes.xaxis.get_offset_text().set_fontsize(8)
    axes.spines[["top", "right"]].set_visible(False)
    longest = max(map(len, axes.get_legend_handles_labels()[1]), default=0)
    columns = min(3, max(1, _LEGEND // max(1, longest)))
    figure.legend(
        loc="outside lower center", ncols=columns, fontsize=7, frameon=False, columnspacing=1.2, handlelength=1.6
    )
    return figure_files(figure, formats)


def _lines(first: str, entries: Sequence[str]) -> list[str]:
    """What there is, in lines that the figure has room for; broken between entries, not between a name and its number."""
    if not entries:
        return []
    whole = "; ".join(entry.replace(" ", "\xa0") for entry in entries)
    return [line.replace("\xa0", " ") for line in textwrap.wrap(f"{first} {whole}", _LEGEND, break_on_hyphens=False)]


def _near(value: float, values: Float[ndarray, " n"]) -> bool:
    """Whether a line at the value would leave the histograms readable."""
    low, high = float(values.min()), float(values.max())
    margin = 0.75 * (high - low)
    return low - margin <= value <= high + margin
