"""From an address to a network: channels that nobody said, modules that two networks would share."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import nn

from registered import forget
from segdepth import create_network, register
from segdepth.core.errors import ConfigError
from strangers import Dictionary


def test_channels_that_nobody_says_are_counted() -> None:
    net = create_network("python:strangers:Dictionary", num_classes=None)
    assert net.out_channels == 3


def test_a_factory_that_keeps_its_module_gives_each_network_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("strangers.ONE", Dictionary())
    one, other = (create_network("python:strangers:always_the_same", num_classes=3) for _ in range(2))
    with torch.no_grad():
        for parameter in one.parameters():
            parameter.zero_()
    assert all(not p.any() for p in one.parameters())
    assert any(p.any() for p in other.parameters())


def test_a_part_that_a_factory_keeps_is_copied_too_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    forget(monkeypatch)
    shared = nn.Conv2d(3, 4, 1)
    register("on_one_backbone", lambda num_classes: nn.Sequential(shared, nn.ReLU(), nn.Conv2d(4, num_classes, 1)))
    one, other = (create_network("on_one_backbone", num_classes=3) for _ in range(2))
    assert not {id(p) for p in one.parameters()} & {id(p) for p in other.parameters()}
    assert "on_one_backbone: its factory gives a module, or a part of one, that it gave before" in caplog.text


class OnWeights(nn.Module):
    """Made around weights that are there."""

    def __init__(self, weights: nn.Parameter) -> None:
        super().__init__()
        self.weights = weights

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.conv2d(x, self.weights)


@pytest.mark.parametrize("around", [lambda kept: kept, nn.Parameter], ids=["parameter", "memory"])
def test_new_modules_on_weights_that_a_factory_keeps_have_their_own(
    around: Callable[[nn.Parameter], nn.Parameter], monkeypatch: pytest.MonkeyPatch
) -> None:
    forget(monkeypatch)
    kept = nn.Parameter(torch.randn(3, 3, 1, 1))
    register("on_kept_weights", lambda: OnWeights(around(kept)))
    one, other = (create_network("on_kept_weights", num_classes=3) for _ in range(2))
    before = [parameter.clone() for parameter in other.parameters()]
    with torch.no_grad():
        for parameter in one.parameters():
            parameter.zero_()
    assert all(map(torch.equal, other.parameters(), before))


@pytest.mark.parametrize("value", [math.inf, math.nan, {1: 2}, {3}, torch.float32, [1.0, math.inf]], ids=str)
def test_options_that_a_card_would_not_give_back_are_refused(value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    forget(monkeypatch)
    register("bounded", lambda num_classes, bound: nn.Conv2d(3, num_classes, 1))
    with pytest.raises(ConfigError, match=r"the option bound of bounded is .*, which no card can hold"):
        create_network("bounded", num_classes=2, bound=value)
    assert create_network("bounded", num_classes=2, bound={"a": [1.5, None, True]}).out_channels == 2


def test_no_two_cards_share_options() -> None:
    options = {"widths": [4, 5]}
    one, other = (create_network("python:strangers:Listed", num_classes=2, **options) for _ in range(2))
    one.card.options["widths"].append(6)
    assert other.card.options == options == {"widths": [4, 5]}


def test_the_ancestor_had_none_of_them() -> None:
    with pytest.raises(ConfigError, match="the ancestor had no python:strangers:Dictionary"):
        create_network("python:strangers:Dictionary", legacy=True)
