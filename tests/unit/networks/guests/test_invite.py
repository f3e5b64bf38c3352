"""From an address to a network: channels that nobody said, modules that two networks would share."""

import pytest
import torch

from segdepth import create_network
from segdepth.core.errors import ConfigError


def test_channels_that_nobody_says_are_counted() -> None:
    net = create_network("python:strangers:Dictionary", num_classes=None)
    assert net.out_channels == 3


def test_a_factory_that_keeps_its_module_gives_each_network_its_own() -> None:
    one, other = (create_network("python:strangers:always_the_same", num_classes=3) for _ in range(2))
    with torch.no_grad():
        for parameter in one.parameters():
            parameter.zero_()
    assert all(not p.any() for p in one.parameters())
    assert any(p.any() for p in other.parameters())


def test_the_ancestor_had_none_of_them() -> None:
    with pytest.raises(ConfigError, match="the ancestor had no python:strangers:Dictionary"):
        create_network("python:strangers:Dictionary", legacy=True)
