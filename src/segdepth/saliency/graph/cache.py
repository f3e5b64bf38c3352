"""A network is taken apart once per input size, and again when it has changed."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import Any
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Float
from torch import Tensor, nn

from .graph import Graph, build_graph
from .unsupported import UnsupportedOperationError

__all__ = ["cached_graph"]

#: Graphs kept per network; each holds a copy of the weights, laid out for the backward pass.
LARGEST = 2


@dataclass(frozen=True, eq=False)
class _Entry:
    fingerprint: tuple[Any, ...]
    graph: Graph | str  # the name of the operation that cannot be taken apart, found out once too


_cache: WeakKeyDictionary[nn.Module, dict[tuple[Any, ...], _Entry]] = WeakKeyDictionary()


def cached_graph(net: nn.Module, function: Callable[[Tensor], Tensor], image: Float[Tensor, "_ h w"]) -> Graph:
    """The graph of one of a network's functions at the picture's size, type and device.

    Args:
        net: whose weights tell whether a graph still holds.
        function: the network, or a method of it.
        image: the picture.

    Raises:
        UnsupportedOperationError: at an operation that is not known.
    """
    key = (getattr(function, "__name__", ""), tuple(image.shape), image.dtype, image.device)
    fingerprint = _fingerprint(net)
    entries = _cache.setdefault(net, {})
    entry = entries.pop(key, None)
    if entry is None or entry.fingerprint != fingerprint:
        entry = _Entry(fingerprint, _gradient_hook(net) or _graph_or_reason(function, image))
    entries[key] = entry  # the one used last stands last
    while len(entries) > LARGEST:
        del entries[next(iter(entries))]
    if isinstance(entry.graph, str):
        raise UnsupportedOperationError(entry.graph)
    return entry.graph


def _graph_or_reason(function: Callable[[Tensor], Tensor], image: Float[Tensor, "_ h w"]) -> Graph | str:
    try:
        return build_graph(function, image)
    except UnsupportedOperationError as error:
        return error.operation


def _gradient_hook(net: nn.Module) -> str | None:
    """The module whose gradients a hook of the user's may change, which no trace shows; None: there is none."""
    for name, module in net.named_modules():
        if module._backward_hooks or module._backward_pre_hooks:
            return f"a hook on the gradients of {name or 'the network'} ({type(module).__name__})"
    return None


def _fingerprint(net: nn.Module) -> tuple[Any, ...]:
    """Changes with the modules, their attributes and hooks, and with the weights.

    The weights are summed, because ``p.data`` can change unnoticed.
    """
    modules = list(net.modules())
    loose = (value for module in modules for value in vars(module).values() if isinstance(value, Tensor))
    tensors = list(chain(net.parameters(), net.buffers(), loose))
    with torch.no_grad():
        sums = [t.sum().double().to(tensors[0].device) for t in tensors]  # and all of them brought here at once
    settings = tuple(_settings(module) for module in modules)
    return settings, tuple(map(id, tensors)), tuple(torch.stack(sums).tolist() if sums else ())


def _settings(module: nn.Module) -> tuple[Any, ...]:
    """A module's plain attributes by value, all others by identity, and its hooks."""
    values = [
        (name, value if isinstance(value, (bool, int, float, str, type(None))) else id(value))
        for name, value in vars(module).items()
        if name != "training"  # eval mode is set for every look at the network
    ]
    hooks = (module._forward_pre_hooks, module._forward_hooks, module._backward_pre_hooks, module._backward_hooks)
    return id(module), *values, *(tuple(map(id, kind.values())) for kind in hooks)
