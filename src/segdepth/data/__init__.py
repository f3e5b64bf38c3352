"""Data sets on disk or made up, augmentations, and batches made of them: RGB, train ids and metres."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from segdepth.core.errors import ConfigError
from segdepth.core.tables import OpenTable, did_you_mean, pick, require_readable_options
from segdepth.core.words import of_pydantic
from segdepth.kinds import KINDS, by_kind

from .camvid import CamVid
from .cityscapes import Cityscapes
from .derived import Derived, source_of, stored, with_derived
from .folder import Folder
from .kitti_depth import KittiDepth
from .kitti_eigen import KittiEigen
from .kitti_frames import KittiRaw
from .kitti_joint import KittiJoint
from .kitti_seg import KittiSemantics
from .nyuv2 import NYUv2
from .sample import Dataset, Sample, reader_options
from .synthetic import Synthetic

__all__ = ["DATASETS", "Dataset", "Sample", "open_dataset", "register_dataset", "stored_kinds"]

_READERS: dict[str, dict[str, type[Dataset]]] = {
    "camvid": {"labels": CamVid},
    "cityscapes": {"labels": Cityscapes, "depth": Cityscapes},
    "folder": {"labels": Folder, "depth": Folder},
    "kitti": {"labels": KittiSemantics, "depth": KittiDepth},
    "kitti_eigen": {"depth": KittiEigen},
    "kitti_joint": {"labels": KittiJoint, "depth": KittiJoint},
    "kitti_raw": {"depth": KittiRaw},
    "nyuv2": {"labels": NYUv2, "depth": NYUv2},
    "synthetic": {"labels": Synthetic, "depth": Synthetic},
}

#: The option of readers that refuse samples of which a file is missing.
_ALLOW_MISSING = "allow_missing"


def _checked(given: Any) -> dict[str, type[Dataset]]:
    readers = by_kind(given, KINDS, "a reader, which is a subclass of segdepth.data.Dataset", _is_reader)
    for reader in readers.values():
        require_readable_options(reader)
    return with_derived(readers)


def _is_reader(given: Any) -> bool:
    return isinstance(given, type) and issubclass(given, Dataset)


#: Name in the configuration -> what it has the truth of -> who reads that, or what that is computed from.
DATASETS: OpenTable[Mapping[str, type[Dataset]]] = OpenTable(
    {name: with_derived(readers) for name, readers in _READERS.items()},
    kind="data set",
    group="segdepth.datasets",
    checked=_checked,
)


def register_dataset(name: str, readers: Mapping[str, type[Dataset]]) -> None:
    """Let ``data.dataset`` know a data set by a name, in this process.

    A package does the same for all processes with an entry point of the group ``segdepth.datasets`` that holds the mapping.

    Args:
        name: not one of ours.
        readers: for each kind of truth ("labels", "depth", "normals") who reads it: a subclass of :class:`Dataset`, the same
            for kinds that are known of the same pictures. The keyword arguments of its constructor are the data set's options
            in a configuration, and are checked by their types.

    Raises:
        ConfigError: if the name cannot be one, there is no such kind, or something is no reader.

    Example::

        class Ramps(segdepth.data.Dataset):
            def __init__(self, path, split, targets, *, count: int = 4):
                super().__init__(path, split, targets)
                self.names = [f"{split}/{index}" for index in range(count)]
                self.depth_range = (0.5, 10.0)

            def __getitem__(self, index):
                depth = np.linspace(1, 5, 64 * 96, dtype=np.float32).reshape(64, 96)
                image = np.repeat(depth[..., None] * 50, 3, axis=2).astype(np.uint8)
                return segdepth.data.Sample(image, self.names[index], {"depth": depth})

        segdepth.register_dataset("ramps", {"depth": Ramps})
    """
    DATASETS.register(name, readers)


def open_dataset(
    name: str,
    *,
    path: Path | None,
    split: str,
    target: str | frozenset[str],
    leave_out_missing: bool = False,
    **options: Any,
) -> Dataset:
    """The data set of a name, ready to read pictures and their truth.

    Args:
        name: one of :data:`DATASETS`.
        path: the data set's folder; None for one that is made up.
        split: "train", "val", "test", or what the data set knows besides.
        target: the truth wanted; several where one reader has them together.
        leave_out_missing: samples of which a file is missing are left out, whatever the options say; many readers refuse them
            otherwise, and the others have no need to be told.
        options: the data set's own options.

    Raises:
        ConfigError: if there is no such data set or option, an option is of another type, or the data set has no such truth.
        DataError: if a file or folder is missing.
    """
    readers = pick(DATASETS, name, kind="data set")
    targets = frozenset({target}) if isinstance(target, str) else target
    for wanted in sorted(targets - readers.keys()):
        fitting = ", ".join(other for other, entry in DATASETS.items() if wanted in entry)
        raise ConfigError(f"the data set {name!r} has no {wanted} (these have: {fitting})")
    reader, *others = {readers[wanted] for wanted in sorted(targets)}
    if others:
        raise ConfigError(
            f"the data set {name!r} has {' and '.join(sorted(targets))} of different pictures, not together"
        )
    known = reader_options(reader)
    for option in options:
        if option not in known:
            choices = did_you_mean(option, known) if known else "(it has none)"
            raise ConfigError(f"the data set {name!r} has no option {option!r} {choices}")
    types = get_type_hints(reader.__init__)
    options = {option: _typed(types[option], option, value) for option, value in options.items()}
    if leave_out_missing and _ALLOW_MISSING in known:
        options[_ALLOW_MISSING] = True
    dataset = reader(path, split, frozenset(map(source_of, targets)), **options)
    return dataset if all(map(stored, targets)) else Derived(dataset, targets)


def _typed(annotation: Any, option: str, value: Any) -> Any:
    """The value of an option, as its type.

    Raises:
        ConfigError: if it is of another.
    """
    try:
        return TypeAdapter(annotation).validate_python(value)
    except ValidationError as error:
        said = of_pydantic(error.errors()[0]["msg"])
        raise ConfigError(f"data.{option}: {said}, but {value!r} is given") from None


def stored_kinds(name: str, together_with: str | None = None) -> frozenset[str]:
    """The kinds of truth that the files of a data set hold.

    Args:
        name: one of :data:`DATASETS`.
        together_with: only those that are read together with this kind, and the kind itself, even if it is computed.

    Raises:
        ConfigError: if there is no such data set.
    """
    readers = pick(DATASETS, name, kind="data set")
    if together_with is None:
        return frozenset(filter(stored, readers))
    reader = readers[together_with]
    return frozenset(kind for kind in readers if readers[kind] is reader and (stored(kind) or kind == together_with))
