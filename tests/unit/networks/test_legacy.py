"""What the ancestor's networks do differently; that their numbers are the ancestor's is in test_conformance.py."""

from typing import Literal

import pytest
import torch
from torch import nn

from segdepth.core.errors import ConfigError
from segdepth.networks import NETWORKS, Card, build_network, network_options
from segdepth.networks.legacy import LEGACY
from segdepth.networks.legacy.deeplab import LegacyDeepLab
from segdepth.networks.legacy.dispnet import LegacyDispNet
from segdepth.networks.legacy.frrn import LegacyFRRN
from segdepth.networks.legacy.network import LegacyNetwork, Metres

from ...oracles.frrn import check_frrn


@pytest.mark.parametrize("arch", LEGACY)
def test_is_the_papers_class_with_an_option_more(arch: str) -> None:
    assert issubclass(LEGACY[arch], NETWORKS[arch])
    assert issubclass(LEGACY[arch], LegacyNetwork)
    assert network_options(arch)["legacy"].default is False
    for legacy in (False, True):
        options = {"width": 0.125, "legacy": legacy}
        card = Card(arch=arch, options=options, output="depth", out_channels=1, preprocessing="imagenet", task="depth")
        net = build_network(card)
        assert type(net) is (LEGACY if legacy else NETWORKS)[arch]
        assert net.card.options == options


def test_a_network_without_a_legacy_form_has_no_such_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segdepth.networks.build.LEGACY", {})
    card = Card(
        arch="segnet", options={"legacy": True}, output="depth", out_channels=1, preprocessing="imagenet", task="depth"
    )
    with pytest.raises(ConfigError, match="segnet has no option 'legacy'"):
        build_network(card)


def test_metres_come_as_they_are() -> None:
    assert Metres()(torch.full((1, 1, 1, 1), -3.0)).item() == -3


@pytest.mark.parametrize("model_type", ["A", "B"])
def test_frrn_equals_the_plain_form(model_type: Literal["A", "B"]) -> None:
    check_frrn(LegacyFRRN(4, "logits", model_type=model_type, width=0.25).double(), chained=False)


def test_deeplab_strides_in_the_first_convolution_of_a_block() -> None:
    block = LegacyDeepLab(2, "logits", width=0.125).encoder.layer2[0]
    assert (block.conv1.stride, block.conv2.stride) == ((2, 2), (1, 1))


def test_deeplab_freezes_affine_parameters_but_not_statistics() -> None:
    net = LegacyDeepLab(2, "logits", width=0.125)
    norms = [layer for layer in net.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert not any(p.requires_grad for norm in norms for p in norm.parameters())
    before = norms[0].running_mean.clone()
    net.train()(torch.randn(2, 3, 40, 40))
    assert (norms[0].running_mean != before).any()


def test_dispnet_cuts_negative_logits() -> None:
    with torch.no_grad():
        assert (LegacyDispNet(5, "logits", width=0.125).eval()(torch.randn(1, 3, 64, 64)) >= 0).all()
