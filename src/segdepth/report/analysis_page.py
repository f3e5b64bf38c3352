"""The saliency study's page: a table per network, histograms, null models, strata; CSV and figures beside it."""

import base64
import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2

from segdepth.core.files import write_bytes, write_text
from segdepth.core.provenance import provenance
from segdepth.studies.analysis import FEWEST, SIGNIFICANT, Analysis, Comparison, NullModel, Pair

from .figures import TASK_COLOURS
from .histograms import draw_histograms

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
_IN_STRATA = ("activation_distance_0.1", "activation_ratio_0.1", "weighted_distance")


def statistic_title(column: str) -> str:
    """A column's name in words.

    Example:
        >>> statistic_title("activation_distance_0.1")
        'activation distance at 0.1'
    """
    if column in _NAMES:
        return _NAMES[column]
    stem, _, threshold = column.rpartition("_")
    return f"{_NAMES.get(stem, stem)} at {threshold}"


def _axis_title(column: str) -> str:
    stem = column if column in _UNITS else column.rpartition("_")[0]
    return f"{statistic_title(column)} ({_UNITS[stem]})" if stem in _UNITS else statistic_title(column)


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
        pair.network: {name: _figure(analysis, pair, name, folder / "figures") for name in pair.means}
        for pair in analysis.pairs
    }
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("segdepth.report"), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"number": _number, "short": _short, "p": _p_value, "title": statistic_title}
    page = environment.get_template("analysis.html").render(
        a=analysis,
        figures=figures,
        tables={
            pair.network: [c for c in analysis.comparisons if c.network == pair.network] for pair in analysis.pairs
        },
        strata={pair.network: _strata_rows(analysis, pair) for pair in analysis.pairs},
        families=_families(analysis),
        headlines=[c for c in analysis.comparisons if c.statistic in _IN_STRATA[:2]],
        colours=TASK_COLOURS,
        verdict=_verdict,
        provenance=provenance(),
    )
    write_text(folder / "index.html", page)
    return folder / "index.html"


def _figure(analysis: Analysis, pair: Pair, statistic: str, folder: Path) -> str:
    """Save a histogram in every format; returns the page's copy."""
    ours = [n for n in analysis.nulls if statistic in n.means and n.belongs_to(pair.seg.info.network)]
    files = draw_histograms(
        pair.means[statistic],
        f"{pair.network}: {statistic_title(statistic)}",
        {_null_label(n, pair.seg.info.network): n.means[statistic] for n in ours},
        axis=_axis_title(statistic),
    )
    stem = f"{pair.network}_{statistic}".replace(" ", "_").replace("(", "").replace(")", "")
    for ending, content in files.items():
        write_bytes(folder / f"{stem}.{ending}", content)
    return "data:image/png;base64," + base64.b64encode(files["png"]).decode()


def _null_label(null: NullModel, network: str) -> str:
    """A null model's title where the network's name stands above."""
    if null.model == "field":
        return "receptive field"
    return null.title.replace(f"random {network}", "random weights,")


def _strata_rows(analysis: Analysis, pair: Pair) -> Mapping[str, Mapping[str, Comparison]]:
    """Stratum -> statistic -> comparison."""
    rows: dict[str, dict[str, Comparison]] = {}
    for c in analysis.strata:
        if c.network == pair.network and c.statistic in _IN_STRATA:
            rows.setdefault(c.stratum, {})[c.statistic] = c
    return rows


def _families(analysis: Analysis) -> list[str]:
    """In words, what each correction is over."""
    words = []
    for what, comparisons in (("over all targets", analysis.comparisons), ("by class and distance", analysis.strata)):
        tested = [c for c in comparisons if not math.isnan(c.p)]
        if not tested:
            continue
        networks, statistics, strata = (
            list(dict.fromkeys(values))
            for values in zip(*((c.network, c.statistic, c.stratum) for c in tested), strict=True)
        )
        where = "" if strata == ["all"] else f", {len(strata)} strata ({', '.join(strata)})"
        names = ", ".join(map(statistic_title, statistics))
        words.append(
            f"{what}: {len(tested)} comparisons; {len(networks)} network{'s' if len(networks) > 1 else ''} "
            f"({', '.join(networks)}), {len(statistics)} statistics ({names}){where}"
        )
    return words


def _verdict(c: Comparison) -> str:
    """In words, what the test says."""
    if math.isnan(c.p_holm):
        return (
            f"not tested: {c.images} pictures, fewer than {FEWEST}"
            if c.images < FEWEST
            else "not tested: no difference"
        )
    if c.p_holm >= SIGNIFICANT:
        return "too few pictures to tell" if c.too_few else "no clear difference"
    return "depth larger" if c.effect > 0 else "segmentation larger"


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
        "network", "stratum", "statistic", "images", "targets", "mean_seg", "mean_depth", "median_seg", "median_depth",
        "difference", "interval_low", "interval_high", "rank_biserial", "p", "p_holm", "smallest_p_holm", "family",
        "reference_fraction",
    )  # fmt: skip
    return _csv(
        header,
        [
            (
                c.network, c.stratum, c.statistic, c.images, c.targets, c.mean["seg"], c.mean["depth"], c.median["seg"],
                c.median["depth"], c.difference, *c.interval, c.effect, c.p, c.p_holm, c.smallest_p, c.family,
                c.reference.fraction if c.reference else math.nan,
            )
            for c in comparisons
        ],
    )  # fmt: skip


def _overlap_csv(analysis: Analysis) -> str:
    return _csv(
        ("network", "stratum", "statistic", "images", "targets", "mean", "undefined_share"),
        [
            (o.network, o.stratum, name, o.images, o.targets, mean, o.undefined[name])
            for o in analysis.overlaps
            for name, mean in o.mean.items()
        ],
    )


def _null_csv(analysis: Analysis) -> str:
    return _csv(
        ("null_model", "statistic", "mean"),
        [(null.title, name, mean) for null in analysis.nulls for name, mean in null.means.items()],
    )


def _faithfulness_csv(analysis: Analysis) -> str:
    return _csv(
        ("network", "images", "targets", "action", "share", "salient", "random", "p"),
        [(f.title, f.images, f.targets, *row) for f in analysis.faithfulness for row in f.rows],
    )
