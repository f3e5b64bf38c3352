"""From a card to a network: names, options, aliases."""

from typing import Any

import pytest
import torch

from segdepth.core.errors import ConfigError
from segdepth.networks import ALIASES, NETWORKS, Card, build_network, network_options, resolve_arch
from segdepth.networks.legacy import LEGACY
from segdepth.networks.legacy.network import LegacyNetwork


def card(**values: Any) -> Card:
    usual = {"arch": "segnet", "output": "depth", "out_channels": 1, "preprocessing": "imagenet", "task": "depth"}
    return Card(**usual | values)


@pytest.mark.parametrize("name", [*NETWORKS, *ALIASES])
def test_names_stand_for_networks_and_options(name: str) -> None:
    arch, options = resolve_arch(name)
    assert arch in NETWORKS
    assert options.keys() <= network_options(name).keys()
    assert (arch, options) == ALIASES.get(name, (name, {}))
    options["changed"] = 1
    assert "changed" not in resolve_arch(name)[1]


@pytest.mark.parametrize(
    ("arch", "legacy"), [*((arch, False) for arch in NETWORKS), *((arch, True) for arch in LEGACY)]
)
def test_a_card_s_network_has_its_card(arch: str, legacy: bool) -> None:
    one = card(arch=arch, options={"width": 0.125} | ({"legacy": True} if legacy else {}))
    net = build_network(one)
    assert net.card == one
    assert isinstance(net, NETWORKS[arch])
    assert isinstance(net, LegacyNetwork) == legacy
    convolutions = [module for module in net.modules() if isinstance(module, torch.nn.Conv2d)]
    assert all(conv.weight.is_contiguous(memory_format=torch.channels_last) for conv in convolutions)


def test_legacy_is_an_option_where_the_ancestor_has_the_network() -> None:
    for arch in NETWORKS:
        assert ("legacy" in network_options(arch)) == (arch in LEGACY)
        assert "out_channels" not in network_options(arch)  # which the card has


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"arch": "segnot"}, "no network named 'segnot'"),
        ({"options": {"witdh": 0.5}}, "segnet has no option 'witdh'.*width"),
        ({"options": {"width": "0.5"}}, "the option width of segnet should be a valid number; '0.5' is given"),
        ({"options": {"legacy": 1}}, "the option legacy of segnet should be a valid boolean; 1 is given"),
        ({"arch": "frrn", "options": {"model_type": "C"}}, "the option model_type of frrn should be 'A' or 'B'"),
    ],
)
def test_what_a_card_cannot_say(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        build_network(card(**values))
