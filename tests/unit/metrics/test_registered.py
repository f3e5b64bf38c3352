"""Metrics of somebody else: chosen by name, averaged over pictures."""

from typing import Any

import pytest
import torch
from torch import Tensor

from registered import forget
from segdepth.core.errors import ConfigError
from segdepth.metrics import mean_over_pictures, pick_metrics, register_metric


@pytest.fixture(autouse=True)
def _no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    forget(monkeypatch)


def within(answer: Tensor, truth: Tensor) -> Tensor:
    return ((answer - truth).abs()[truth > 0] < 1).double().mean()


def test_pictures_with_nothing_to_score_are_left_out() -> None:
    metric = mean_over_pictures(within)(None)
    truth = torch.ones(3, 2, 2)
    truth[1] = 0
    answer = truth + torch.tensor([0.0, 0.0, 2.0])[:, None, None]
    assert metric(answer, truth) == {"within": 0.5}
    metric.update(truth[:1], truth[:1])
    assert metric.compute()["within"] == pytest.approx(2 / 3)
    assert metric.describe()["files_scored"] == 3
    assert mean_over_pictures(lambda answer, truth: None, "x")(None)(truth, truth) == {"x": None}


@pytest.mark.parametrize("value", ["much", torch.ones(2)], ids=["a word", "two numbers"])
def test_what_is_no_number_is_told(value: Any) -> None:
    metric = mean_over_pictures(lambda answer, truth: value, "x")(None)
    with pytest.raises(ConfigError, match=r"the metric 'x' gives (a str|\[2\]) for a picture; give one number"):
        metric.update(torch.ones(1, 2, 2), torch.ones(1, 2, 2))


def test_a_metric_is_of_a_kind_of_truth() -> None:
    make = mean_over_pictures(within)
    register_metric("within", make, "depth")
    assert pick_metrics(["within"], "depth") == {"within": make}
    with pytest.raises(ConfigError, match="the metric 'within' is of depth; labels is scored here"):
        pick_metrics(["within"], "labels")
    with pytest.raises(ConfigError, match=r"no metric named 'without' \(there are: within\); did you mean 'within'\?"):
        pick_metrics(["without"], "depth")
    with pytest.raises(ConfigError, match="the metric 'x': there is no kind of truth 'dept'"):
        register_metric("x", make, "dept")
