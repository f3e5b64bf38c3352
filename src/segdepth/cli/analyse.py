"""``segdepth analyse``."""

import math
from pathlib import Path
from typing import Annotated

import typer

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
    """Segmentation against depth over pictures: tests, effect sizes, histograms, strata, null models; one HTML page."""
    from rich.table import Table

    from segdepth.report.analysis_page import statistic_title, write_analysis
    from segdepth.studies.analysis import EVERYWHERE
    from segdepth.studies.analysis import analyse as analyse_studies
    from segdepth.studies.pairing import CLAIM
    from segdepth.studies.store import find_stores, load_study

    from .console import err, out

    studies = [load_study(folder, partial=partial) for folder in find_stores(results or [Path("saliency_study")])]
    analysis = analyse_studies(studies)
    page = write_analysis(analysis, output)
    for pair in analysis.pairs:
        for task, zeros in pair.zeros.items():
            if zeros:
                err.print(
                    f"{pair.name.title} {task}: {zeros:,} of {pair.targets:,} maps are zero everywhere; left out of the means"
                )
        table = Table(title=f"\n{pair.name.title}", title_justify="left", box=None, pad_edge=False)
        for number, column in enumerate(("", *CLAIM, "effect", "p (Holm)", "ref. count")):
            table.add_column(column, justify="right" if number else "left", no_wrap=True)
        for c in analysis.comparisons:
            if c.pair == pair.name and c.reference is not None:
                p = "-" if math.isnan(c.p_holm) else f"{c.p_holm:.2g}"
                count = f"{100 * c.reference.fraction:.0f} %"
                means = (f"{c.mean[task]:.4g}" for task in CLAIM)
                table.add_row(statistic_title(c.statistic), *means, f"{c.effect:+.2f}", p, count)
        out.print(table)
    for study in analysis.faithfulness:
        _, share, salient, random, _ = study.rows[0]
        moved = f"deleting {100 * share:g} % of the pixels moves it by {salient:.3g}, by chance {random:.3g}"
        out.print(f"\n{study.title}: {moved}", soft_wrap=True)
    for overlap in analysis.overlaps:
        if overlap.stratum == EVERYWHERE:
            values = ", ".join(f"{statistic_title(column)} {mean:.3f}" for column, mean in overlap.mean.items())
            out.print(f"\n{overlap.network}: {values}", soft_wrap=True)
    out.print(f"\n{page}", soft_wrap=True)
