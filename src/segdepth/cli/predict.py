"""``segdepth predict``."""

import os
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import CHECKPOINT_HELP, NETWORK, CoresEach, NetworkOptions, On, gpus_for, place_of, spread

if TYPE_CHECKING:
    from segdepth.config import Config
    from segdepth.data import Dataset
    from segdepth.networks import Network

__all__ = ["pictures_in", "predict"]

_ENDINGS = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".ppm"}


@spread()
def predict(
    images: Annotated[
        list[Path] | None, typer.Argument(help="Pictures, or folders of them.", metavar="[IMAGE]...", show_default=False)
    ] = None,
    checkpoint: Annotated[
        str | None,
        typer.Option("--checkpoint", "--model_path", metavar=NETWORK, show_default=False,
                     help=f"{CHECKPOINT_HELP} With --config by default testing.trained_model."),
    ] = None,
    image_path: Annotated[
        list[Path] | None, typer.Option("--image_path", "--img_path", help="The same, as an option.", show_default=False)
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="YAML configuration: predict the pictures of its data.test_split.",
                     show_default=False),
    ] = None,
    output: Annotated[Path, typer.Option("--out", "--out_path", help="Folder for the results.")] = Path("predictions"),
    label_ids: Annotated[
        bool,
        typer.Option("--label-ids", help="Segmentation: write nothing but <picture>.png with label ids, as benchmark servers"
                     " (Cityscapes, KITTI) want them."),
    ] = False,
    on: On = None,
    cores_each: CoresEach = 1,
    *,
    network: NetworkOptions,
) -> None:  # fmt: skip
    """Predict pictures: class ids as PNG, metres as 16-bit PNG (x 256) and .npy, normals or relative depth as .npy; and coloured.

    Pictures of several folders keep their folders below the one that all of them are in.
    """
    import torch

    from segdepth.core.errors import ConfigError, InputError
    from segdepth.core.words import counted
    from segdepth.evaluation.predicting import PredictionJob

    from .console import counting, log_to_terminal, out, results_in

    log_to_terminal()

    paths = pictures_in([*(images or []), *(image_path or [])], output)
    named: str | Path | None = checkpoint
    if config is not None:
        from segdepth.config import load_config
        from segdepth.config.splits import open_split

        checked = load_config(config)
        dataset = open_split(checked, checked.data.test_split)
        paths += _pictures_of(dataset, checked)
        named = checkpoint or (checked.testing.trained_model if checked.testing else None)
    if named is None:
        raise ConfigError("name a checkpoint: --checkpoint, or --config with testing.trained_model in it")
    if not paths:
        raise InputError("name at least one picture, or a folder with pictures (PNG, JPEG)")
    places = _places(paths)
    place = place_of(on, cores_each)
    load = partial(_load, network, str(named), config)
    net = load()
    make = (lambda: net) if on is None else load
    written: dict[Path, list[Path]] = {}
    with results_in(f"{output}/"), counting("predicting") as bar:
        tasks = [(path, output / folder) for path, folder in places.items()]
        job = PredictionJob(make, label_ids, torch.get_num_threads(), gpus_for(network.device))
        outcomes = place.carry_out(job, tasks)
        with closing(outcomes):
            for done, ((path, _), files) in enumerate(outcomes, start=1):
                written[path] = files or []
                bar(done, len(places))
    out.print(
        f"{counted(len(places), 'picture')} -> {counted(sum(map(len, written.values())), 'file')} in {output}/"
        f" (the last: {', '.join(p.relative_to(output).as_posix() for p in written[tasks[-1][0]])})",
        soft_wrap=True,
    )


def _load(options: NetworkOptions, named: str, config: Path | None) -> "Network":
    """The network, in whichever process this is; what a configuration says of the data helps one that says nothing of itself."""
    from segdepth.tasks import find_origin

    if config is None:
        return options.load(find_origin(named))
    from segdepth.config import load_config
    from segdepth.config.splits import open_split

    checked = load_config(config)
    return options.load(
        find_origin(named), likely=checked.task, data=lambda _: open_split(checked, checked.data.test_split)
    )


def _places(paths: list[Path]) -> dict[Path, Path]:
    """Each picture once, with its folder below the one that all are in.

    Raises:
        InputError: if two pictures of a folder would have the same results.
    """
    from segdepth.core.errors import InputError

    root = os.path.commonpath([path.absolute().parent for path in paths])
    places: dict[Path, Path] = {}
    first: dict[Path, Path] = {}
    for path in {path.absolute(): path for path in paths}.values():
        places[path] = path.absolute().parent.relative_to(root)
        result = places[path] / path.stem
        if result in first:
            raise InputError(
                f"{str(first[result])!r} and {str(path)!r} would have the same results; predict one at a time"
            )
        first[result] = path
    return places


def _pictures_of(dataset: "Dataset", config: "Config") -> list[Path]:
    """The pictures of a configuration's test split, without their truth."""
    from segdepth.core.errors import ConfigError

    pictures = [dataset.picture(index) for index in range(len(dataset))]
    if None in pictures:
        raise ConfigError(
            f"the data set {config.data.dataset!r} has no picture files to predict; name pictures instead"
        )
    return [picture for picture in pictures if picture is not None]


def pictures_in(paths: Sequence[Path], output: Path | None = None) -> list[Path]:
    """The pictures that are named, one by one or by their folder.

    Args:
        paths: of pictures and folders.
        output: our own results are in this folder, and left out; None: there are none.

    Raises:
        InputError: if a folder has none, nor a folder below it.
    """
    return [picture for path in paths for picture in (_of_folder(path, output) if path.is_dir() else [path])]


def _of_folder(folder: Path, output: Path | None) -> list[Path]:
    """A folder's own pictures, or, where it has none, those of the folders below it, our own results left out."""
    from segdepth.core.errors import InputError

    own = sorted(file for file in folder.iterdir() if _is_picture(file))
    if own:
        return own
    below = sorted(file for file in folder.rglob("*") if _is_picture(file))
    found = [file for file in below if output is None or not file.absolute().is_relative_to(output.absolute())]
    if not found:
        raise InputError(f"there is no picture in {str(folder)!r} or a folder below it ({', '.join(sorted(_ENDINGS))})")
    return found


def _is_picture(file: Path) -> bool:
    return file.suffix.lower() in _ENDINGS and not file.name.startswith(".")
