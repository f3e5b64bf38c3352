"""``segdepth data``."""

from pathlib import Path
from typing import Annotated, Literal

import typer

__all__ = ["data_app"]

data_app = typer.Typer(help="Make data sets.", no_args_is_help=True)


@data_app.callback()
def data() -> None:
    """Make data sets."""


@data_app.command()
def synthesize(
    output: Annotated[Path, typer.Argument(help="Folder of the new data set.", show_default=False)],
    layout: Annotated[
        Literal["kitti_raw", "kitti_semantics", "cityscapes"],
        typer.Option("--layout", help="Official layout to write."),
    ] = "cityscapes",
    num_images: Annotated[
        int, typer.Option("--num-images", min=1, help="Frames (of the training split, if it has splits).")
    ] = 100,
    height: Annotated[int | None, typer.Option("--height", min=32, help="Rows; by default the layout's own.")] = None,
    width: Annotated[int | None, typer.Option("--width", min=32, help="Columns; by default the layout's own.")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another seed, another world.")] = 0,
) -> None:
    """Write synthetic streets with exact labels, depth, disparity or lidar in the layout of a real data set."""
    from .console import counting, out
    from .worlds import write_world

    with counting(f"writing {layout}") as bar:
        frames = write_world(output, layout, num_images=num_images, height=height, width=width, seed=seed, progress=bar)
    out.print(f"{frames} frames -> {output}/", highlight=False)
