"""The pictures of a study: every network sees the same ones, in the same order."""

from pathlib import Path
from typing import Any

from segdepth.config import Config
from segdepth.core.errors import DataError, InputError, SegdepthError
from segdepth.core.tables import pick
from segdepth.data import DATASETS, Dataset, open_dataset, stored_kinds
from segdepth.data.files import IMAGE_ENDINGS
from segdepth.data.frames import Frame, FrameDataset
from segdepth.tasks import TASKS

__all__ = ["DEFAULT_NUM_IMAGE", "PictureFolder", "how_many", "open_configured", "open_frames"]

#: Pictures of the published study.
DEFAULT_NUM_IMAGE = 100


class PictureFolder(FrameDataset):
    """All pictures of a folder and its subfolders, sorted, without any truth.

    Args:
        path: the folder.

    Raises:
        DataError: if there is none in it.
    """

    def __init__(self, path: Path) -> None:
        files = sorted(file for file in path.rglob("*") if file.suffix.lower() in IMAGE_ENDINGS)
        frames = [Frame(file.relative_to(path).with_suffix("").as_posix(), file) for file in files]
        super().__init__(path, "all", frozenset(), frames=frames, dataset="pictures")


def open_frames(path: Path | None, dataset: str | None, split: str, **options: Any) -> Dataset:
    """A named data set, KITTI semantics where a folder is laid out so, or else the pictures of a folder.

    Args:
        path: of the data.
        dataset: name in the table of data sets; None: judge by the folder.
        split: of a data set that has splits.
        **options: of the data set that is named.

    Raises:
        DataError: if there are no pictures.
    """
    if dataset is not None:
        return _open_named(dataset, path, split, **options)
    if options:
        raise InputError(f"{next(iter(options))}= is an option of a data set; name that, too")
    if path is None:
        raise InputError(
            "name the pictures: --data_path (KITTI semantics, or a folder of pictures), --dataset or --config"
        )
    if not path.is_dir():
        raise DataError(f"no folder {path} (--data_path)")
    if (path / "training" / "image_2").is_dir():
        return _open_named("kitti", path, split)
    return PictureFolder(path)


def _open_named(name: str, path: Path | None, split: str, **options: Any) -> Dataset:
    """With all truths where one reader has them, else with the first that it has."""
    first = next(iter(pick(DATASETS, name, kind="data set")))
    return open_dataset(name, path=path, split=split, target=stored_kinds(name, together_with=first), **options)


def open_configured(config: Config, split: str | None) -> Dataset:
    """A split of a configuration's data set with both truths where one reader has them, else with the task's."""
    section = config.data
    own = TASKS[config.task].target
    wanted = stored_kinds(section.dataset, together_with=own)

    def read(targets: frozenset[str]) -> Dataset:
        name = split or section.val_split
        return open_dataset(section.dataset, path=section.path, split=name, target=targets, **section.options)

    try:
        return read(wanted)
    except SegdepthError:  # files of the other truth may not be there
        return read(frozenset({own}))


def how_many(dataset: Dataset, wanted: int | None) -> int:
    """Exactly as many pictures as asked for.

    Args:
        dataset: of the study.
        wanted: None takes up to :data:`DEFAULT_NUM_IMAGE`.

    Raises:
        InputError: if there are fewer.
    """
    if wanted is None:
        return min(DEFAULT_NUM_IMAGE, len(dataset))
    if wanted > len(dataset):
        of = "" if dataset.path is None else f" of {str(dataset.path)!r}"
        raise InputError(
            f"--num_image is {wanted}, but the split {dataset.split!r}{of} has {len(dataset)} pictures; "
            "ask for fewer, or name another --split"
        )
    return wanted
