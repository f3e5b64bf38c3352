"""The saliency study's tables as CSV files."""

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from segdepth.core.files import write_text
from segdepth.studies.analysis import Analysis
from segdepth.studies.pairing import file_stem

__all__ = ["write_tables"]


def write_tables(analysis: Analysis, folder: Path) -> None:
    """Write the CSV files that there is something for; those of an earlier analysis that there is nothing for now are removed.

    Args:
        analysis: of the studies.
        folder: made if need be.
    """
    for name, table in _TABLES.items():
        if (text := table(analysis)) is None:
            (folder / name).unlink(missing_ok=True)
        else:
            write_text(folder / name, text)


def _csv(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([["" if isinstance(v, float) and math.isnan(v) else v for v in row] for row in rows])
    return text.getvalue()


def _comparison_csv(analysis: Analysis) -> str | None:
    """A column for each side of any pair; of a pair that has not this side it is empty."""
    if not analysis.pairs:
        return None
    sides = list(dict.fromkeys(side for pair in analysis.pairs for side in pair.studies))
    names = [file_stem(side) for side in sides]
    header = (
        "network", "stratum", "statistic", "images", "targets", *(f"mean_{name}" for name in names),
        *(f"median_{name}" for name in names), "difference", "interval_low", "interval_high", "rank_biserial", "p", "p_holm",
        "smallest_p_holm", "family", "reference_fraction",
    )  # fmt: skip
    return _csv(
        header,
        [
            (
                c.pair.title, c.stratum, c.statistic.name, c.images, c.targets,
                *(values.get(side, math.nan) for values in (c.mean, c.median) for side in sides),
                c.difference, *c.interval, c.effect, c.p, c.p_holm, c.smallest_p, c.family,
                c.reference.fraction if c.reference else math.nan,
            )
            for c in (*analysis.comparisons, *analysis.strata)
        ],
    )  # fmt: skip


def _measured_csv(analysis: Analysis) -> str | None:
    if not analysis.alone:
        return None
    return _csv(
        ("network", "stratum", "statistic", "images", "targets", "mean", "interval_low", "interval_high", "median"),
        [
            (m.group.title, m.stratum, m.statistic.name, m.images, m.targets, m.mean, *m.interval, m.median)
            for m in analysis.measured
        ],
    )


def _overlap_csv(analysis: Analysis) -> str | None:
    if not analysis.pairs and not analysis.overlaps:
        return None
    return _csv(
        ("network", "stratum", "statistic", "images", "targets", "mean", "undefined_share"),
        [
            (o.network, o.stratum, column.name, o.images, o.targets, mean, o.undefined[column])
            for o in analysis.overlaps
            for column, mean in o.mean.items()
        ],
    )


def _null_csv(analysis: Analysis) -> str | None:
    if not analysis.pairs and not analysis.nulls:
        return None
    return _csv(
        ("null_model", "statistic", "mean"),
        [(null.title, column.name, mean) for null in analysis.nulls for column, mean in null.means.items()],
    )


def _faithfulness_csv(analysis: Analysis) -> str | None:
    if not analysis.faithfulness:
        return None
    return _csv(
        ("network", "images", "targets", "action", "share", "salient", "random", "p"),
        [(f.title, f.images, f.targets, *row) for f in analysis.faithfulness for row in f.rows],
    )


#: File -> what stands in it; None: there is nothing of the kind.
_TABLES: Mapping[str, Callable[[Analysis], str | None]] = {
    "comparisons.csv": _comparison_csv,
    "statistics.csv": _measured_csv,
    "overlap.csv": _overlap_csv,
    "nulls.csv": _null_csv,
    "faithfulness.csv": _faithfulness_csv,
}
