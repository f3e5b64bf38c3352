"""Synthetic data sets on disk, made once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from segdepth.core.errors import InputError
from segdepth.core.files import write_json
from segdepth.core.reading import read_json

__all__ = ["Layout", "write_world"]

Layout = Literal["kitti_raw", "kitti_semantics", "cityscapes"]

#: What a finished tree is recognised by.
_MANIFEST = "segdepth_synthetic.json"


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
        InputError: if the folder holds a world of another description, or only one of height and width is given.
    """
    from segdepth.data.synthetic import write_cityscapes, write_kitti_raw, write_kitti_semantics

    if (height is None) != (width is None):
        raise InputError("give --height and --width together, or neither")
    size: dict[str, Any] = {} if height is None or width is None else {"height": height, "width": width}
    description: dict[str, Any] = {"layout": layout, "num_images": num_images, "seed": seed, **size}
    frames = num_images
    held_out = max(1, num_images // 8)
    if layout == "cityscapes":
        frames += held_out
    manifest = root / _MANIFEST
    if manifest.is_file():
        found = read_json(manifest, "the description of a synthetic world", error=InputError)
        if found != description:
            raise InputError(
                f"{str(root)!r} holds another synthetic world ({found}); choose another folder or remove it"
            )
        return frames
    if layout == "cityscapes":
        counts = {"train": num_images, "val": held_out}
        write_cityscapes(root, num_images=counts, seed=seed, workers=workers, progress=progress, **size)
    elif layout == "kitti_semantics":
        write_kitti_semantics(root, num_images=num_images, seed=seed, progress=progress, **size)
    else:
        drives, per_drive = max(1, num_images // 10), min(10, num_images)
        frames = drives * per_drive
        write_kitti_raw(root, drives=range(1, drives + 1), frames=per_drive, seed=seed, progress=progress, **size)
    write_json(manifest, description)
    return frames
