"""One pass over a data set, looked at in several ways: protocols, single pictures, distance bands, the worst pictures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from torch import Tensor
from torchmetrics import Metric

from segdepth.core.errors import ConfigError
from segdepth.data.sample import Dataset
from segdepth.metrics import DepthProtocol, DepthScores
from segdepth.tasks import Task

from .detail import Detail
from .loop import Evaluation, Watch, protocol_of_metric
from .worst import save_worst

__all__ = ["Answers", "Scored", "limited", "limited_name", "score"]

_OWN = "the data set's own"


@runtime_checkable
class Answers(Protocol):
    """Whoever answers a data set: a network, or files."""

    def __call__(
        self, dataset: Dataset, *, make_metric: Callable[[Dataset], Metric] | None, watch: Watch | None
    ) -> Evaluation:
        """Score the answers to every sample."""


@dataclass(frozen=True, slots=True)
class Scored:
    """What one pass gave.

    Attributes:
        evaluations: by the protocol's name.
        detail: of the first protocol.
        worst: files of the worst pictures, the worst first.
    """

    evaluations: Mapping[str, Evaluation]
    detail: Detail
    worst: list[Path]


def score(
    answers: Answers,
    dataset: Dataset,
    task: Task,
    *,
    protocols: Mapping[str, DepthProtocol] | None = None,
    worst: int = 0,
    pictures: Path | None = None,
) -> Scored:
    """Score answers under every protocol at once.

    Args:
        answers: to the data set's samples.
        dataset: with the task's truth.
        task: what is scored.
        protocols: of depth, by name; None for the data set's own.
        worst: number of pictures to draw.
        pictures: folder for them.
    """
    makers = {name: _maker(protocol) for name, protocol in (protocols or {}).items()} or {"": task.make_metric}
    names = list(makers)
    detail = Detail(dataset, task, makers[names[0]])
    others = {name: makers[name](dataset) for name in names[1:]}

    def watch(name: str, answer: Tensor, truth: Tensor) -> None:
        detail(name, answer, truth)
        for metric in others.values():
            metric.to(truth.device).update(answer[None], truth[None])

    first = answers(dataset, make_metric=makers[names[0]], watch=watch)
    evaluations = {names[0]: first} | {
        name: replace(first, scores=metric.compute(), protocol=first.protocol | protocol_of_metric(dataset, metric))
        for name, metric in others.items()
    }
    for name, evaluation in evaluations.items():
        evaluation.protocol["name"] = name or _OWN
    files: list[Path] = []
    if worst and pictures is not None:

        def again(some: Dataset, keep: Watch) -> Any:
            return answers(some, make_metric=makers[names[0]], watch=keep)

        files = save_worst(again, detail, dataset, worst, pictures)
    return Scored(evaluations, detail, files)


def _maker(protocol: DepthProtocol) -> Callable[[Dataset], Metric]:
    return lambda _: DepthScores(protocol)


def limited(
    dataset: Dataset, protocol: DepthProtocol | None, min_depth: float | None, max_depth: float | None
) -> DepthProtocol | None:
    """A protocol with another range of depths; None if nothing is changed and there was none.

    Raises:
        ConfigError: if the data set has no depth.
    """
    if min_depth is None and max_depth is None:
        return protocol
    if dataset.depth_range is None:
        raise ConfigError("--min-depth and --max-depth are for depth; this data set has none")
    if protocol is None:
        protocol = DepthProtocol(dataset.crop, *dataset.depth_range)
    return replace(
        protocol,
        min_depth=protocol.min_depth if min_depth is None else min_depth,
        max_depth=protocol.max_depth if max_depth is None else max_depth,
    )


def limited_name(name: str, protocol: DepthProtocol | None, used: DepthProtocol) -> str:
    """A protocol's name, with the range of depths where that is not its own: "eigen-raw-garg, 1-50 m".

    Args:
        name: of the protocol; empty for the data set's own.
        protocol: as it is by that name; None for the data set's own.
        used: what :func:`limited` made of it.
    """
    return name if used == protocol else f"{name or _OWN}, {used.min_depth:g}-{used.max_depth:g} m"
