"""Graphs live no longer than their network, and copies of an explainer make their own."""

import copy
import gc
import pickle
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from segdepth.saliency import Explainer, saliency_maps

from .held import PIXELS, Held, Part, picture


class Reversed(torch.autograd.Function):
    """Is given the network itself."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, net: nn.Module) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
        return -g, None


class HooksOfItsOwn(Held):
    def __init__(self) -> None:
        super().__init__(nn.Identity())
        self.first.register_full_backward_hook(self.note)

    def note(self, *_: object) -> None:
        """A method as a hook: the part holds the network."""


@pytest.mark.parametrize("make", [HooksOfItsOwn, lambda: Part(lambda net, x: Reversed.apply(x, net) * 2)])
def test_a_network_is_not_kept_alive(make: Callable[[], nn.Module]) -> None:
    net = make().double()
    for _ in range(2):
        saliency_maps(net, picture(), PIXELS)
    known = weakref.ref(net)
    del net
    gc.collect()
    assert known() is None


def test_copies_of_explainers() -> None:
    net, image = Held(nn.BatchNorm2d(4)).double(), picture()
    explainer = Explainer(net)
    at = explainer.at(image)
    expected = at.maps(PIXELS)
    for made in (copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))):
        assert torch.equal(made(explainer).at(image).maps(PIXELS), expected)
        assert torch.equal(made(at).maps(PIXELS), expected)
