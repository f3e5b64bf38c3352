"""Metrics of somebody else, scored beside a task's own where their names are given."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Shaped
from torch import Tensor

from segdepth.core.errors import ConfigError
from segdepth.core.tables import OpenTable, pick
from segdepth.kinds import KINDS, by_kind

from .scores import Scores

__all__ = ["METRICS", "MakeMetric", "mean_over_pictures", "pick_metrics", "register_metric"]

#: The metric for a data set, new, of nothing yet.
MakeMetric = Callable[[Any], Scores]


def _checked(given: Any) -> dict[str, MakeMetric]:
    return by_kind(given, KINDS, "a function from a data set to segdepth.metrics.Scores", callable)


#: By name, then by the kind of truth that they compare answers with. None is ours: these are the tasks' (``make_metric``).
METRICS: OpenTable[Mapping[str, MakeMetric]] = OpenTable({}, kind="metric", group="segdepth.metrics", checked=_checked)


def register_metric(name: str, make: MakeMetric, kind: str) -> None:
    """Let evaluations and validations score with a metric that is named, in this process.

    A package does the same for all processes with an entry point of the group ``segdepth.metrics`` that holds ``{kind: make}``.

    Args:
        name: for ``training.metrics``, ``segdepth evaluate --metric`` and ``segdepth.evaluate(metrics=[...])``.
        make: gives the metric for a data set: a :class:`Scores` of nothing yet. :func:`mean_over_pictures` makes one of a
            function of one picture.
        kind: of truth and answer: "labels" (train ids), "depth" (metres) or "normals".

    Raises:
        ConfigError: if the name cannot be one, there is no such kind, or ``make`` cannot be called.

    Example::

        def within_a_metre(answer, truth):
            known = truth > 0
            return ((answer - truth).abs()[known] < 1).double().mean()

        segdepth.register_metric("within_a_metre", mean_over_pictures(within_a_metre), "depth")
    """
    METRICS.register(name, {kind: make})


def pick_metrics(names: Sequence[str], kind: str) -> dict[str, MakeMetric]:
    """The metrics of some names.

    Args:
        names: as they were registered.
        kind: of truth that there is.

    Raises:
        ConfigError: if there is none of a name, or it compares another kind of truth.
    """
    found: dict[str, MakeMetric] = {}
    for name in names:
        makers = pick(METRICS, name, kind="metric")
        if kind not in makers:
            raise ConfigError(f"the metric {name!r} is of {' and '.join(makers)}; {kind} is scored here")
        found[name] = makers[kind]
    return found


def mean_over_pictures(
    function: Callable[[Shaped[Tensor, "h w *values"], Shaped[Tensor, "h w *values"]], Any], name: str | None = None
) -> MakeMetric:
    """A metric that is computed for each picture, then averaged over the pictures.

    Args:
        function: of one picture's answer and truth, at the truth's size; a number, or a tensor of one. None or nan where the
            picture has nothing to score: it is left out of the mean.
        name: of the score; None: the function's.
    """
    called = str(name or getattr(function, "__name__", type(function).__name__))
    return lambda _: PictureMeans(called, function)


class PictureMeans(Scores):
    """The mean over pictures of a function of each.

    Args:
        name: of the score.
        function: see :func:`mean_over_pictures`.
    """

    total: Tensor
    pictures: Tensor

    def __init__(self, name: str, function: Callable[[Tensor, Tensor], Any]) -> None:
        super().__init__()
        self.score = name
        self.function = function
        self.add_state("total", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("pictures", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, prediction: Shaped[Tensor, "b ..."], truth: Shaped[Tensor, "b ..."]) -> None:
        """See :meth:`Scores.update`.

        Raises:
            ConfigError: if the function gives no number.
        """
        for one, known in zip(prediction, truth, strict=True):
            value = self._value(self.function(one, known))
            there = ~value.isnan()
            self.total += torch.where(there, value, 0)
            self.pictures += there

    def _value(self, given: Any) -> Tensor:
        try:
            return torch.as_tensor(float("nan") if given is None else given).to(self.total).reshape(())
        except (TypeError, ValueError, RuntimeError):
            what = list(given.shape) if isinstance(given, Tensor) else f"a {type(given).__name__}"
            raise ConfigError(f"the metric {self.score!r} gives {what} for a picture; give one number") from None

    def compute(self) -> dict[str, float | None]:
        """See :meth:`Scores.compute`."""
        count = int(self.pictures)
        return {self.score: float(self.total) / count if count else None}

    def describe(self) -> dict[str, Any]:
        """See :meth:`Scores.describe`."""
        return {"average": "per picture, then over pictures", "files_scored": int(self.pictures)}
