"""``segdepth train``."""

from pathlib import Path
from typing import Annotated

import typer

from .options import Accelerator, ConfigFile, Overrides, RunsFolder

__all__ = ["train"]


def train(
    config: ConfigFile,
    overrides: Overrides = None,
    runs: RunsFolder = Path("runs"),
    device: Accelerator = "auto",
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out broken samples and list them (data.skip_bad).")
    ] = False,
) -> None:
    """Train a network as a YAML configuration says; the run's folder is runs/<config name>/<time>.

    On many devices: torchrun --nproc-per-node 4 -m segdepth train --config ...
    """
    from segdepth.config import load_config

    checked = load_config(config, [*(overrides or ()), *(["data.skip_bad=true"] if skip_bad else [])])

    from segdepth.core.group import rank
    from segdepth.tasks import TASKS
    from segdepth.training import train as run_training

    from .console import TrainingBar, err, log_to_terminal, out, score_table
    from .loading import resolve_device

    log_to_terminal()
    accelerator = resolve_device(device).type
    with TrainingBar(shown=rank() == 0) as bar:
        result = run_training(checked, name=config.stem, root=runs, accelerator=accelerator, progress=bar)
    if rank() != 0:
        return
    rows = {
        name: evaluation.scores
        for name, evaluation in (("best", result.best), ("last", result.last))
        if evaluation is not None
    }
    if not rows:
        out.print("nothing left to do: the run had reached training.train_iters")
    else:
        beside = next(e.beside for e in (result.last, result.best) if e is not None)
        out.print(score_table(rows, (*TASKS[checked.task].table_scores, *beside), title=""))
    out.print(str(result.folder), soft_wrap=True)
    err.print(f"{result.seconds:.0f} s")
