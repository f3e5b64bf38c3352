"""Labels: which classes there are, and how much belongs to none."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int64
from numpy import ndarray

from segdepth.core.words import counted
from segdepth.kinds import IGNORE

from ..sample import Dataset, Sample
from .examiner import Examiner, Finding, Shares, few

if TYPE_CHECKING:
    from typing import Self

__all__ = ["LabelExaminer"]

_MANY_IGNORED = 0.5


@dataclass
class LabelExaminer(Examiner):
    """Counts the pixels of each class.

    Attributes:
        classes: pixels of each train id.
    """

    classes: Int64[ndarray, "256"] = field(default_factory=lambda: np.zeros(256, np.int64))

    def _look(self, sample: Sample, dataset: Dataset, index: int) -> None:
        del dataset, index
        self.classes = self.classes + np.bincount(sample.truth(self.kind).ravel(), minlength=256)

    def add(self, other: "Self") -> None:
        """See :meth:`Examiner.add`."""
        super().add(other)
        self.classes = self.classes + other.classes

    def findings(self, split: str, dataset: Dataset) -> Iterable[Finding]:
        """See :meth:`Examiner.findings`: files without any class, much that is ignored, classes that never occur."""
        if dataset.classes is None:
            return
        if self.empty:
            yield Finding(
                "error",
                split,
                f"{counted(len(self.empty), 'label file')} without any class, every pixel is ignored:"
                f" {few(sorted(self.empty))}",
                "fetch them anew, or remove these pictures: they teach nothing",
            )
        ignored = self.ignored()
        if ignored is not None and ignored > _MANY_IGNORED:
            yield Finding(
                "warning",
                split,
                f"{100 * ignored:.0f} % of the pixels are ignored",
                "see whether the label files hold other values than expected",
            )
        counts = self.classes[: len(dataset.classes)]
        absent = [name for name, count in zip(dataset.classes.names, counts, strict=True) if count == 0]
        if absent:
            yield Finding(
                "warning",
                split,
                f"classes that never occur: {', '.join(absent)}",
                "right for a small set; otherwise see the label ids",
            )

    def ignored(self) -> float | None:
        """Share of all pixels that belong to no class; None where nothing has labels."""
        return float(self.classes[IGNORE] / self.classes.sum()) if self.classes.any() else None

    def sentences(self) -> Iterable[str]:
        """See :meth:`Examiner.sentences`: how much is ignored."""
        ignored = self.ignored()
        if ignored is not None:
            yield f"Ignored: {100 * ignored:.1f} % of all pixels."

    def tables(self, dataset: Dataset) -> Iterable[Shares]:
        """See :meth:`Examiner.tables`: the share of the labelled pixels of each class."""
        if dataset.classes is None or not self.classes.any():
            return
        counts = self.classes[: len(dataset.classes)]
        shares = (counts / max(counts.sum(), 1)).tolist()
        yield Shares("share of labelled pixels", dict(zip(dataset.classes.names, shares, strict=True)), dataset.colours)
