"""The saliency study's page: a table per network or pair, histograms, null models, strata; CSV and figures beside it."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from segdepth.core.provenance import provenance
from segdepth.core.words import counted
from segdepth.runs import TASK_FACTS
from segdepth.studies.analysis import EVERYWHERE, Analysis, Comparison, Measured, NullModel
from segdepth.studies.columns import Column
from segdepth.studies.pairing import CLAIM, Group, GroupName
from segdepth.studies.statistics import FEWEST

from .analysis_tables import write_tables
from .figures import save_figure
from .histograms import Look, draw_histograms
from .page import write_page

__all__ = ["null_label", "statistic_title", "write_analysis"]

_NAMES = {
    "activation_distance": "activation distance",
    "activation_ratio": "activation ratio",
    "iou": "IoU",
    "peak_distance": "peak distance",
    "mean_activation": "mean activation",
    "weighted_distance": "weighted distance",
    "effective_pixels": "effective pixels",
}

_DIAGONAL = "share of the window's diagonal"

#: Units of the statistics, for axes.
_UNITS = {
    "activation_distance": _DIAGONAL,
    "activation_ratio": "share of the window's pixels",
    "iou": "intersection over union",
    "peak_distance": _DIAGONAL,
    "mean_activation": "share of the largest value",
    "weighted_distance": _DIAGONAL,
    "effective_pixels": "number",
}

Cell = TypeVar("Cell", Comparison, Measured)

#: Colour of the second of two sides that are of one task.
_OTHER_COLOUR = "#7c3aed"

#: What the strata show: the two statistics of the claim, and the one without a threshold.
_IN_STRATA = (Column("activation_distance", 0.1), Column("activation_ratio", 0.1), Column("weighted_distance"))


def statistic_title(column: Column) -> str:
    """A statistic in words.

    Example:
        >>> statistic_title(Column("activation_distance", 0.1))
        'activation distance at 0.1'
    """
    name = _NAMES.get(column.measure, column.measure)
    return name if column.threshold is None else f"{name} at {column.threshold:g}"


def _unit(column: Column) -> str:
    """In words; empty where it is not known."""
    return _UNITS.get(column.measure, "")


def _axis_title(column: Column) -> str:
    unit = _unit(column)
    return statistic_title(column) + (f" ({unit})" if unit else "")


def write_analysis(analysis: Analysis, folder: Path) -> Path:
    """Write ``index.html``, the CSV tables and every figure as PNG and SVG; returns the page.

    Args:
        analysis: of the studies.
        folder: made if need be.
    """
    write_tables(analysis, folder)
    groups = (*analysis.pairs, *analysis.alone)
    looks = {group.name: _looks(group) for group in groups}
    everywhere = [m for m in analysis.measured if m.stratum == EVERYWHERE]
    values = {
        "a": analysis,
        "looks": looks,
        "heading": _heading(analysis),
        "below": _below(analysis),
        "counted_targets": _counted_targets(analysis),
        "label": null_label,
        "words": _words(analysis.pairs),
        "claim": [TASK_FACTS[task].title for task in CLAIM],
        "figures": {
            group.name: {column: _figure(analysis, group, column, folder / "figures") for column in group.means}
            for group in groups
        },
        "tables": {pair.name: [c for c in analysis.comparisons if c.pair == pair.name] for pair in analysis.pairs}
        | {one.name: [m for m in everywhere if m.group == one.name] for one in analysis.alone},
        "strata": {pair.name: _rows(pair.name, ((c.pair, c) for c in analysis.strata)) for pair in analysis.pairs}
        | {
            one.name: _rows(one.name, ((m.group, m) for m in analysis.measured if m.stratum != EVERYWHERE))
            for one in analysis.alone
        },
        "families": _families(analysis),
        "headlines": [c for c in analysis.comparisons if c.statistic in _IN_STRATA[:2]],
        "measured": [m for m in everywhere if m.statistic in _IN_STRATA[:2]],
        "fewest": FEWEST,
        "others": [n for n in analysis.nulls if not any(n.is_of_a_network and n.belongs_to(g) for g in groups)],
        "everywhere": EVERYWHERE,
        "facts": TASK_FACTS,
        "verdict": lambda c: _verdict(c, looks[c.pair]),
        "provenance": provenance(),
    }
    page = folder / "index.html"
    write_page(
        page,
        "analysis.html",
        values,
        {"number": _number, "short": _short, "p": _p_value, "title": statistic_title, "unit": _unit},
    )
    return page


def _looks(group: Group) -> dict[str, Look]:
    """Side -> how it is called and drawn: in its task's colour; of two with the same, the second in another."""
    colours: list[str] = []
    for study in group.studies.values():
        colour = TASK_FACTS[study.info.task].colour
        colours.append(_OTHER_COLOUR if colour in colours else colour)
    return {side: Look(title, colour) for (side, title), colour in zip(group.words.items(), colours, strict=True)}


def _words(pairs: Sequence[Group]) -> tuple[str, ...]:
    """What both sides of all pairs are called."""
    found = {tuple(pair.words.values()) for pair in pairs}
    return found.pop() if len(found) == 1 else ("the first", "the second")


def _heading(analysis: Analysis) -> str:
    if analysis.pairs or len(analysis.alone) > 1:
        return "How far and how widely networks look"
    return "How far and how widely a network looks" if analysis.alone else "Saliency maps, examined"


def _counted_targets(analysis: Analysis) -> str:
    """In words, what the means beside those of null models are over."""
    of_null = "a null model's over all where its own is not."
    if not analysis.pairs:
        return f"A network's numbers are over the targets that its maps are not zero at, {of_null}"
    whose = "both its tasks' maps" if all(pair.of_the_claim for pair in analysis.pairs) else "both maps"
    alone = ", of one by itself over those that its own are not" if analysis.alone else ""
    return f"A network's numbers are over the targets that {whose} are not zero at{alone}, {of_null}"


def _below(analysis: Analysis) -> str:
    """What the page is of, in words."""
    pairs = dict.fromkeys(" against ".join(pair.words.values()) for pair in analysis.pairs)
    alone = dict.fromkeys(side for one in analysis.alone for side in one.studies)
    parts = [", and ".join(pairs) + ", picture by picture"] if pairs else []
    if alone:
        parts.append(f"{', '.join(alone)}, {'each ' if len(alone) > 1 else ''}by itself: means over pictures")
    return "; ".join(parts)


def _figure(analysis: Analysis, group: Group, column: Column, folder: Path) -> str:
    """Save a histogram in every format; returns the page's copy."""
    ours = [n for n in analysis.nulls if column in n.means and n.belongs_to(group)]
    files = draw_histograms(
        group.means[column],
        _looks(group),
        f"{group.name.title}: {statistic_title(column)}",
        {null_label(n, group): n.means[column] for n in ours},
        axis=_axis_title(column),
    )
    return save_figure(files, folder, f"{group.name.stem}_{column.name}")


def null_label(null: NullModel, group: Group) -> str:
    """A null model's title; shorter where the only network's name stands above.

    Args:
        null: beside the group.
        group: that stands above.
    """
    if len({study.info.network for study in group.studies.values()}) > 1:
        return null.title
    return {"field": "receptive field", "random": f"random weights, {null.task}"}.get(null.model, null.title)


def _rows(name: GroupName, cells: Iterable[tuple[GroupName, Cell]]) -> Mapping[str, Mapping[Column, Cell]]:
    """Stratum -> statistic -> what is known of it, of one group."""
    rows: dict[str, dict[Column, Cell]] = {}
    for group, cell in cells:
        if group == name and cell.statistic in _IN_STRATA:
            rows.setdefault(cell.stratum, {})[cell.statistic] = cell
    return rows


def _families(analysis: Analysis) -> list[str]:
    """In words, what each correction is over."""
    words = []
    noun = "network" if all(pair.of_the_claim for pair in analysis.pairs) else "pair"
    for what, comparisons in (("over all targets", analysis.comparisons), ("by class and distance", analysis.strata)):
        tested = [c for c in comparisons if c.tested]
        if not tested:
            continue
        networks, statistics, strata = (
            list(dict.fromkeys(values))
            for values in zip(*((c.pair.title, c.statistic, c.stratum) for c in tested), strict=True)
        )
        where = "" if strata == [EVERYWHERE] else f", {len(strata)} strata ({', '.join(strata)})"
        names = ", ".join(map(statistic_title, statistics))
        words.append(
            f"{what}: {len(tested)} comparisons; {counted(len(networks), noun)} "
            f"({', '.join(networks)}), {len(statistics)} statistics ({names}){where}"
        )
    return words


def _verdict(c: Comparison, looks: Mapping[str, Look]) -> str:
    """In words, what the test says."""
    if not c.tested:
        return (
            f"not tested: {c.images} pictures, fewer than {FEWEST}"
            if c.images < FEWEST
            else "not tested: no difference"
        )
    if c.larger is not None:
        return f"{looks[c.larger].title} larger"
    return "too few pictures to tell" if c.too_few else "no clear difference"


def _number(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "-"
    if value == 0:
        return "0"
    if 1e-3 <= abs(value) < 1000:
        return f"{value:#.4g}".rstrip(".")
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.2e}"


def _short(value: float) -> str:
    """Three digits, where the width is scarce."""
    if math.isnan(value):
        return "-"
    return (
        f"{value:.2e}"
        if 0 < abs(value) < 1e-3
        else f"{value:#.3g}".rstrip(".")
        if abs(value) < 1000
        else f"{value:,.0f}"
    )


def _p_value(value: float) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:.3f}" if value >= 1e-3 else f"{value:.0e}"
