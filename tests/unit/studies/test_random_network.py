"""The same network with other weights."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import segdepth
from segdepth.core.errors import InputError
from segdepth.networks import Network, save_network
from segdepth.studies.random_network import random_network
from strangers import Dictionary

DICTIONARY = "python:strangers:Dictionary"


class Attending(nn.Module):
    """Has attention, whose weights are drawn by a method of another name, and a learned statistic."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 4, 4, 4)
        self.norm = nn.BatchNorm2d(4)
        self.attention = nn.MultiheadAttention(4, 1, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        maps = self.norm(self.layer(x))
        tokens = maps.flatten(2).mT
        return self.attention(tokens, tokens, tokens)[0].mT.reshape(maps.shape)  # type: ignore[no-any-return]


class Lone(nn.Module):
    """Its parameter belongs to no module that could draw it anew."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 2, 1)
        self.scale = nn.Parameter(torch.rand(2, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x) * self.scale  # type: ignore[no-any-return]


def learned(net: nn.Module) -> dict[str, torch.Tensor]:
    return {name: weight for name, weight in net.named_parameters() if name.endswith("weight") and weight.ndim > 1}


def assert_other_weights(net: Network) -> None:
    """Of the same form; the same for the same seed, and none of those of the network."""
    first, again, other = (random_network(net, seed) for seed in (1, 1, 2))
    assert not first.training
    assert first.card.arch == net.card.arch
    for name, weight in learned(first).items():
        assert torch.equal(weight, learned(again)[name])
        assert not torch.equal(weight, learned(other)[name]), name
        assert not torch.equal(weight, learned(net)[name]), name


def test_code_of_one_s_own_is_running_already() -> None:
    assert_other_weights(segdepth.create_network(DICTIONARY, num_classes=4, width=6))


def test_code_that_was_not_needed_to_load_a_network_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net = segdepth.create_network(DICTIONARY, num_classes=3)
    save_network(net, tmp_path / "net.safetensors")
    loaded = segdepth.load(tmp_path / "net.safetensors", module=Dictionary())
    monkeypatch.setattr("segdepth.networks.guests.python.import_module", lambda _: pytest.fail("imported"))
    fresh = random_network(loaded, 7)
    assert not torch.equal(fresh.guest.head.weight, loaded.guest.head.weight)  # type: ignore[union-attr,arg-type]


def test_a_wrapped_module_is_copied_and_drawn_anew() -> None:
    net = segdepth.wrap(Attending(), classes=4)
    with torch.no_grad():
        net.guest.norm.running_mean.fill_(3)  # type: ignore[union-attr]
    assert_other_weights(net)
    fresh = random_network(net, 0)
    assert (fresh.guest.norm.running_mean == 0).all(), "what was learned of statistics is gone, too"  # type: ignore[union-attr]
    assert (net.guest.norm.running_mean == 3).all()  # type: ignore[union-attr]
    assert random_network(segdepth.wrap(Dictionary(), classes=3), 0).guest.tied is not None  # type: ignore[union-attr]


def test_a_factory_that_gives_trained_weights_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = Dictionary(3).state_dict()

    def trained(num_classes: int) -> nn.Module:
        net = Dictionary(num_classes)
        net.load_state_dict(weights)
        return net

    monkeypatch.setattr("strangers.trained", trained, raising=False)
    for name in ("trained", "always_the_same"):
        options: dict[str, Any] = {} if name == "always_the_same" else {"num_classes": 3}
        assert_other_weights(segdepth.create_network(f"python:strangers:{name}", **{"num_classes": 3} | options))


def test_what_cannot_be_drawn_anew_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"Lone cannot be given random weights: .* can draw guest.scale anew .* segdepth.register\("
    ):
        random_network(segdepth.wrap(Lone(), classes=2), 0)
