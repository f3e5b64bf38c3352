"""``segdepth reproduce``: the published cells, trained and scored."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import Accelerator, CoresEach, On, Overrides, gpus_for, place_of

if TYPE_CHECKING:
    import torch

    from segdepth.campaigns.cells import Cell
    from segdepth.campaigns.reproduce import Results
    from segdepth.executing import Place

__all__ = ["reproduce"]


def reproduce(
    overrides: Overrides = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="GLOB", help="Cells, such as 'fcn8s_*' or '*_kitti_depth'; may be given again.",
                     show_default=False),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option("--data", metavar="NAME=PATH", show_default=False,
                     help="Where cityscapes, kitti_semantics, kitti_depth (prepared) or kitti_raw is; by default data/NAME."),
    ] = None,
    runs: Annotated[Path, typer.Option("--runs", help="Folder of all runs; results go to reproduce/ in it.")] = Path("runs"),
    configs: Annotated[
        Path | None,
        typer.Option("--configs", show_default=False,
                     help="Folder of the configurations; by default those that come with segdepth."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done and what is missing.")] = False,
    dataset_list: Annotated[
        str | None,
        typer.Option("--dataset_list", "--dataset-list", help="KITTI depth: a list other than Eigen's 697 files.",
                     show_default=False),
    ] = None,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="KITTI depth: score what is there of the list.")
    ] = False,
    device: Accelerator = "auto",
    on: On = None,
    cores_each: CoresEach = 1,
) -> None:  # fmt: skip
    """Train and score the published cells whose data are on disk, and put our numbers beside the published ones.

    Interrupted, the same command goes on; cells that are scored are not trained again.
    """
    from segdepth.campaigns.cells import choose, plan
    from segdepth.campaigns.reproduce import RESULTS, Results
    from segdepth.config.recipes import recipe_folder
    from segdepth.core.errors import InputError
    from segdepth.core.group import world_size

    from .console import GOES_ON, log_to_terminal, results_in
    from .loading import resolve_device

    if world_size() > 1:
        raise InputError(
            "reproduce works in one process; for many devices, train a cell with torchrun -m segdepth train"
        )
    log_to_terminal()
    options: dict[str, Any] = {"files": dataset_list} if dataset_list else {}
    options |= {"allow_missing": True} if allow_missing else {}
    cells = plan(
        choose(only or ()),
        configs=configs or recipe_folder(),
        data=dict(map(_named_path, data or ())),
        overrides=overrides or (),
        eigen_options=options,
    )
    results = Results(runs / RESULTS)
    where = resolve_device(device)
    if dry_run:
        failed = {}
    else:
        with results_in(results.folder / "results.md", GOES_ON):
            if on is None:
                failed = _work_off(cells, results, runs, where)
            else:
                failed = _share_out(cells, results, runs, place_of(on, cores_each), device)
    _print_table(cells, results, runs, failed)
    if failed:
        raise typer.Exit(1)


def _named_path(text: str) -> tuple[str, Path]:
    from segdepth.core.errors import InputError

    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise InputError(f"--data {text!r} must look like cityscapes=path/to/cityscapes")
    return name, Path(path)


def _work_off(cells: "list[Cell]", results: "Results", runs: Path, device: "torch.device") -> dict[str, str]:
    """Every cell that can be had and is not done; a cell that fails does not keep the others from being tried.

    Returns:
        Cell -> why it failed.
    """
    from segdepth.campaigns.reproduce import score_cell, train_cell
    from segdepth.core.errors import SegdepthError

    from .console import TrainingBar, counting, err

    failed = {}
    wanted = [cell for cell in cells if cell.missing is None and not results.is_done(cell, runs)]
    for number, cell in enumerate(wanted, start=1):
        err.print(f"{cell.name}: cell {number} of {len(wanted)}", soft_wrap=True)
        try:
            with TrainingBar() as bar:
                run = train_cell(cell, results, runs, device=device, progress=bar)
            with counting(f"scoring {cell.name}") as scoring:
                score_cell(cell, run, results, device=device, progress=scoring)
        except SegdepthError as error:
            failed[cell.name] = str(error)
            err.print(f"{cell.name}: {error}", soft_wrap=True)
    return failed


def _share_out(cells: "list[Cell]", results: "Results", runs: Path, place: "Place", device: str) -> dict[str, str]:
    """The same by workers, a cell each."""
    from segdepth.campaigns.reproduce import share_out

    from .console import counting, err

    wanted = [cell for cell in cells if cell.missing is None and not results.is_done(cell, runs)]
    with counting("cells") as bar:
        failed = share_out(wanted, results, runs, place, device, gpus_for(device), bar)
    for name, why in failed.items():
        err.print(f"{name}: {why}", soft_wrap=True)
    return failed


def _print_table(cells: "list[Cell]", results: "Results", runs: Path, failed: dict[str, str]) -> None:
    """The scores of the chosen cells, and why others have none."""
    from segdepth.campaigns.reproduce import rows

    from .console import print_rows

    done = {cell.name: results.records[cell.name] for cell in cells if results.is_done(cell, runs)}
    lines = [("cell", "score", "published", "ours", "difference", "", "protocol")]
    for cell in cells:
        if cell.name in done:
            for row in rows({cell.name: done[cell.name]}):
                ours, difference = row.cells()
                verdict = {True: "better", False: "worse", None: ""}[row.better]
                lines.append((row.cell, row.score, f"{row.published:.3f}", ours, difference, verdict, row.protocol))
            continue
        first, published = next(iter(cell.published.scores.items()))
        note = failed.get(cell.name) or cell.missing or f"to do: {cell.config.training.train_iters} updates"
        lines.append((cell.name, first, f"{published:.3f}", "-", "-", "", f"{cell.protocol}; {note}"))
    print_rows(lines)
    if done:
        typer.echo(f"\n{results.folder / 'results.md'}")
