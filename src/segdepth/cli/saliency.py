"""``segdepth saliency``."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from .options import Checkpoint, Device, EngineChoice, Height, ModelName, TaskName, Width

__all__ = ["saliency"]


def saliency(
    checkpoint: Checkpoint,
    image: Annotated[Path, typer.Option("--image", "--image_path", help="The picture.", show_default=False)],
    pixel: Annotated[
        tuple[int, int] | None,
        typer.Option("--pixel", metavar="ROW COL", help="The pixel to explain, in the picture at the network's size.",
                     show_default=False),
    ] = None,
    pos_i: Annotated[int | None, typer.Option("--pos_i", help="Its row (the old flag).", show_default=False)] = None,
    pos_j: Annotated[int | None, typer.Option("--pos_j", help="Its column (the old flag).", show_default=False)] = None,
    target: Annotated[
        str,
        typer.Option("--target", help="What is explained: predicted (class or depth), a class's name or train id, a margin"
                     " of two classes (road:car), log_depth, disparity."),
    ] = "predicted",
    method: Annotated[
        Literal["gradient", "input_x_gradient", "integrated_gradients", "smoothgrad"],
        typer.Option("--method", help="How a map is made from gradients."),
    ] = "gradient",
    engine: Annotated[
        EngineChoice,
        typer.Option("--engine", help="Who computes the map; all give the same."),
    ] = "auto",
    crop: Annotated[
        str, typer.Option("--crop", help="Compute the map in this window only: garg, eigen, cityscapes, nyu.")
    ] = "none",
    output: Annotated[Path, typer.Option("--out", help="Folder for the results.")] = Path("saliency_results"),
    model_name: ModelName = None,
    task: TaskName = None,
    height: Height = None,
    width: Width = None,
    device: Device = "auto",
) -> None:  # fmt: skip
    """Draw which input pixels a network used for its answer at one pixel."""
    from segdepth.core.errors import InputError
    from segdepth.evaluation.pictures import save_saliency

    from .console import log_to_terminal, out
    from .loading import load_checked

    log_to_terminal()  # warns of a map that is zero everywhere, and of operations that slow the engine down
    if pixel is None:
        if pos_i is None or pos_j is None:
            raise InputError("name the pixel: --pixel ROW COL (or --pos_i ROW --pos_j COL)")
        pixel = (pos_i, pos_j)
    elif pos_i is not None or pos_j is not None:
        raise InputError("name the pixel once: --pixel ROW COL, or --pos_i ROW --pos_j COL")
    net = load_checked(checkpoint, device, model_name=model_name, task=task, height=height, width=width)
    result = save_saliency(net, image, pixel, output, target=target, method=method, engine=engine, crop=crop)
    out.print(f"{result.answer} -> {result.folder}/ ({', '.join(result.files)})", soft_wrap=True)
    if found := result.statistics:
        out.print(
            f"active at 0.1: {found['activation_ratio@0.1']:.1%} of the pixels, the farthest "
            f"{found['activation_distance@0.1']:.1%} of the diagonal away; mean distance {found['weighted_distance']:.1%}",
            soft_wrap=True,
        )
