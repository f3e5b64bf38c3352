"""The saliency study's page: a table per network, histograms, null models, strata; CSV and figures beside it."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from segdepth.core.files import write_text
from segdepth.core.provenance import provenance
from segdepth.runs import TASK_FACTS
from segdepth.studies.analysis import EVERYWHERE, Analysis, Comparison, NullModel
from segdepth.studies.columns import Column
from segdepth.studies.pairing import CLAIM, Pair
from segdepth.studies.statistics import FEWEST

from .figures import save_figure
from .histograms import draw_histograms
from .page import write_page

__all__ = ["statistic_title", "write_analysis"]

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


def _axis_title(column: Column) -> str:
    unit = _UNITS.get(column.measure)
    return statistic_title(column) + (f" ({unit})" if unit else "")


def write_analysis(analysis: Analysis, folder: Path) -> Path:
    """Write ``index.html``, the CSV tables and every figure as PNG and SVG; returns the page.

    Args:
        analysis: of the studies.
        folder: made if need be.
    """
    write_text(folder / "comparisons.csv", _comparison_csv([*analysis.comparisons, *analysis.strata]))
    write_text(folder / "overlap.csv", _overlap_csv(analysis))
    write_text(folder / "nulls.csv", _null_csv(analysis))
    if analysis.faithfulness:
        write_text(folder / "faithfulness.csv", _faithfulness_csv(analysis))
    figures = {
        pair.name: {column: _figure(analysis, pair, column, folder / "figures") for column in pair.means}
        for pair in analysis.pairs
    }
    values = {
        "a": analysis,
        "figures": figures,
        "tables": {pair.name: [c for c in analysis.comparisons if c.pair == pair.name] for pair in analysis.pairs},
        "strata": {pair.name: _strata_rows(analysis, pair) for pair in analysis.pairs},
        "families": _families(analysis),
        "headlines": [c for c in analysis.comparisons if c.statistic in _IN_STRATA[:2]],
        "claim": CLAIM,
        "everywhere": EVERYWHERE,
        "facts": TASK_FACTS,
        "verdict": _verdict,
        "provenance": provenance(),
    }
    page = folder / "index.html"
    write_page(
        page, "analysis.html", values, {"number": _number, "short": _short, "p": _p_value, "title": statistic_title}
    )
    return page


def _figure(analysis: Analysis, pair: Pair, column: Column, folder: Path) -> str:
    """Save a histogram in every format; returns the page's copy."""
    ours = [n for n in analysis.nulls if column in n.means and n.belongs_to(pair.name.network)]
    files = draw_histograms(
        pair.means[column],
        f"{pair.name.title}: {statistic_title(column)}",
        {_null_label(n): n.means[column] for n in ours},
        axis=_axis_title(column),
    )
    return save_figure(files, folder, f"{pair.name.stem}_{column.name}")


def _null_label(null: NullModel) -> str:
    """A null model's title where the network's name stands above."""
    return {"field": "receptive field", "random": f"random weights, {null.task}"}.get(null.model, null.title)


def _strata_rows(analysis: Analysis, pair: Pair) -> Mapping[str, Mapping[Column, Comparison]]:
    """Stratum -> statistic -> comparison."""
    rows: dict[str, dict[Column, Comparison]] = {}
    for c in analysis.strata:
        if c.pair == pair.name and c.statistic in _IN_STRATA:
            rows.setdefault(c.stratum, {})[c.statistic] = c
    return rows


def _families(analysis: Analysis) -> list[str]:
    """In words, what each correction is over."""
    words = []
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
            f"{what}: {len(tested)} comparisons; {len(networks)} network{'s' if len(networks) > 1 else ''} "
            f"({', '.join(networks)}), {len(statistics)} statistics ({names}){where}"
        )
    return words


def _verdict(c: Comparison) -> str:
    """In words, what the test says."""
    if not c.tested:
        return (
            f"not tested: {c.images} pictures, fewer than {FEWEST}"
            if c.images < FEWEST
            else "not tested: no difference"
        )
    if c.larger is not None:
        return f"{TASK_FACTS[c.larger].title} larger"
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


def _csv(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([["" if isinstance(v, float) and math.isnan(v) else v for v in row] for row in rows])
    return text.getvalue()


def _comparison_csv(comparisons: Sequence[Comparison]) -> str:
    header = (
        "network", "stratum", "statistic", "images", "targets", *(f"mean_{task}" for task in CLAIM),
        *(f"median_{task}" for task in CLAIM), "difference", "interval_low", "interval_high", "rank_biserial", "p", "p_holm",
        "smallest_p_holm", "family", "reference_fraction",
    )  # fmt: skip
    return _csv(
        header,
        [
            (
                c.pair.title, c.stratum, c.statistic.name, c.images, c.targets, *(c.mean[task] for task in CLAIM),
                *(c.median[task] for task in CLAIM), c.difference, *c.interval, c.effect, c.p, c.p_holm, c.smallest_p, c.family,
                c.reference.fraction if c.reference else math.nan,
            )
            for c in comparisons
        ],
    )  # fmt: skip


def _overlap_csv(analysis: Analysis) -> str:
    return _csv(
        ("network", "stratum", "statistic", "images", "targets", "mean", "undefined_share"),
        [
            (o.network, o.stratum, column.name, o.images, o.targets, mean, o.undefined[column])
            for o in analysis.overlaps
            for column, mean in o.mean.items()
        ],
    )


def _null_csv(analysis: Analysis) -> str:
    return _csv(
        ("null_model", "statistic", "mean"),
        [(null.title, column.name, mean) for null in analysis.nulls for column, mean in null.means.items()],
    )


def _faithfulness_csv(analysis: Analysis) -> str:
    return _csv(
        ("network", "images", "targets", "action", "share", "salient", "random", "p"),
        [(f.title, f.images, f.targets, *row) for f in analysis.faithfulness for row in f.rows],
    )
