"""``segdepth analyse``."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from segdepth.studies.analysis import Analysis
    from segdepth.studies.pairing import Group

__all__ = ["analyse"]


def analyse(
    results: Annotated[
        list[Path] | None,
        typer.Argument(help="Folders that `segdepth study` wrote, at any depth; by default saliency_study.",
                       metavar="[RESULTS]...", show_default=False),
    ] = None,
    output: Annotated[Path, typer.Option("--out", help="Folder for page, tables and figures.")] = Path("saliency_analysis"),
    partial: Annotated[bool, typer.Option("--partial", help="Take what is there of unfinished studies.")] = False,
) -> None:  # fmt: skip
    """What studies say over pictures: one network by itself, or two against each other, with tests; tables and one HTML page.

    Compared are segmentation and depth of one network; where no network has both, every other study with the first folder's. What
    has no partner is told by itself.
    """
    from segdepth.report.analysis_page import statistic_title, write_analysis
    from segdepth.studies.analysis import EVERYWHERE
    from segdepth.studies.analysis import analyse as analyse_studies
    from segdepth.studies.store import find_stores, load_study

    from .console import err, out, table

    studies = [load_study(folder, partial=partial) for folder in find_stores(results or [Path("saliency_study")])]
    analysis = analyse_studies(studies)
    page = write_analysis(analysis, output)
    for group in (*analysis.pairs, *analysis.alone):
        for side, zeros in group.zeros.items():
            if zeros:
                err.print(
                    f"{group.title_of(side)}: {zeros:,} of {group.targets:,} maps are zero everywhere; left out of the means"
                )
        rows = _compared(group, analysis) if group in analysis.pairs else _by_itself(group, analysis)
        out.print(table(*rows, title=f"\n{group.name.title}"))
    for study in analysis.faithfulness:
        _, share, salient, random, _ = study.rows[0]
        moved = f"deleting {100 * share:g} % of the pixels moves it by {salient:.3g}, by chance {random:.3g}"
        out.print(f"\n{study.title}: {moved}", soft_wrap=True)
    for overlap in analysis.overlaps:
        if overlap.stratum == EVERYWHERE:
            values = ", ".join(f"{statistic_title(column)} {mean:.3f}" for column, mean in overlap.mean.items())
            out.print(f"\n{overlap.network}: {values}", soft_wrap=True)
    out.print(f"\n{page}", soft_wrap=True)


#: What a table is made of: rows with their names, and columns.
_Rows = tuple[list[tuple[str, tuple[str, ...]]], tuple[str, ...]]


def _compared(pair: "Group", analysis: "Analysis") -> _Rows:
    """Both sides' means over all targets, and the tests."""
    from segdepth.report.analysis_page import statistic_title

    count = ("ref. count",) if pair.of_the_claim else ()
    rows = []
    for c in analysis.comparisons:
        if c.pair == pair.name:
            p = "-" if math.isnan(c.p_holm) else f"{c.p_holm:.2g}"
            counts = () if c.reference is None else (f"{100 * c.reference.fraction:.0f} %",)
            means = (f"{mean:.4g}" for mean in c.mean.values())
            rows.append((statistic_title(c.statistic), (*means, f"{c.effect:+.2f}", p, *counts)))
    return rows, (*pair.studies, "effect", "p (Holm)", *count)


def _by_itself(one: "Group", analysis: "Analysis") -> _Rows:
    """Means over all targets, and their intervals; beside them those of null models."""
    from segdepth.report.analysis_page import statistic_title
    from segdepth.studies.analysis import EVERYWHERE

    measured = {m.statistic: m for m in analysis.measured if m.group == one.name and m.stratum == EVERYWHERE}
    nulls = [null for null in analysis.nulls if null.belongs_to(one) and not measured.keys().isdisjoint(null.means)]
    rows = []
    for statistic, m in measured.items():
        numbers = (_short(null.means.get(statistic, math.nan)) for null in nulls)
        cells = (_short(m.mean), " .. ".join(map(_short, m.interval)), *numbers)
        rows.append((statistic_title(statistic), cells))
    return rows, ("mean", "95 % interval", *(null.model for null in nulls))


def _short(number: float) -> str:
    return "-" if math.isnan(number) else f"{number:.3g}" if number < 1000 else f"{number:,.0f}"
