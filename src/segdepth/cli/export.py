"""``segdepth export``."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from .options import CHECKPOINT_HELP, NETWORK, AllowCode, TaskName

__all__ = ["export"]


def export(
    named: Annotated[str | None, typer.Argument(metavar=f"[{NETWORK}]", help=CHECKPOINT_HELP, show_default=False)] = None,
    checkpoint: Annotated[
        str | None, typer.Option("--checkpoint", metavar=NETWORK, help="The same, as an option.", show_default=False)
    ] = None,
    form: Annotated[Literal["onnx", "torch_export"], typer.Option("--format", help="What to write.")] = "onnx",
    output: Annotated[
        Path | None,
        typer.Option("--out", help="File to write; by default beside the checkpoint, ending in .onnx or .pt2.",
                     show_default=False),
    ] = None,
    height: Annotated[int | None, typer.Option("--height", min=32, help="Fix the rows; 33 to 8192 by default.")] = None,
    width: Annotated[int | None, typer.Option("--width", min=32, help="Fix the columns; 33 to 8192 by default.")] = None,
    task: TaskName = None,
    allow_code: AllowCode = None,
) -> None:  # fmt: skip
    """Write a network for ONNX Runtime or torch.export, and check that it answers as the network does.

    The graph starts at the 8-bit RGB picture [batch, 3, rows, columns], preprocessing included, and ends at logits or metres of
    the same size. Rows and columns may be 33 to 8192 and the batch 1 to 1024, unless --height and --width fix the size, which
    may then be 32, and the batch to one. The card travels along.
    """
    from rich.text import Text

    from segdepth.core.errors import InputError

    if (height is None) != (width is None):
        raise InputError("--height and --width go together: give both or neither")
    ending = {"onnx": ".onnx", "torch_export": ".pt2"}[form]
    if output is not None and output.suffix != ending:
        raise InputError(f"--out is {str(output)!r}; a file of --format {form} ends in {ending}")

    from segdepth.networks.export import BATCH, SIDES, export_onnx, export_torch
    from segdepth.tasks import find_origin

    from .console import err, log_to_terminal, out, results_in
    from .loading import load_checked

    log_to_terminal()
    origin = find_origin(_one_of(named, checkpoint))
    net = load_checked(origin, "cpu", allow=allow_code, task=task)
    target = output or origin.stem.with_name(origin.stem.name + ending)
    size = None if height is None or width is None else (height, width)
    write = {"onnx": export_onnx, "torch_export": export_torch}[form]
    with results_in(target), err.status(Text(f"exporting {net.card.arch}, half a minute or two")):
        error = write(net, target, size=size)
    free = f"{SIDES[0]} to {SIDES[1]} rows and columns, batch {BATCH[0]} to {BATCH[1]}"
    shape = free if size is None else f"{size[0]}x{size[1]}, batch 1"
    out.print(
        f"{net.card.arch} for {net.card.task}, {shape}, within {error:.0e} of the network's answers -> {target}",
        soft_wrap=True,
    )  # fmt: skip


def _one_of(named: str | None, checkpoint: str | None) -> str:
    from segdepth.core.errors import InputError

    if (named is None) == (checkpoint is None):
        raise InputError("name one checkpoint, or the address of a network: segdepth export RUN, or --checkpoint RUN")
    return named or checkpoint or ""
