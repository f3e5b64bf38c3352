"""``segdepth predict``."""

from pathlib import Path
from typing import Annotated

import typer

from .options import Checkpoint, Device, Height, ModelName, TaskName, Width

__all__ = ["predict"]


def predict(
    checkpoint: Checkpoint,
    images: Annotated[
        list[Path] | None, typer.Argument(help="Pictures, or folders of them.", metavar="[IMAGE]...", show_default=False)
    ] = None,
    image_path: Annotated[
        list[Path] | None, typer.Option("--image_path", "--img_path", help="The same, as an option.", show_default=False)
    ] = None,
    output: Annotated[Path, typer.Option("--out", help="Folder for the results.")] = Path("predictions"),
    model_name: ModelName = None,
    task: TaskName = None,
    height: Height = None,
    width: Width = None,
    device: Device = "auto",
) -> None:  # fmt: skip
    """Predict pictures: class ids as PNG, or metres as 16-bit PNG (x 256) and .npy, and a coloured picture of each."""
    from segdepth.core.errors import InputError
    from segdepth.evaluation.pictures import save_prediction

    from .console import counting, out
    from .loading import load_checked

    paths = _pictures([*(images or []), *(image_path or [])])
    if not paths:
        raise InputError("name at least one picture, or a folder with pictures (PNG, JPEG)")
    net = load_checked(checkpoint, device, model_name=model_name, task=task, height=height, width=width)
    with counting("predicting") as bar:
        for done, path in enumerate(paths, start=1):
            written = save_prediction(net, path, output)
            bar(done, len(paths))
    out.print(
        f"{len(paths)} pictures -> {output}/ (the last: {', '.join(p.name for p in written)})",
        highlight=False,
    )


def _pictures(paths: list[Path]) -> list[Path]:
    endings = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".ppm"}
    found: list[Path] = []
    for path in paths:
        found += sorted(p for p in path.iterdir() if p.suffix.lower() in endings) if path.is_dir() else [path]
    return found
