"""Which engine `auto` takes for many pixels."""

import pytest
import torch
from torch import nn

from segdepth.saliency.apart import take_apart
from segdepth.saliency.boxes import Reach
from segdepth.saliency.choice import sparse_pays


def chain(*between: nn.Module) -> nn.Module:
    layers: list[nn.Module] = [nn.Conv2d(3, 8, 3, padding=1)]
    for part in between:
        layers += [part, nn.Conv2d(8, 8, 3, padding=1)]
    return nn.Sequential(*layers, nn.Conv2d(8, 2, 1)).double()


@pytest.mark.parametrize(
    ("net", "pays"),
    [
        (chain(nn.ReLU(), nn.ReLU(), nn.ReLU()), True),
        (chain(nn.BatchNorm2d(8).eval(), nn.ReLU(), nn.MaxPool2d(2)), True),
        (chain(nn.GELU(), nn.GELU(), nn.GELU()), False),
        (chain(nn.ReLU(), nn.SiLU(), nn.SiLU(), nn.SiLU()), False),
    ],
)
def test_the_sparse_engine_is_for_units_that_are_switched_off(net: nn.Module, pays: bool) -> None:
    graph = take_apart(net, net, torch.randn(3, 16, 20, dtype=torch.float64))
    assert sparse_pays(Reach(graph, ((0, 16), (0, 20)))) == pays


def test_numbers_too_small_for_their_type_are_no_difference() -> None:
    """A network with weights so small that its gradients have no digits is not taken for one that is taken apart wrongly."""
    net = chain(nn.GELU(), nn.GELU()).float()
    for parameter in net.parameters():
        nn.init.uniform_(parameter, -1e-11, 1e-11)
    assert not take_apart(net, net, torch.randn(3, 16, 20)).differences
