"""One walk over answers: scored under every protocol, and shown to whoever looks on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from segdepth.data.sample import Dataset
from segdepth.metrics import Scores, ScoreTable
from segdepth.networks import Network
from segdepth.tasks import Task

from .answers import Answer, Answers, NetworkAnswers

__all__ = ["OWN_PROTOCOL", "Evaluation", "Keep", "MakeScores", "Watch", "evaluate", "score"]

#: Is shown every answer.
Watch = Callable[[Answer], None]
#: Is shown every answer, as the first protocol scores it, with its own scores.
Keep = Callable[[Answer, Mapping[str, float | None]], None]
#: The metric of a protocol for a data set.
MakeScores = Callable[[Dataset], Scores]

#: Where no protocol has a name.
OWN_PROTOCOL = "the data set's own"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Scores, and how they were taken.

    Attributes:
        scores: by plain name; None where a score is undefined (a class that never occurs).
        protocol: plain data: data set, split, number of images, sizes, crop, depth range, resizing.
        words: what of the metric people have to know beside its average.
    """

    scores: dict[str, float | None]
    protocol: dict[str, Any]
    words: str = ""


def score(
    answers: Answers,
    protocols: Mapping[str, MakeScores] | None = None,
    *,
    watch: Sequence[Watch] = (),
    keep: Sequence[Keep] = (),
    tables: Mapping[str, ScoreTable] | None = None,
) -> dict[str, Evaluation]:
    """Score each answer once under each protocol. In a group of processes all get the scores of all.

    Args:
        answers: to a data set.
        protocols: by name; None for the data set's own.
        watch: who is shown the answers.
        keep: who is shown the answers and their scores, which a GPU is waited for.
        tables: that are filled on the way.

    Returns:
        By the protocol's name.

    Raises:
        InputError: if a protocol cannot compare answers of this kind with truths.
    """
    makers = protocols or {OWN_PROTOCOL: answers.task.make_metric}
    metrics = {name: make(answers.dataset).reading(answers.kind).to(answers.device) for name, make in makers.items()}
    first, *others = metrics.values()
    sums = [*others, *((tables or {}).values())]
    for answer in answers:
        pair = answer.answer[None], answer.truth[None]
        if keep:
            own = first(*pair)
            seen = replace(answer, answer=first.as_scored(answer.answer, answer.truth))
            for looker in keep:
                looker(seen, own)
        else:
            first.update(*pair)
        for one in sums:
            one.update(*pair)
        for watcher in watch:
            watcher(answer)
    return {name: _evaluation(name, answers, metric) for name, metric in metrics.items()}


def _evaluation(name: str, answers: Answers, metric: Scores) -> Evaluation:
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
    }
    return Evaluation(metric.compute(), protocol, metric.words())


def evaluate(net: Network, dataset: Dataset, task: Task, *, watch: Sequence[Watch] = (), **options: Any) -> Evaluation:
    """Score a network on every sample of a data set, as the data set is scored by itself.

    Args:
        net: on the device where the work is to be done; its mode is left as it was.
        dataset: with the task's truth.
        task: what is scored.
        watch: who is shown the answers.
        **options: of :class:`~segdepth.evaluation.answers.NetworkAnswers`; ``size`` must be said.
    """
    (evaluation,) = score(NetworkAnswers(net, dataset, task, **options), watch=watch).values()
    return evaluation
