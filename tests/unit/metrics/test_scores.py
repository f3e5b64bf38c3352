"""What a metric of one's own gets from its base: scores of these pictures, and sums over all."""

import warnings
from typing import Any

import pytest
import torch
from torch import Tensor

from segdepth.metrics import Scores, ScoreTable


class MeanError(Scores):
    total: Tensor
    count: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("total", torch.zeros(()), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros(()), dist_reduce_fx="sum")

    def update(self, prediction: Tensor, truth: Tensor) -> None:
        self.total += (prediction - truth).abs().sum()
        self.count += truth.numel()

    def compute(self) -> dict[str, float | None]:
        return {"error": float(self.total / self.count) if self.count else None}

    def describe(self) -> dict[str, Any]:
        return {"pixels": int(self.count)}


class Halves(ScoreTable):
    title, columns = "by half", ("left", "right")

    def update(self, prediction: Tensor, truth: Tensor) -> None:
        """Counts nothing."""

    def compute(self) -> dict[str, dict[str, float | None]]:
        return {"all": {"left": None, "right": None}}


def test_a_call_gives_the_scores_of_these_and_adds_them_up() -> None:
    metric = MeanError()
    assert metric(torch.ones(1, 2, 3), torch.zeros(1, 2, 3)) == {"error": 1.0}
    assert metric(4 * torch.ones(1, 2, 1), torch.zeros(1, 2, 1)) == {"error": 4.0}
    assert metric.compute() == {"error": pytest.approx((6 * 1 + 2 * 4) / 8)}
    assert metric.describe() == {"pixels": 8}
    metric.reset()
    assert metric.compute() == {"error": None}


@pytest.mark.parametrize("metric", [MeanError(), Halves()])
def test_scores_of_nothing_are_no_reason_to_warn(metric: Scores | ScoreTable) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert metric.update_called
        metric.compute()


def test_what_most_metrics_have_nothing_to_say_of() -> None:
    assert MeanError().words() == ""
    assert MeanError().tables() == {}


def test_what_is_not_whole_is_no_metric() -> None:
    class Half(Scores):
        def update(self, prediction: Tensor, truth: Tensor) -> None:
            """Counts nothing."""

    with pytest.raises(TypeError, match="abstract"):
        Half()
