"""What is asked of every network in the gallery."""

import copy
from collections import deque
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from .gallery import Entry, Rows

__all__ = ["autograd_rows", "close", "left_as_after_one_pass", "one_pass"]

#: Of a row's peak.
TOLERANCE = 1e-9


def autograd_rows(entry: Entry, net: nn.Module, image: Tensor) -> Rows:
    """The answer, three pixels of it and their gradients, by plain PyTorch on a copy of the network."""
    net = evaluating(copy.deepcopy(net))
    x = image[None].clone().requires_grad_()
    y = entry.answer(net(x))
    height, width = y.shape[-2:]
    pixels = list(dict.fromkeys([(0, 0), (height // 2, width // 3), (height - 1, width - 1)]))
    values = [y[0, y[0, :, row, column].argmax(), row, column] for row, column in pixels]
    rows = torch.stack([torch.autograd.grad(value, x, retain_graph=True)[0][0] for value in values])
    return Rows(y[0].detach(), pixels, rows)


def close(found: Tensor, expected: Tensor) -> bool:
    """Whether each row differs from its twin by less than rounding, measured by the twin's peak."""
    if found.shape != expected.shape:
        return False
    difference = (found - expected).abs().flatten(1).amax(1)
    return bool((difference <= TOLERANCE * expected.abs().flatten(1).amax(1)).all())


def evaluating(net: nn.Module) -> nn.Module:
    """In eval mode, whatever the network calls its attributes."""
    for module in nn.Module.modules(net):
        module.training = False
    return net


def one_pass(net: nn.Module, image: Tensor) -> nn.Module:
    """A copy that has made one forward pass in eval mode; its modes are the network's."""
    once = copy.deepcopy(net)
    modes = [module.training for module in nn.Module.modules(once)]
    modules = list(nn.Module.modules(once))
    with torch.no_grad():
        evaluating(once)(image[None])
    for module, training in zip(modules, modes, strict=True):
        module.training = training
    for module in nn.Module.modules(once):
        if module not in modules:  # made by the pass
            module.training = True
    return once


def left_as_after_one_pass(net: nn.Module, once: nn.Module) -> list[str]:
    """Where a network is not as its copy: modes, weights, buffers, hooks, attributes."""
    found = []
    one, other = (dict(nn.Module.named_modules(each)) for each in (net, once))
    if set(one) != set(other):
        return [f"other modules: {sorted(set(one) ^ set(other))}"]
    for name, module in one.items():
        here, there = vars(module), vars(other[name])
        if set(here) != set(there):
            found.append(f"{name}: other attributes {sorted(set(here) ^ set(there))}")
        found += [f"{name}.{key}" for key in here if key in there and not alike(here[key], there[key])]
    return found


def alike(a: Any, b: Any) -> bool:
    """Whether two attributes hold the same, as far as can be said."""
    if isinstance(a, Tensor):
        return isinstance(b, Tensor) and a.requires_grad == b.requires_grad and torch.equal(a.detach(), b.detach())
    if isinstance(a, Mapping):
        return len(a) == len(b) and all(alike(x, y) for x, y in zip(a.values(), b.values(), strict=True))
    if isinstance(a, (list, tuple, deque)):
        return len(a) == len(b) and all(alike(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, (bool, int, float, str, set, type(None))):
        return bool(a == b)
    return type(a) is type(b)
