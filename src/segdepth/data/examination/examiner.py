"""What the doctor looks for in truths of any kind, and how it says what it found."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from segdepth.core.words import counted
from segdepth.kinds import KINDS, Colours
from segdepth.kinds.kind import Truth

from ..sample import Dataset, Sample

if TYPE_CHECKING:
    from typing import Self

__all__ = ["Examiner", "Finding", "Severity", "Shares", "few"]

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be.

    Attributes:
        severity: an error is wrong; a warning may be meant.
        where: split, and sample where it is one sample's.
        what: is wrong, in a sentence.
        todo: what would mend it.
    """

    severity: Severity
    where: str
    what: str
    todo: str


@dataclass(frozen=True, slots=True)
class Shares:
    """A table for people: into what parts a whole falls.

    Attributes:
        title: what the shares are of.
        rows: name of a part -> its share, 0..1.
        colours: RGB of each part, where pictures show it so.
    """

    title: str
    rows: Mapping[str, float]
    colours: Colours = ()


@dataclass
class Examiner:
    """Sees the truths of one kind, and remembers sums, so that what several examiners saw can be added up.

    This one knows what holds for all kinds: a truth is there, and is known in some pixel. A kind that can be wrong in other ways
    has a subclass in :data:`segdepth.data.examination.EXAMINERS`, which says all of its findings.

    Attributes:
        kind: name of the kind of truth.
        absent: samples without such a truth.
        empty: samples whose truth is known in (almost) no pixel.
    """

    kind: str
    absent: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)

    def look(self, sample: Sample, dataset: Dataset, index: int) -> None:
        """See one more sample.

        Args:
            sample: with its truths.
            dataset: it is of.
            index: its number there.

        Raises:
            DataError: if one of its files is broken.
        """
        if self.kind not in sample.truths:
            self.absent.append(sample.name)
            return
        if self._is_empty(sample.truth(self.kind)):
            self.empty.append(sample.name)
        self._look(sample, dataset, index)

    def add(self, other: "Self") -> None:
        """Take over what another one saw of other samples."""
        self.absent += other.absent
        self.empty += other.empty

    def findings(self, split: str, dataset: Dataset) -> Iterable[Finding]:
        """What is not as it should be.

        Args:
            split: that was seen.
            dataset: that was seen.
        """
        del dataset
        if self.absent:
            yield Finding(
                "warning",
                split,
                f"{counted(len(self.absent), 'sample')} without {self.kind}: {few(sorted(self.absent))}",
                "right where they are held back; otherwise fetch them",
            )
        if self.empty:
            yield Finding(
                "error",
                split,
                f"{counted(len(self.empty), 'sample')} with {self.kind} that are known in no pixel:"
                f" {few(sorted(self.empty))}",
                "see the files that they come from: these pictures teach nothing",
            )

    def sentences(self) -> Iterable[str]:
        """What people may want to know besides."""
        return ()

    def tables(self, dataset: Dataset) -> Iterable[Shares]:
        """What of it there is how often.

        Args:
            dataset: that was seen.
        """
        del dataset
        return ()

    def _is_empty(self, truth: Truth) -> bool:
        return bool(np.all(truth == KINDS[self.kind].void))

    def _look(self, sample: Sample, dataset: Dataset, index: int) -> None:
        """See what is particular to the kind; the truth is there."""


def few(names: Sequence[str]) -> str:
    """The first of some names.

    Example:
        >>> few(["a", "b"]), few(["a", "b", "c", "d"])
        ('a, b', 'a, b, c, ...')
    """
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
