"""What a task decides, in one record."""

from collections.abc import Callable
from dataclasses import dataclass

from segdepth.core.errors import ConfigError
from segdepth.core.tables import pick
from segdepth.data.sample import Dataset
from segdepth.metrics import Scores
from segdepth.networks import OUTPUTS
from segdepth.runs import TaskFacts

__all__ = ["Task"]


@dataclass(frozen=True, slots=True)
class Task:
    """One of the questions that a network answers.

    Attributes:
        facts: its name and its scores; what can be said of it without torch.
        target: the truth that it needs from a data set.
        output: what the network answers, a name in :data:`segdepth.networks.outputs.OUTPUTS`.
        default_loss: name of a loss that reads the target.
        legacy_preprocessing: what the ancestor fed its networks; None where it has no such task.
        make_metric: the metric that fits a data set (its classes; its depth range and crop).
    """

    facts: TaskFacts
    target: str
    output: str
    default_loss: str
    legacy_preprocessing: str | None
    make_metric: Callable[[Dataset], Scores]

    @property
    def name(self) -> str:
        """What a config calls it."""
        return self.facts.name

    @property
    def outputs(self) -> tuple[str, ...]:
        """What networks for this task may answer, names in :data:`segdepth.networks.outputs.OUTPUTS`; the usual one first."""
        return self.output, *(
            name for name, one in OUTPUTS.items() if one.answers.name == self.target and name != self.output
        )

    def output_named(self, answers: str | None) -> str:
        """The output that a user names; None for the usual one.

        Raises:
            ConfigError: if there is none of that name, or it is no answer to this task.
        """
        if answers is None:
            return self.output
        pick(OUTPUTS, answers, kind="output")
        if answers not in self.outputs:
            raise ConfigError(f"{answers!r} is no answer to task {self.name!r} (these are: {', '.join(self.outputs)})")
        return answers

    @property
    def table_scores(self) -> tuple[str, ...]:
        """The scores that a summary shows, in order."""
        return self.facts.scores

    @property
    def best_score(self) -> str:
        """The score that decides which checkpoint is the best."""
        return self.facts.best_score

    @property
    def higher_is_better(self) -> bool:
        """About that score."""
        return self.facts.higher_is_better(self.best_score)

    def is_better(self, score: float | None, best: float | None) -> bool:
        """Whether ``score`` beats ``best``; an undefined score beats nothing, any score beats none."""
        if score is None:
            return False
        if best is None:
            return True
        return score > best if self.higher_is_better else score < best
