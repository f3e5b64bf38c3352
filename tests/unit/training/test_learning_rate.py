"""The rates of an optimizer's groups follow from the step alone, whatever they were before."""

from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.optim import SGD, Optimizer

from segdepth.config import LrFactors
from segdepth.optim import SCHEDULES, WarmUp, warmed_up
from segdepth.training import LearningRate, build_learning_rate, build_optimizer
from segdepth.training.parameters import base_rates

from .tiny import tiny, tiny_network


@pytest.fixture
def optimizer() -> Optimizer:
    return SGD([{"params": [nn.Parameter(torch.zeros(1))]} for _ in range(2)], lr=7.0)


def rates(optimizer: Optimizer) -> list[float]:
    return [group["lr"] for group in optimizer.param_groups]


def test_each_group_has_its_base_rate_and_then_that_of_the_step(optimizer: Optimizer) -> None:
    schedule = warmed_up(SCHEDULES["poly_lr"](10, gamma=1.0), WarmUp(2, "constant", 0.5))
    learning_rate = LearningRate(optimizer, [0.1, 1.0], schedule)
    assert rates(optimizer) == [0.1, 1.0]
    for step in (0, 5, 1, 10):  # in any order: nothing is remembered
        learning_rate.set(step)
        assert rates(optimizer) == [schedule(0.1, step), schedule(1.0, step)]
        assert learning_rate.value == schedule(1.0, step)
    assert rates(optimizer) == [0.0, 0.0]


def test_rates_that_a_checkpoint_brings_are_written_over(optimizer: Optimizer) -> None:
    saved = deepcopy(optimizer.state_dict())
    learning_rate = LearningRate(optimizer, [0.1, 1.0], SCHEDULES["constant_lr"](10))
    optimizer.load_state_dict(saved)
    assert rates(optimizer) == [7.0, 7.0]
    learning_rate.set(3)
    assert rates(optimizer) == [0.1, 1.0]


def test_every_group_needs_a_base_rate(optimizer: Optimizer) -> None:
    with pytest.raises(ValueError, match="shorter"):
        LearningRate(optimizer, [0.1], SCHEDULES["constant_lr"](10))


def test_parts_that_learn_alike_have_one_base_rate() -> None:
    assert base_rates(1e-3, LrFactors(backbone=0.1)) == [pytest.approx(1e-4), 1e-3]
    assert base_rates(1e-3, LrFactors(backbone=2.0, head=2.0)) == [2e-3]


def test_the_configured_rate_is_that_of_factors_schedule_and_warm_up() -> None:
    schedule = {"name": "multi_step", "milestones": [4], "gamma": 0.5, "warmup_iters": 2, "warmup_factor": 0.5}
    config = tiny(optimizer={"name": "sgd", "lr": 0.5}, lr_factors={"backbone": 0.25}, lr_schedule=schedule)
    optimizer = build_optimizer(config, tiny_network())
    learning_rate = build_learning_rate(config, optimizer)
    seen = [rates(optimizer)]
    for step in (0, 2, 4):
        learning_rate.set(step)
        seen.append(rates(optimizer))
    assert seen == [[0.125, 0.5], [0.0625, 0.25], [0.125, 0.5], [0.0625, 0.25]]
