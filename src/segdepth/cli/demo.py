"""``segdepth demo``."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from segdepth.campaigns.demo.page import ExplorerPage, ScoreRows
    from segdepth.campaigns.demo.run import Finished
    from segdepth.config import Config

__all__ = ["DEMO", "QUICK_DEMO", "demo", "make_demo"]

#: Where a demonstration is made if nothing else is said, whole or quick.
DEMO, QUICK_DEMO = Path("runs/demo"), Path("runs/demo-quick")

#: What stands beside the page, to move over.
_EXPLORER = "explorer.html"


def demo(
    output: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help=f"Folder of everything that the demonstration makes; by default {DEMO}, with --quick {QUICK_DEMO}.",
            show_default=False,
        ),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A minute in all; the answers are worse.")] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of first weights and order of pictures.")] = 1337,
) -> None:
    """Make a synthetic world, train one network on both tasks, score it, explain pixels; all of it on one HTML page.

    The page is there at once and shows what is done so far; at the end it has a street to move over, with both networks' maps.
    Nothing is downloaded. What an earlier, even an interrupted, demonstration finished is used again.
    """
    import time

    from .console import err, out, score_table

    started = time.monotonic()
    root = output or (QUICK_DEMO if quick else DEMO)
    page = root / "index.html"
    where = page.absolute().as_uri()
    err.print(f"the page, which fills as the work goes on: {where}", soft_wrap=True)
    if quick:
        err.print("quick: a small world and short trainings; scores and maps are worse than without it", soft_wrap=True)

    from segdepth.campaigns.demo.configs import demo_configs
    from segdepth.campaigns.demo.run import finished_scores
    from segdepth.tasks import TASKS

    configs = demo_configs(root / "world", seed=seed, quick=quick)
    scores = finished_scores(root, configs) if page.is_file() and (root / _EXPLORER).is_file() else None
    if scores is not None:
        err.print(f"finished before; for another one, remove {root} or give another --seed or --out", soft_wrap=True)
    else:
        scores = make_demo(root, configs, quick=quick)
    for task, rows in scores.items():
        out.print(score_table(rows, TASKS[task].table_scores, title=f"\n{task}"))
    err.print(f"{time.monotonic() - started:.0f} s")
    out.print(f"\n{where}", soft_wrap=True)


def make_demo(root: Path, configs: Mapping[str, "Config"], *, quick: bool) -> "ScoreRows":
    """Make a demonstration, or finish one, with bars on the terminal.

    Args:
        root: its folder.
        configs: by task.
        quick: whether they are the quick ones.
    """
    from segdepth.campaigns.demo.configs import demo_images
    from segdepth.campaigns.demo.run import run_demo
    from segdepth.core.processes import usable_cores
    from segdepth.report import write_demo_page

    from .console import TrainingBar, counting, log_to_terminal
    from .worlds import write_world

    log_to_terminal()
    first, *others = configs
    bar = TrainingBar(of=first)
    with ExitStack() as drawn:

        def make_world() -> None:
            with counting("making the world") as counted:
                write_world(root / "world", "cityscapes", num_images=demo_images(quick=quick), height=192, width=624, seed=0,
                            workers=min(8, usable_cores()), progress=counted)  # fmt: skip
            drawn.enter_context(bar)  # a terminal draws one bar after the other

        def make_explorer(made: "Finished") -> "ExplorerPage":
            drawn.close()
            return _make_explorer(root, made)

        return run_demo(
            root, configs, quick=quick, make_world=make_world,
            watchers={first: bar, **{task: TrainingBar(of=task, beside=bar) for task in others}},
            show=lambda so_far: write_demo_page(so_far, root / "index.html"),
            explore=make_explorer,
        )  # fmt: skip


def _make_explorer(root: Path, made: "Finished") -> "ExplorerPage":
    """The page to move over: the first street of the validation split, and what both networks looked at."""
    from functools import partial

    from segdepth.campaigns.demo.page import ExplorerPage
    from segdepth.explorer.pictures import given_samples
    from segdepth.networks import load_network
    from segdepth.studies.frames import open_frames

    from .static_page import compute_page, here

    streets = given_samples(open_frames(made.world, made.dataset, "val"), 1)
    served = [here(str(folder), partial(load_network, folder)) for folder in made.networks]
    page = compute_page(root / _EXPLORER, served, streets)
    return ExplorerPage(_EXPLORER, page.bytes, page.notes)
