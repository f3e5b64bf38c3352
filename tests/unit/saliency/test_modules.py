"""Every module and every tensor once, whatever a network calls its own attributes."""

import pytest
import torch
from torch import nn

from segdepth.saliency.modules import named_modules, set_eval, tensors


class Shadowed(nn.Module):
    """Attributes that stand where PyTorch's methods do."""

    def __init__(self) -> None:
        super().__init__()
        self.parts = nn.ModuleList([nn.Linear(2, 2), nn.Sequential(nn.Dropout(0.5), nn.BatchNorm1d(2))])
        self.again = self.parts[0]
        self.nothing = None
        self.modules = ["mine"]
        self.parameters = 3


def test_modules_are_pytorch_s_in_its_order() -> None:
    net = nn.Sequential(nn.Conv2d(1, 1, 1), nn.ModuleDict({"a": nn.ReLU(), "b": nn.Sequential(nn.Tanh())}), nn.ReLU())
    net[1]["b"].add_module("none", None)
    assert list(named_modules(net)) == list(net.named_modules())


def test_each_is_there_once_whatever_attributes_are_called() -> None:
    net = Shadowed()
    paths = [path for path, _ in named_modules(net)]
    assert paths == ["", "parts", "parts.0", "parts.1", "parts.1.0", "parts.1.1"]


def test_a_module_that_holds_itself_is_one() -> None:
    net = nn.Sequential(nn.ReLU())
    net[0].owner = net
    assert [path for path, _ in named_modules(net)] == ["", "0"]


def test_tensors_are_parameters_buffers_and_attributes_once() -> None:
    net = Shadowed()
    net.loose = torch.ones(3)
    net.alias = net.loose
    net.parts[0].bias = net.parts[1][1].bias  # shared
    found = tensors(net)
    linear, norm = net.parts[0], net.parts[1][1]
    expected = [linear.weight, linear.bias, norm.weight, *norm._buffers.values(), net.loose]
    assert len(found) == len(expected) == 7
    assert {id(one) for one in found} == {id(one) for one in expected}


class OwnTrain(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.part = nn.Dropout(0.5)
        self.train = "a train"


class Refuses(nn.Module):
    def eval(self) -> "Refuses":
        raise NotImplementedError("another mode")


class Deaf(nn.Module):
    """Its own way into eval mode leaves a part as it is."""

    def __init__(self) -> None:
        super().__init__()
        self.part = nn.Dropout(0.5)

    def eval(self) -> "Deaf":
        self.training = False
        return self


@pytest.mark.parametrize("net", [nn.Sequential(nn.Dropout(0.5)), OwnTrain()])
def test_eval_mode_whatever_train_is(net: nn.Module) -> None:
    set_eval(net)
    assert not any(module.training for _, module in named_modules(net))


def test_a_network_s_own_way_is_its_own() -> None:
    net = Deaf()
    set_eval(net)
    assert (net.training, net.part.training) == (False, True)
    set_eval(Refuses())  # an exported network has no other mode
