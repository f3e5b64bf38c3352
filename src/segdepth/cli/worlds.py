"""Synthetic data sets on disk, made once, by one process at a time."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from segdepth.core.errors import InputError
from segdepth.core.files import write_json
from segdepth.core.locks import held
from segdepth.core.pictures import MAX_PIXELS
from segdepth.core.reading import limit, read_json

__all__ = ["Layout", "write_world"]

Layout = Literal["kitti_raw", "kitti_semantics", "cityscapes"]

#: What a finished tree is recognised by, and one that was begun.
_MANIFEST, _BEGUN = "segdepth_synthetic.json", "segdepth_synthetic.begun.json"


def write_world(
    root: Path,
    layout: Layout,
    *,
    num_images: int,
    height: int | None,
    width: int | None,
    seed: int,
    workers: int = 1,
    progress: Callable[[int, int], None],
) -> int:
    """Write a synthetic world; a finished one of the same description is left as it is.

    Args:
        root: its folder.
        layout: of which real data set.
        num_images: frames of the training split (Cityscapes: an eighth of that for validation), or in all.
        height: rows; None for the layout's own.
        width: columns; None for the layout's own.
        seed: another seed, another world.
        workers: processes that draw a Cityscapes tree.
        progress: called with (frames done, frames in all).

    Returns:
        Number of frames in the tree.

    Raises:
        InputError: if pictures of that size are not read, the folder holds a world of another description, even an unfinished
            one, or only one of height and width is given.
        BusyError: if another process writes there.
    """
    if (height is None) != (width is None):
        raise InputError("give --height and --width together, or neither")
    if height is not None and width is not None and height * width > (most := limit(*MAX_PIXELS)):
        raise InputError(
            f"pictures of {height}x{width} have more than the {most} pixels that are read ({MAX_PIXELS[0]})"
        )
    size = {} if height is None or width is None else {"height": height, "width": width}
    description: dict[str, Any] = {"layout": layout, "num_images": num_images, "seed": seed, **size}
    if not _is_finished(root, description):
        with held(root):
            if not _is_finished(root, description):  # by another process, meanwhile
                _begin(root, description)
                _draw(root, layout, num_images, seed=seed, workers=workers, progress=progress, **size)
                (root / _BEGUN).replace(root / _MANIFEST)
    return _frames(layout, num_images)


def _draw(root: Path, layout: Layout, num_images: int, *, workers: int, **options: Any) -> None:
    from segdepth.data.synthetic import write_cityscapes, write_kitti_raw, write_kitti_semantics

    if layout == "cityscapes":
        counts = {"train": num_images, "val": _held_out(num_images)}
        write_cityscapes(root, num_images=counts, workers=workers, **options)
    elif layout == "kitti_semantics":
        write_kitti_semantics(root, num_images=num_images, **options)
    else:
        drives, frames = _drives(num_images)
        write_kitti_raw(root, drives=range(1, drives + 1), frames=frames, **options)


def _held_out(num_images: int) -> int:
    return max(1, num_images // 8)


def _drives(num_images: int) -> tuple[int, int]:
    """Drives, and frames in each."""
    return max(1, num_images // 10), min(10, num_images)


def _frames(layout: Layout, num_images: int) -> int:
    """Of the whole tree."""
    if layout == "cityscapes":
        return num_images + _held_out(num_images)
    return math.prod(_drives(num_images)) if layout == "kitti_raw" else num_images


def _begin(root: Path, description: Mapping[str, Any]) -> None:
    """Note which world is begun: one of another description would be mixed with what is there.

    Raises:
        InputError: if another one was begun here.
    """
    if (root / _BEGUN).is_file():
        _require_same(root, _BEGUN, description)
    else:
        write_json(root / _BEGUN, description)


def _is_finished(root: Path, description: Mapping[str, Any]) -> bool:
    """Whether the folder holds this world.

    Raises:
        InputError: if it holds another one.
    """
    if not (root / _MANIFEST).is_file():
        return False
    _require_same(root, _MANIFEST, description)
    return True


def _require_same(root: Path, name: str, description: Mapping[str, Any]) -> None:
    found = read_json(root / name, "the description of a synthetic world", error=InputError)
    if found != description:
        raise InputError(f"{str(root)!r} holds another synthetic world ({found}); choose another folder or remove it")
