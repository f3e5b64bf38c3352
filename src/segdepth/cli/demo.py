"""``segdepth demo``."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["demo"]


def demo(
    output: Annotated[Path, typer.Option("--out", help="Folder of everything that the demonstration makes.")] = Path(
        "runs/demo"
    ),
) -> None:
    """Make a synthetic world, train one network on both tasks, score it, explain pixels; all of it on one HTML page.

    Nothing is downloaded. What an earlier, even an interrupted, demonstration finished is used again.
    """
    import time

    from segdepth.report import write_demo_page
    from segdepth.studies.demo import demo_configs, run_demo

    from .console import TrainingBar, counting, err, log_to_terminal, out, score_table
    from .worlds import write_world

    log_to_terminal()
    started = time.monotonic()
    world = output / "world"
    with counting("making the world") as bar:
        write_world(world, "cityscapes", num_images=400, height=192, width=624, seed=0, progress=bar)
    with TrainingBar() as watcher:
        result = run_demo(
            output,
            demo_configs(world),
            say=lambda text: err.rule(text, align="left"),
            progress=lambda: watcher,
        )
    page = output / "index.html"
    write_demo_page(result, page)
    for task in result.tasks.values():
        out.print(score_table({result.arch: task.scores, **{f"{n} baseline": s for n, s in task.baselines.items()}},
                              task.columns, title=f"\n{task.task}"))  # fmt: skip
    err.print(f"{time.monotonic() - started:.0f} s")
    out.print(f"\n{page}", soft_wrap=True)
