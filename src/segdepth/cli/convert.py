"""``segdepth convert``."""

from pathlib import Path
from typing import Annotated, Literal

import typer

__all__ = ["convert"]


def convert(
    checkpoint: Annotated[
        Path, typer.Argument(help="The ancestor's .pkl, or a torchvision backbone's .pth.", show_default=False)
    ],
    output: Annotated[
        Path | None,
        typer.Option("--out", help="File to write; by default beside the checkpoint, ending in .safetensors.",
                     show_default=False),
    ] = None,
    arch: Annotated[
        str | None,
        typer.Option("--arch", "--model_name", help="Checked against what the tensors say; which network gets a backbone.",
                     show_default=False),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option("--task", help="Checked against what the tensors say; needed for a backbone.", show_default=False),
    ] = None,
    model_type: Annotated[
        Literal["A", "B"] | None,
        typer.Option("--model_type", "--model-type", help="Of frrn; checked against what the tensors say.",
                     show_default=False),
    ] = None,
    height: Annotated[int | None, typer.Option("--height", min=32, help="Rows that it was trained at.")] = None,
    width: Annotated[int | None, typer.Option("--width", min=32, help="Columns that it was trained at.")] = None,
    keys: Annotated[bool, typer.Option("--keys", help="Print where every single tensor went.")] = False,
) -> None:  # fmt: skip
    """Turn a checkpoint of the ancestor, or a torchvision backbone, into a checkpoint of ours.

    The network, its task and its number of classes are recognised by the names and shapes of the tensors. Nothing in the
    file is executed. Every tensor that could not be used is named.
    """
    from segdepth.core.errors import InputError

    if (height is None) != (width is None):
        raise InputError("--height and --width go together: give both or neither")
    target = output or checkpoint.with_suffix(".safetensors")
    if target.suffix != ".safetensors":
        raise InputError(f"--out is {str(target)!r}; our checkpoints end in .safetensors")
    if target.exists() and target.samefile(checkpoint):
        raise InputError(f"--out would replace {str(checkpoint)!r} itself; name another file")

    from segdepth.networks import save_network
    from segdepth.tasks import convert_checkpoint

    from .console import out

    size = None if height is None or width is None else (height, width)
    conversion = convert_checkpoint(checkpoint, arch=arch, task=task, model_type=model_type, input_size=size)
    save_network(conversion.net, target)
    total = len(conversion.used) + len(conversion.unused)
    lines = [f"{checkpoint.name}: {conversion.source}; {len(conversion.used)} of {total} tensors used -> {target}"]
    lines += [f"not used: {name}" for name in conversion.unused]
    if conversion.untouched:
        lines.append(f"left at their start: {len(conversion.untouched)} tensors, from {conversion.untouched[0]} on")
    if keys:
        lines += [f"{theirs} -> {ours}" for theirs, ours in conversion.used.items()]
        lines += [f"left at its start: {ours}" for ours in conversion.untouched]
    out.print("\n".join(lines), soft_wrap=True)
