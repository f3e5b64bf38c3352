"""What a network of the gallery is: how it is made, what it answers, and what has to be said of that."""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple
from zlib import crc32

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

__all__ = ["Entry", "Library", "Rows", "fresh"]


@dataclass(frozen=True)
class Entry:
    """A network.

    Attributes:
        name: unique in the gallery.
        make: builds it.
        answer: from what it returns to the maps ``[1, c, h, w]`` that are explained, as its users would.
        picked: the same in words.
        size: rows and columns of the picture.
        channels: of the picture.
        seed: another draw of the weights, where the first leaves nothing to explain.
        digits: how far a row may differ from autograd's, as a part of its peak; more where the network itself rounds.
        output: given to ``Explainer`` where the default is another answer.
        resize: given to ``Explainer``.
    """

    name: str
    make: Callable[[], nn.Module]
    answer: Callable[[Any], Tensor] = lambda found: found
    picked: str = "the tensor"
    size: tuple[int, int] = (32, 32)
    channels: int = 3
    output: Any = None
    seed: int = 0
    digits: float = 1e-9
    resize: Literal["bilinear"] | None = None

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Library:
    """Networks of one origin.

    Attributes:
        name: of the package, and the one under which outcomes are kept.
        torch: the version that outcomes are kept of: another one may take the same network to pieces otherwise.
        entries: its networks.
    """

    name: str
    torch: str
    entries: list[Entry]


class Rows(NamedTuple):
    """An answer ``[c, h, w]``, pixels of it, and the gradients ``[p, channels, rows, columns]`` of what is predicted there."""

    answer: Tensor
    pixels: list[tuple[int, int]]
    rows: Tensor


def fresh(entry: Entry) -> tuple[nn.Module, Tensor]:
    """A network with weights drawn by its name, that has made no forward pass yet, and a picture for it."""
    torch.manual_seed(crc32(entry.name.encode()) + entry.seed)
    net = entry.make().double()
    with torch.no_grad():
        for parameter in net.parameters():
            _draw(parameter)
        image = torch.randn(entry.channels, *entry.size, dtype=torch.float64)
        _spread(net, image)
    return net, image


def _draw(parameter: Tensor) -> None:
    """Nothing is zero or one by birth: a scale of layers, a table of positions, the weights of a norm."""
    if parameter.dim() > 1:
        parameter.normal_(std=1.5 / math.sqrt(parameter[0].numel()))
    elif (parameter == parameter.flatten()[0]).all() and parameter.flatten()[0] > 0:
        parameter.uniform_(0.5, 1.5)
    else:
        parameter.uniform_(-0.3, 0.3)


def _spread(net: nn.Module, image: Tensor) -> None:
    """Batch norms as after some training: their statistics are near what a copy of the network sees of a picture."""
    norms = [module for module in nn.Module.modules(net) if isinstance(module, _BatchNorm)]
    if not norms:
        return
    copied = copy.deepcopy(net)
    twins = [module for module in nn.Module.modules(copied) if isinstance(module, _BatchNorm)]
    for twin in twins:
        twin.register_forward_pre_hook(_note)
    nn.Module.train(copied, False)
    copied(image[None])
    for norm, twin in zip(norms, twins, strict=True):
        norm.running_mean.copy_(twin.running_mean)  # type: ignore[union-attr, arg-type]
        norm.running_var.copy_(twin.running_var)  # type: ignore[union-attr, arg-type]


def _note(norm: nn.Module, given: tuple[Tensor]) -> None:
    assert isinstance(norm, _BatchNorm)
    mean, var = norm.running_mean, norm.running_var
    assert mean is not None
    assert var is not None
    seen = given[0].transpose(0, 1).flatten(1)
    spread = seen.var(1, correction=0).clamp_min(1e-3) if seen.shape[1] > 1 else torch.ones_like(var)
    mean.copy_(seen.mean(1) + spread.sqrt() * torch.empty_like(mean).uniform_(-0.3, 0.3))
    var.copy_(spread * torch.empty_like(var).uniform_(0.5, 2.0))
