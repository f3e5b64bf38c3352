"""``segdepth prepare``."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from .command import App
from .options import CoresEach, On, Processes, place_of

if TYPE_CHECKING:
    from segdepth.data.kitti_names import KittiDrive
    from segdepth.executing import Place

__all__ = ["prepare_app"]

prepare_app = App(help="Turn a downloaded data set into what training reads.", no_args_is_help=True)


@prepare_app.callback()
def prepare() -> None:
    """Turn a downloaded data set into what training reads."""


@prepare_app.command()
def kitti(
    source: Annotated[
        Path,
        typer.Option("--dataset_dir", "--dataset-dir", help="KITTI raw: the folder with 2011_09_26/ and so on.",
                     show_default=False),
    ],
    output: Annotated[Path, typer.Option("--dump-root", "--out", help="Folder of the prepared data.", show_default=False)],
    drive: Annotated[
        list[str] | None,
        typer.Option("--drive", help="Only this drive, such as 2011_09_26_drive_0001_sync; again for more. By default all but"
                     " the 28 test scenes; one of these is prepared where it is named, and listed in test.txt.",
                     show_default=False),
    ] = None,
    height: Annotated[int, typer.Option("--height", help="Rows of the prepared pictures.")] = 256,
    width: Annotated[int, typer.Option("--width", help="Columns of the prepared pictures.")] = 832,
    num_threads: Processes = None,
    on: On = None,
    cores_each: CoresEach = 1,
    static: Annotated[
        str,
        typer.Option("--static-frames",
                     help="Frames to leave out because the car stands still: 'list' (SfMLearner's), a file like it,"
                          " 'speed' (by the positioning system), or 'none'."),
    ] = "list",
    image_format: Annotated[Literal["jpg", "png"], typer.Option("--image-format", help="Of the pictures.")] = "jpg",
    jpeg_quality: Annotated[int, typer.Option("--jpeg-quality", help="1..100.")] = 95,
    depth_format: Annotated[
        Literal["npy", "png"], typer.Option("--depth-format", help="npy: float32 metres; png: 16 bits, metres x 256.")
    ] = "npy",
    depth_reduction: Annotated[
        Literal["nearest-point", "reference"],
        typer.Option("--depth-reduction",
                     help="nearest-point: project at full size, keep the nearest point of each small pixel;"
                          " reference: project into the small picture."),
    ] = "nearest-point",
    val_share: Annotated[float, typer.Option("--val-share", help="Share of the scenes that are validation.")] = 0.1,
    shard: Annotated[
        str | None,
        typer.Option("--shard", help="i/n: the part i (0..n-1) of n that run on many machines; by default that of torchrun.",
                     show_default=False),
    ] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out frames with a broken file, and with --static-frames speed drives"
                     " without speeds, and list them, instead of stopping.")
    ] = False,
) -> None:  # fmt: skip
    """Prepare KITTI raw for training depth: resized pictures, projected laser scans, train.txt and val.txt.

    The command may be stopped at any moment and given again: it goes on, and verifies what is there.
    """
    from segdepth.core.words import counted
    from segdepth.data.kitti_plan import Setup
    from segdepth.data.prepare_kitti import prepare_kitti
    from segdepth.data.splits import eigen_test_scenes

    from .console import GOES_ON, counting, err, out, results_in

    drives = tuple(map(_drive, drive or ()))
    setup = Setup(height, width, image_format, jpeg_quality, depth_format, depth_reduction, static, val_share, drives)
    part = _shard(shard)
    for test_scene in sorted(eigen_test_scenes().intersection(drives)):
        err.print(
            f"warning: {test_scene} is a test scene of Eigen et al.: it goes to test.txt, not to train.txt or val.txt; a network"
            " that learns from it gets scores on Eigen's test files that are too good",
            soft_wrap=True,
        )
    with results_in(f"{output}/", GOES_ON), counting("preparing") as bar:
        done = prepare_kitti(
            source,
            output,
            setup,
            shard=part,
            place=_place(on, cores_each, num_threads),
            skip_bad=skip_bad,
            progress=bar,
        )
    for frame, why in sorted(done.bad.items()):
        err.print(f"left out {frame}: {why}", soft_wrap=True)
    out.print(f"{counted(done.made, 'picture')} made, {done.verified} verified -> {output}/", soft_wrap=True)
    if done.manifest is None:
        missing = ", ".join(map(str, done.waiting_for))
        out.print(f"shard {part[0]}/{part[1]} is done; the lists come when these are: {missing}", soft_wrap=True)
    else:
        counts: dict[str, int] = done.manifest["counts"]  # type: ignore[assignment]
        out.print(", ".join(f"{name.replace('_', ' ')} {value}" for name, value in counts.items()), soft_wrap=True)
        for why, names in _by_reason(done.manifest["left_out"]).items():  # type: ignore[arg-type]
            some = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
            out.print(f"left out, {why}: {len(names)} ({some})", soft_wrap=True)
        if counts["val_folders"] == 0 and counts["train_folders"] > 0:
            err.print(
                "warning: no folder is for validation, val.txt is empty (--val-share of one drive, or 0): training needs one",
                soft_wrap=True,
            )  # fmt: skip


def _place(on: str | None, cores: int, processes: int | None) -> "Place":
    """Where the work is done: as named, or in so many processes of this machine.

    Raises:
        InputError: if both are given, or there is no such place.
    """
    from segdepth.core.errors import InputError
    from segdepth.core.processes import usable_cores
    from segdepth.executing import Here, Local

    if on is not None and processes is not None:
        raise InputError("--num-threads N is --on local:N; give one of the two")
    if on is not None:
        return place_of(on, cores)
    processes = processes or usable_cores()
    return Local(processes) if processes > 1 else Here()


def _drive(text: str) -> "KittiDrive":
    """The drive of a name.

    Raises:
        InputError: if it is no drive's.
    """
    from segdepth.core.errors import InputError
    from segdepth.data.kitti_names import KittiDrive

    drive = KittiDrive.read(text)
    if drive is None:
        raise InputError(f"--drive is {text!r}; it must look like {KittiDrive('2011_09_26', '0001')}")
    return drive


def _by_reason(left_out: Mapping[str, str]) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for name, why in left_out.items():
        names.setdefault(why, []).append(name)
    return names


def _shard(text: str | None) -> tuple[int, int]:
    """The part to do: as said, or this process's among those that torchrun started, or everything."""
    from segdepth.core import group
    from segdepth.core.errors import InputError

    if text is None:
        return group.rank(), group.world_size()
    index, slash, count = text.partition("/")
    if not (slash and index.isdigit() and count.isdigit()):
        raise InputError(f"--shard is {text!r}; it must look like 0/4, the first of four parts")
    return int(index), int(count)
