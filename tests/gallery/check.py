"""What is asked of every network in the gallery."""

import copy
import logging
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gallery.gallery import Entry, Library, Rows, fresh
from gallery.outcomes import compare, outcome_of
from segdepth.saliency import ExplainedPicture, Explainer, Part
from segdepth.saliency.graph import UnsupportedOperationError

__all__ = ["check"]

#: (row, column) of an answer.
Pixels = list[tuple[int, int]]


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


def close(found: Tensor, expected: Tensor, digits: float) -> bool:
    """Whether each row differs from its twin by less than rounding, measured by the twin's peak."""
    if found.shape != expected.shape:
        return False
    difference = (found - expected).abs().flatten(1).amax(1)
    return bool((difference <= digits * expected.abs().flatten(1).amax(1)).all())


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
        if isinstance(module, torch.jit.ScriptModule):
            continue  # a copy of one has other attributes
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


def check(library: Library, entry: Entry, caplog: pytest.LogCaptureFixture) -> None:
    """Explain a network as given, by every engine that can, and compare all that it does with what was asked of it."""
    net, image = fresh(entry)
    once = one_pass(net, image)
    answer, pixels, rows = autograd_rows(entry, net, image)
    assert (rows.flatten(1).abs().amax(1) > 0).sum() > 1, "nothing to explain: give the entry another seed"
    explainer = Explainer(net, output=entry.output, resize=entry.resize)
    at = explainer.at(image)
    assert close(at.output, answer, entry.digits), "another answer"
    wrong = [engine for engine, found in _by_all_engines(explainer, at, pixels) if not close(found, rows, entry.digits)]
    assert not wrong, f"wrong by {wrong}"
    assert not (changed := left_as_after_one_pass(net, once)), f"left otherwise than by a pass of its own: {changed}"
    _check_words(caplog, at.parts)
    compare(library, entry.name, outcome_of(entry, at.parts))


def _by_all_engines(explainer: Explainer, at: ExplainedPicture, pixels: Pixels) -> Iterator[tuple[str, Tensor]]:
    yield "auto", at.jacobian(pixels)
    whole = any(part.how == "whole" for part in at.parts)
    for engine in ("windowed", "sparse"):
        explainer.engine = engine
        try:
            yield engine, at.jacobian(pixels)
        except UnsupportedOperationError as error:
            if not whole and not (engine == "sparse" and "channels" in error.operation):  # more than it can count
                raise
    explainer.engine = "auto"


def _check_words(caplog: pytest.LogCaptureFixture, parts: Sequence[Part]) -> None:
    """A sentence for each part that costs more than it could, at most; it names the part."""
    said = [r.getMessage() for r in caplog.records if r.name.startswith("segdepth") and r.levelno >= logging.WARNING]
    said = [words for words in said if "answers several maps" not in words]
    costly = [part for part in parts if part.how != "native"]
    assert len(said) <= len(costly), said
    assert len(set(said)) == len(said), said
    assert all(any(part.module in words for part in costly) for words in said), said
