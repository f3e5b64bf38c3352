"""What a task decides, in one record."""

from collections.abc import Callable
from dataclasses import dataclass

from segdepth.data.sample import Dataset
from segdepth.metrics import Scores
from segdepth.networks.outputs import OutputKind

__all__ = ["Task"]


@dataclass(frozen=True, slots=True)
class Task:
    """One of the questions that a network answers.

    Attributes:
        name: what a config calls it.
        target: the truth that it needs from a data set.
        output: what the network answers.
        default_loss: name in ``LOSSES[target]``.
        best_score: the score that decides which checkpoint is the best.
        higher_is_better: about that score.
        table_scores: the scores that a summary shows, in order.
        legacy_preprocessing: what the ancestor fed its networks.
        make_metric: the metric that fits a data set (its classes; its depth range and crop).
    """

    name: str
    target: str
    output: OutputKind
    default_loss: str
    best_score: str
    higher_is_better: bool
    table_scores: tuple[str, ...]
    legacy_preprocessing: str
    make_metric: Callable[[Dataset], Scores]

    def is_better(self, score: float | None, best: float | None) -> bool:
        """Whether ``score`` beats ``best``; an undefined score beats nothing, any score beats none."""
        if score is None:
            return False
        if best is None:
            return True
        return score > best if self.higher_is_better else score < best
