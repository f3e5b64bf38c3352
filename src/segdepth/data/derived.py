"""Truths that are computed from others: a data set with depth and a known camera has surface normals, too."""

from collections.abc import Mapping
from dataclasses import replace

from segdepth.core.errors import DataError
from segdepth.kinds import KINDS

from .sample import Dataset, Sample
from .view import DatasetView

__all__ = ["Derived", "source_of", "stored", "with_derived"]


class Derived(DatasetView):
    """A data set with truths that are computed from those that it reads, at the files' own size.

    Args:
        dataset: that reads what they are computed from.
        targets: the kinds of truth wanted; those that are read stay as they are, others are left out.
    """

    def __init__(self, dataset: Dataset, targets: frozenset[str]) -> None:
        super().__init__(dataset)
        self.targets = targets
        self.origins = {
            kind: _origin(dataset, kind) for kind in sorted(targets) if not stored(kind) or kind in dataset.origins
        }

    def __getitem__(self, index: int) -> Sample:
        """Sample number ``index``.

        Raises:
            DataError: if a file is broken, or nobody knows the sample's camera.
        """
        sample = self._dataset[index]
        if sample.focal_px is None:
            raise DataError(f"the camera of {sample.name!r} is not known, so nothing can be computed from its truth")
        height, width = sample.image.shape[:2]
        camera = sample.focal_px, self._dataset.optical_axis(index, (height, width))
        truths = {
            kind: KINDS[kind].derive(sample.truth(source), *camera) if source != kind else sample.truth(kind)
            for kind, source in ((kind, source_of(kind)) for kind in sorted(self.targets))
        }
        return replace(sample, truths=truths)


def _origin(dataset: Dataset, kind: str) -> str:
    source = source_of(kind)
    words = dataset.origins.get(source, f"{source} of {dataset.reader}")
    return (
        words
        if stored(kind)
        else f"computed from {source}: {words}"
        if source in dataset.origins
        else f"computed from {words}"
    )


def source_of(kind: str) -> str:
    """The kind of truth that is read for another one: itself, where files hold it."""
    return KINDS[kind].derived_from or kind


def stored(kind: str) -> bool:
    """Whether files hold this kind of truth."""
    return source_of(kind) == kind


def with_derived(readers: Mapping[str, type[Dataset]]) -> dict[str, type[Dataset]]:
    """Readers by kind of truth, those of derived kinds as well; nothing is computed from single points.

    Args:
        readers: by the kind that their files hold.
    """
    derived = {
        kind: readers[source_of(kind)]
        for kind in KINDS
        if not stored(kind) and source_of(kind) in readers and source_of(kind) not in readers[source_of(kind)].points
    }
    return dict(readers) | derived
