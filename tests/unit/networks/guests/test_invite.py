"""From an address to a network: channels that nobody said, modules that two networks would share."""

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


def test_no_two_cards_share_options() -> None:
    options = {"widths": [4, 5]}
    one, other = (create_network("python:strangers:Listed", num_classes=2, **options) for _ in range(2))
    one.card.options["widths"].append(6)
    assert other.card.options == options == {"widths": [4, 5]}


def test_the_ancestor_had_none_of_them() -> None:
    with pytest.raises(ConfigError, match="the ancestor had no python:strangers:Dictionary"):
        create_network("python:strangers:Dictionary", legacy=True)
