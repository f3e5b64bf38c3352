"""What every metric here promises."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from jaxtyping import Shaped
from torch import Tensor
from torchmetrics import Metric

from segdepth.core.errors import InputError
from segdepth.kinds import Kind

__all__ = ["ScoreTable", "Scores", "by_class"]


def by_class(scores: Mapping[str, float | None]) -> dict[str, dict[str, float | None]]:
    """The scores of single classes: score, then class.

    Example:
        >>> by_class({"mIoU": 0.3, "IoU.road": 0.5, "IoU.sky": 0.1})
        {'IoU': {'road': 0.5, 'sky': 0.1}}
    """
    found: dict[str, dict[str, float | None]] = {}
    for name, value in scores.items():
        score, dot, of_class = name.partition(".")
        if dot:
            found.setdefault(score, {})[of_class] = value
    return found


class SumsOfPictures(Metric, ABC):
    """What is added up over pictures and processes."""

    is_differentiable = False
    full_state_update = False

    @property
    def update_called(self) -> bool:
        """Always true: scores of nothing are None, which is no reason for torchmetrics to warn."""
        return True

    @abstractmethod
    def update(self, prediction: Shaped[Tensor, "b ..."], truth: Shaped[Tensor, "b ..."]) -> None:
        """Score a batch of answers of one kind, ``[b, h, w, *values]``, at the truths' size."""


class Scores(SumsOfPictures):
    """Scores of answers: sums over pictures while it runs, scores by plain name at the end.

    ``metric(answers, truths)`` gives the scores of these pictures and adds them up; ``update`` adds them up without waiting for
    the device. Sums add up over processes.
    """

    @abstractmethod
    def compute(self) -> dict[str, float | None]:
        """The scores; None where there was nothing to score. Those of single classes have a dot before the class."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """How pictures were scored, as plain data to be stored beside the scores; with what was counted so far."""

    @property
    def range_m(self) -> tuple[float, float] | None:
        """Smallest and largest depth that is scored, metres; None of what has no depths."""
        return None

    def limited(self, range_m: tuple[float, float]) -> "Scores":
        """The same scores, of nothing yet, within another range of depths.

        Raises:
            InputError: if there are no depths in it.
        """
        raise InputError(f"{type(self).__name__} has no range of depths that {range_m} could take the place of")

    def aligned(self, how: str) -> "Scores":
        """The same scores, of nothing yet, of answers that are aligned to each image's truth.

        Args:
            how: one of :data:`~segdepth.metrics.alignment.ALIGNMENTS`.

        Raises:
            InputError: if nothing can be aligned.
        """
        raise InputError(f"{type(self).__name__} has no scale that {how} could align")

    def reading(self, kind: Kind) -> "Scores":
        """These scores, where they are of answers of a kind; else the same of such answers, of nothing yet.

        Args:
            kind: of the answers, whose name is that of the truths'.

        Raises:
            InputError: if such answers cannot be compared with truths as they are.
        """
        del kind
        return self

    def as_scored(
        self, answer: Shaped[Tensor, "h w *values"], truth: Shaped[Tensor, "h w *values"]
    ) -> Shaped[Tensor, "h w *values"]:
        """An answer as it is compared with its truth: where the protocol aligns it, aligned."""
        del truth
        return answer

    def words(self) -> str:
        """What of the protocol people have to know beside the average; empty where there is nothing."""
        return ""

    def tables(self) -> Mapping[str, "ScoreTable"]:
        """What the means hide, under the same protocol, by the name that a report calls it; empty."""
        return {}


class ScoreTable(SumsOfPictures):
    """Scores of parts of the pictures, such as those at a distance; fed like :class:`Scores`.

    Attributes:
        title: for people.
        columns: the scores of each part, in order.
    """

    title: ClassVar[str]
    columns: ClassVar[tuple[str, ...]]

    @abstractmethod
    def compute(self) -> dict[str, dict[str, float | None]]:
        """The scores by part, then by column; None where a part has no pixel."""
