"""Every optimizer makes a parameter follow its gradient, and keeps PyTorch's defaults."""

import inspect

import pytest
import torch

from segdepth.optim import OPTIMIZERS

CLASSES = {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW", "adamax": "Adamax", "asgd": "ASGD",
           "adadelta": "Adadelta", "adagrad": "Adagrad", "rmsprop": "RMSprop"}  # fmt: skip


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_defaults_are_pytorchs(name: str) -> None:
    theirs = inspect.signature(getattr(torch.optim, CLASSES[name])).parameters
    for key, parameter in inspect.signature(OPTIMIZERS[name]).parameters.items():
        if key != "params":
            assert parameter.default == theirs[key].default, key


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_step_descends(name: str) -> None:
    weight = torch.nn.Parameter(torch.tensor([3.0, -2.0]))
    optimizer = OPTIMIZERS[name]([{"params": [weight]}])
    before = weight.square().sum()
    for _ in range(5):
        optimizer.zero_grad()
        weight.square().sum().backward()
        optimizer.step()
    assert weight.square().sum() < before


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_complex_numbers_learn_as_well(name: str) -> None:
    w = torch.nn.Parameter(torch.full((2,), 1 + 2j))
    optimizer = OPTIMIZERS[name]([{"params": [w]}], lr=0.01)
    before = w.abs().sum().item()
    w.abs().square().sum().backward()
    optimizer.step()
    assert w.abs().sum() < before
