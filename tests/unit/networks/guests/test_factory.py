"""What a factory makes, described."""

import torch

from segdepth import create_network
from segdepth.networks.guests.factory import encoder_of
from strangers import Dictionary


def test_a_factory_that_wraps_says_all_itself() -> None:
    net = create_network("python:strangers:ready", num_classes=3)
    assert net.card.arch == "python:strangers:ready"
    assert net.card.guest is not None
    assert net.card.guest.size.multiple == 16
    assert net.card.preprocessing.mean == (127, 127, 127)
    assert net.preprocessing(torch.full((1, 3, 2, 2), 255, dtype=torch.uint8)).unique().item() == 1
    assert net(torch.zeros(1, 3, 37, 50)).shape == (1, 3, 37, 50)


def test_depth_asks_for_one_channel() -> None:
    net = create_network("python:strangers:Dictionary", "depth")
    assert net(torch.zeros(1, 3, 32, 48)).shape == (1, 1, 32, 48)


def test_the_encoder_is_found_by_its_name() -> None:
    assert encoder_of(Dictionary()) == "backbone"
    assert encoder_of(torch.nn.Identity()) is None
