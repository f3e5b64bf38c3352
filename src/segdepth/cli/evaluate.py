"""``segdepth evaluate``."""

from pathlib import Path
from typing import Annotated

import typer

from .options import Device, Overrides

__all__ = ["evaluate"]


def evaluate(
    overrides: Overrides = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="YAML configuration; by default the one that the checkpoint was trained with.",
                     show_default=False),
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option("--checkpoint", "--model_path", help="Run folder or checkpoint file; by default testing.trained_model.",
                     show_default=False),
    ] = None,
    split: Annotated[str | None, typer.Option("--split", help="Split; by default data.val_split.", show_default=False)] = None,
    baselines: Annotated[
        bool, typer.Option("--baselines", help="Score the constant and the per-position answer of the training split too.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--out", help="Write scores, protocol and provenance to this JSON file.", show_default=False)
    ] = None,
    device: Device = "auto",
) -> None:  # fmt: skip
    """Score a checkpoint on a data set: mIoU and the like, or abs_rel and the like."""
    from segdepth.core.errors import ConfigError
    from segdepth.core.files import write_json
    from segdepth.core.provenance import provenance
    from segdepth.evaluation import evaluate as run_evaluation
    from segdepth.evaluation import evaluate_baselines
    from segdepth.tasks import TASKS
    from segdepth.training import open_split

    from .console import counting, log_to_terminal, out, score_table
    from .loading import load_checked

    log_to_terminal()
    checked = _configuration(config, checkpoint, overrides or [])
    where = checkpoint or (checked.testing.trained_model if checked.testing else None)
    if where is None:
        raise ConfigError("name a checkpoint: --checkpoint, or testing.trained_model in the configuration")
    size = (checked.data.img_rows, checked.data.img_cols)
    net = load_checked(where, device, task=checked.task)
    task = TASKS[checked.task]
    dataset = open_split(checked, split or checked.data.val_split)
    with counting("evaluating") as bar:
        result = run_evaluation(
            net, dataset, task, size=net.card.input_size or size, batch_size=checked.training.batch_size,
            n_workers=checked.training.n_workers, progress=bar,
        )  # fmt: skip
    rows = {net.card.arch: result.scores}
    if baselines:
        training = open_split(checked, checked.data.train_split)
        rows |= {f"{name} baseline": scores for name, scores in evaluate_baselines(training, dataset, task).items()}
    out.print(score_table(rows, task.table_scores, title=f"{where}, {len(dataset)} images of {dataset.split!r}"))
    classes = {name.removeprefix("IoU."): {"IoU": v} for name, v in result.scores.items() if name.startswith("IoU.")}
    if classes:
        out.print(score_table(classes, ("IoU",), title=""))
    if output is not None:
        report = {
            "checkpoint": str(where),
            "protocol": result.protocol,
            "scores": rows,
            "provenance": provenance(checked.seed),
        }
        write_json(output, report)


def _configuration(config: Path | None, checkpoint: Path | None, overrides: list[str]):  # type: ignore[no-untyped-def]
    from segdepth.config import apply_overrides, check_config, load_config
    from segdepth.core.errors import ConfigError
    from segdepth.networks import find_weights, read_card

    if config is not None:
        return load_config(config, overrides)
    if checkpoint is None:
        raise ConfigError("name a checkpoint (--checkpoint) or a configuration (--config)")
    path = find_weights(checkpoint)
    stored = read_card(path).config
    if stored is None:
        raise ConfigError(f"{str(path)!r} does not know its configuration; name one with --config")
    return check_config(apply_overrides(stored, overrides), where=f"configuration in {path}")
