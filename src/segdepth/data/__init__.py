"""Data sets on disk or made up, augmentations, and batches made of them: RGB, train ids and metres."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from segdepth.core.errors import ConfigError
from segdepth.core.tables import did_you_mean, pick

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

__all__ = ["DATASETS", "Dataset", "Sample", "open_dataset", "stored_kinds"]

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

#: Name in the configuration -> what it has the truth of -> who reads that, or what that is computed from.
DATASETS: Mapping[str, Mapping[str, type[Dataset]]] = MappingProxyType(
    {name: with_derived(readers) for name, readers in _READERS.items()}
)


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
        ConfigError: if there is no such data set or option, or if the data set has no such truth.
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
    if leave_out_missing and _ALLOW_MISSING in known:
        options[_ALLOW_MISSING] = True
    dataset = reader(path, split, frozenset(map(source_of, targets)), **options)
    return dataset if all(map(stored, targets)) else Derived(dataset, targets)


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
