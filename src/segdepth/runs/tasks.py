"""What can be said of a task without torch: what it is called, how it is drawn, and its scores."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["TASK_FACTS", "TaskFacts"]


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """What lists of runs and reports need of a task; :class:`segdepth.tasks.Task` has it from here.

    Attributes:
        name: what a config calls it.
        title: for people, in a word.
        full_title: where there is room for it.
        colour: of its curves, histograms and headings, as HTML has it.
        moved: how far an answer moved, in words (:meth:`segdepth.networks.Output.change`).
        scores: those that a summary shows, in order; the first decides which checkpoint is the best.
        errors: those of them of which less is better.
    """

    name: str
    title: str
    full_title: str
    colour: str
    moved: str
    scores: tuple[str, ...]
    errors: tuple[str, ...] = ()

    @property
    def best_score(self) -> str:
        """The score that decides which checkpoint is the best."""
        return self.scores[0]

    def higher_is_better(self, score: str) -> bool:
        """About one of its scores."""
        return score not in self.errors


#: By name. The colours of the first two are those of the published histograms.
TASK_FACTS: Mapping[str, TaskFacts] = MappingProxyType({
    facts.name: facts
    for facts in (
        TaskFacts(
            "seg", "segmentation", "semantic segmentation", "#c2410c", "change of the predicted class's probability",
            scores=("mIoU", "mAcc", "aAcc", "FWIoU"),
        ),
        TaskFacts(
            "depth", "depth", "monocular depth", "#1d4ed8", "absolute logarithm of the ratio (0.1 is about 10 %)",
            scores=("abs_rel", "sq_rel", "rmse", "rmse_log", "a1", "a2", "a3"),
            errors=("abs_rel", "sq_rel", "rmse", "rmse_log"),
        ),
        TaskFacts(
            "normals", "normals", "surface normals", "#047857", "sine of half the angle",
            scores=("mean_angle", "median_angle", "rmse_angle", "within_11", "within_22", "within_30"),
            errors=("mean_angle", "median_angle", "rmse_angle"),
        ),
    )
})  # fmt: skip
