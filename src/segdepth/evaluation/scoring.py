"""One walk over answers: scored under every protocol, and shown to whoever looks on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from segdepth.core.errors import ConfigError
from segdepth.data.sample import Dataset
from segdepth.metrics import Scores, ScoreTable, pick_metrics
from segdepth.networks import Network
from segdepth.tasks import Task

from .answers import Answer, Answers, NetworkAnswers

__all__ = ["OWN_PROTOCOL", "Evaluation", "Keep", "MakeScores", "Table", "Watch", "evaluate", "score"]

#: Is shown every answer.
Watch = Callable[[Answer], None]
#: Is shown every answer, as the first protocol scores it, with its own scores.
Keep = Callable[[Answer, Mapping[str, float | None]], None]
#: The metric of a protocol for a data set.
MakeScores = Callable[[Dataset], Scores]

#: Where no protocol has a name.
OWN_PROTOCOL = "the data set's own"


class Table(NamedTuple):
    """A score table's title, columns, and scores by part."""

    title: str
    columns: tuple[str, ...]
    rows: Mapping[str, Mapping[str, float | None]]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Scores, and how they were taken.

    Attributes:
        scores: by plain name; None where a score is undefined (a class that never occurs).
        protocol: plain data: data set, split, number of images, sizes, crop, depth range, resizing.
        words: what of the metric people have to know beside its average.
        tables: what the means hide, by the name that a report calls it; empty where nobody asked.
        beside: names of the scores that registered metrics gave, which were asked for by name.
    """

    scores: dict[str, float | None]
    protocol: dict[str, Any]
    words: str = ""
    tables: Mapping[str, Table] = field(default_factory=dict)
    beside: tuple[str, ...] = ()


def score(
    answers: Answers,
    protocols: Mapping[str, MakeScores] | None = None,
    *,
    watch: Sequence[Watch] = (),
    keep: Sequence[Keep] = (),
    tables: bool = False,
    beside: Sequence[str] = (),
) -> dict[str, Evaluation]:
    """Score each answer once under each protocol. In a group of processes all get the scores of all.

    Args:
        answers: to a data set.
        protocols: by name; None for the data set's own.
        watch: who is shown the answers.
        keep: who is shown the answers and their scores, which a GPU is waited for.
        tables: whether the first protocol's evaluation has its tables.
        beside: names of registered metrics; their scores stand beside those of every protocol.

    Returns:
        By the protocol's name.

    Raises:
        InputError: if a protocol cannot compare answers of this kind with truths.
        ConfigError: if there is no such metric for the task's truth, or it names a score as the task's own metric does.
    """
    makers = protocols or {OWN_PROTOCOL: answers.task.make_metric}
    metrics = {name: make(answers.dataset).reading(answers.kind).to(answers.device) for name, make in makers.items()}
    first, *others = metrics.values()
    added = _beside(answers, beside)
    parts = {name: table.to(answers.device) for name, table in first.tables().items()} if tables else {}
    sums = [*others, *parts.values()]
    for answer in answers:
        pair = answer.answer[None], answer.truth[None]
        if keep:
            own = _joined(first(*pair), {name: metric(*pair) for name, metric in added.items()})
            seen = replace(answer, answer=first.as_scored(answer.answer, answer.truth))
            for looker in keep:
                looker(seen, own)
        else:
            for scores in (first, *added.values()):
                scores.update(*pair)
        for one in sums:
            one.update(*pair)
        for watcher in watch:
            watcher(answer)
    return {
        name: _evaluation(name, answers, metric, parts if metric is first else {}, added)
        for name, metric in metrics.items()
    }


def _beside(answers: Answers, names: Sequence[str]) -> dict[str, Scores]:
    made: dict[str, Scores] = {}
    for name, make in pick_metrics(names, answers.task.target).items():
        metric: Any = make(answers.dataset)
        if not isinstance(metric, Scores):
            raise ConfigError(f"the metric {name!r} is a {type(metric).__name__}; it has to be segdepth.metrics.Scores")
        made[name] = metric.to(answers.device)
    return made


def _joined(
    own: Mapping[str, float | None], added: Mapping[str, Mapping[str, float | None]]
) -> dict[str, float | None]:
    """All scores, the task's own first."""
    joined = dict(own)
    for metric, scores in added.items():
        for name, value in scores.items():
            if name in joined:
                raise ConfigError(
                    f"the metric {metric!r} names a score {name!r}, which there is already; call it otherwise"
                )
            joined[name] = value
    return joined


def _evaluation(
    name: str, answers: Answers, metric: Scores, parts: Mapping[str, ScoreTable], added: Mapping[str, Scores]
) -> Evaluation:
    dataset, kind = answers.dataset, answers.task.target
    protocol: dict[str, Any] = {
        "dataset": dataset.reader,
        "split": dataset.split,
        "images": len(dataset),
        "files_expected": len(dataset) + len(dataset.missing) if dataset.expected is None else dataset.expected,
        "files_found": len(dataset),
        "files_missing": list(dataset.missing),
        **answers.describe(),
        "ground_truth": dataset.origins.get(kind, f"{kind} of {dataset.reader}"),
        "files_scored": len(dataset) - len(answers.bad) - len(answers.missing),
        **metric.describe(),
        **({"files_bad": answers.bad} if answers.bad else {}),
        "name": name,
        **({"metrics": {name: one.describe() for name, one in added.items()}} if added else {}),
    }
    said = {name: Table(table.title, table.columns, table.compute()) for name, table in parts.items()}
    others = {name: one.compute() for name, one in added.items()}
    names = tuple(score for scores in others.values() for score in scores)
    return Evaluation(_joined(metric.compute(), others), protocol, metric.words(), said, names)


def evaluate(
    net: Network,
    dataset: Dataset,
    task: Task,
    *,
    watch: Sequence[Watch] = (),
    beside: Sequence[str] = (),
    **options: Any,
) -> Evaluation:
    """Score a network on every sample of a data set, as the data set is scored by itself.

    Args:
        net: on the device where the work is to be done; its mode is left as it was.
        dataset: with the task's truth.
        task: what is scored.
        watch: who is shown the answers.
        beside: names of registered metrics.
        **options: of :class:`~segdepth.evaluation.answers.NetworkAnswers`; ``size`` must be said.
    """
    (evaluation,) = score(NetworkAnswers(net, dataset, task, **options), watch=watch, beside=beside).values()
    return evaluation
