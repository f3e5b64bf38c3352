"""``segdepth runs``: what was trained, and what differs."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, no_type_check

import typer

from .command import App
from .options import RunsFolder

if TYPE_CHECKING:
    from segdepth.runs import Comparison, Run

__all__ = ["runs_app"]

runs_app = App(help="List the runs; compare some.", invoke_without_command=True)

_RUNS = Path("runs")


@runs_app.callback()
@no_type_check  # typer hands over a context that is not of the class it wants named here
def runs(
    context: typer.Context,
    folder: RunsFolder = _RUNS,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="GLOB", help="Names of runs, such as 'fcn8s_*'; may be given again.",
                     show_default=False),
    ] = None,
    sort: Annotated[
        Literal["date", "score", "name"], typer.Option("--sort", help="The newest, or the best of each task, first.")
    ] = "date",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:  # fmt: skip
    """List the runs, one a line: how far they came, their best score, and what is wrong with their files."""
    if context.invoked_subcommand is not None:
        return
    from segdepth.runs import find_runs, sorted_runs

    from .console import print_rows

    found = sorted_runs(find_runs(folder, only or ()), sort)
    if as_json:
        typer.echo(json.dumps([_plain(run) for run in found], indent=2))
        return
    if not found:
        typer.echo(f"no runs in {folder}/" + (f" named {' or '.join(only)}" if only else ""))
        return
    columns = ("run", "network", "task", "data", "updates", "state", "best", "begun (UTC)", "git", "")
    print_rows([columns, *map(_cells, found)])


@runs_app.command()
def compare(
    names: Annotated[
        list[str],
        typer.Argument(help="Folders of runs, or their names below --runs; a configuration's name means its newest run.",
                       metavar="RUN RUN...", show_default=False),
    ],
    folder: RunsFolder = _RUNS,
    output: Annotated[
        Path | None,
        typer.Option("--out", help="Write one page with the tables and curves (.html), or the curves alone (.png, .svg).",
                     show_default=False),
    ] = None,
) -> None:  # fmt: skip
    """What differs between runs: configuration, code and versions, scores; and their curves."""
    from segdepth.core.errors import InputError
    from segdepth.report.runs_page import write_comparison
    from segdepth.runs import compare as compare_runs
    from segdepth.runs import find_run

    if len(names) < 2:
        raise InputError("name two runs or more to compare")
    comparison = compare_runs([find_run(name, folder) for name in names])
    if output is not None:
        write_comparison(comparison, output)
    _print_comparison(comparison)
    if output is not None:
        typer.echo(output)


def _cells(run: "Run") -> tuple[str, ...]:
    best = run.best
    at = "" if best is None or best.step is None else f" at {best.step}"
    return (
        run.name,
        run.network or "?",
        run.task or "?",
        run.dataset or "?",
        f"{run.step} of {run.train_iters or '?'}",
        run.state,
        "-" if best is None else f"{best.score} {best.value:.4f}{at}",
        f"{run.started:%Y-%m-%d %H:%M}",
        run.revision or "?",
        "; ".join(run.problems),
    )


def _plain(run: "Run") -> dict[str, Any]:
    best = run.best
    return {
        "name": run.name,
        "folder": str(run.folder),
        "network": run.network,
        "task": run.task,
        "dataset": run.dataset,
        "step": run.step,
        "train_iters": run.train_iters,
        "state": run.state,
        "best": None if best is None else {"score": best.score, "value": best.value, "step": best.step},
        "date": run.started.isoformat(timespec="seconds"),
        "git": run.provenance.get("git"),
        "problems": list(run.problems),
    }


def _print_comparison(comparison: "Comparison") -> None:
    from .console import print_rows

    columns = ("", *comparison.labels)
    for run in comparison.runs:
        for problem in run.problems:
            typer.echo(f"{run.name}: {problem}")
    for task, rows in comparison.scores.items():
        members = comparison.of(task)
        cells = [
            (f"{name}, {which}", *("-" if values[k] is None else f"{values[k]:.4f}" for k in members))
            for (name, which), values in rows.items()
        ]
        print_rows([(task, *(comparison.labels[k] for k in members)), *cells, ()])
    _print_differences("configuration", columns, comparison.config)
    _print_differences("code and machine", columns, comparison.provenance)


def _print_differences(title: str, columns: Sequence[str], rows: Mapping[str, tuple[str, ...]]) -> None:
    from .console import print_rows

    if rows:
        print_rows([(title, *columns[1:]), *((key, *values) for key, values in rows.items()), ()])
    else:
        typer.echo(f"{title}: the same\n")
