"""A network is taken apart once per input size, and again when it has changed."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary, ref

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.modules import module as global_hooks

from ..modules import named_modules, tensors
from .graph import Answered, Graph, build_graph
from .unsupported import UnsupportedOperationError

__all__ = ["forget", "graph_at"]

#: What is wrong with a graph that answers this to a picture, in words; None: nothing.
Examine = Callable[[Graph, Answered, Callable[[Tensor], Tensor], Tensor], str | None]

#: Graphs kept per network; each holds a copy of the weights, laid out for the backward pass.
LARGEST = 2


#: PyTorch's hooks on the gradients of every module there is.
_HOOKS_OF_ALL = (global_hooks._global_backward_hooks, global_hooks._global_backward_pre_hooks)


@dataclass(frozen=True, eq=False)
class _Entry:
    fingerprint: tuple[Any, ...]
    graph: Graph | str  # or why there is none, found out once too


_cache: WeakKeyDictionary[nn.Module, dict[tuple[Any, ...], _Entry]] = WeakKeyDictionary()


def graph_at(
    net: nn.Module, function: Callable[[Tensor], Tensor], image: Float[Tensor, "_ h w"], examine: Examine
) -> tuple[Graph, Answered]:
    """The graph of one of a network's functions at the picture's size, type and device, and what the picture makes of it.

    Args:
        net: whose weights tell whether a graph still holds.
        function: the network, or a method of it.
        image: the picture.
        examine: tells what is wrong with a graph that was made anew.

    Raises:
        UnsupportedOperationError: at an operation that is not known, or if something is wrong with the graph.
    """
    key = (getattr(function, "asked", ""), tuple(image.shape), image.dtype, image.device)
    fingerprint = _fingerprint(net)
    entries = _cache.setdefault(net, {})
    entry = entries.pop(key, None)
    answered: Answered | None = None
    if entry is None or entry.fingerprint != fingerprint:
        found = _gradient_hook(net) or _graph_or_reason(net, function, image)
        if isinstance(found, Graph):
            answered = found.forward(image)
            found = examine(found, answered, function, image) or found
        entry = _Entry(fingerprint, found)
    entries[key] = entry  # the one used last stands last
    while len(entries) > LARGEST:
        del entries[next(iter(entries))]
    if isinstance(entry.graph, str):
        raise UnsupportedOperationError(entry.graph)
    return entry.graph, answered or entry.graph.forward(image)


def _graph_or_reason(
    net: nn.Module, function: Callable[[Tensor], Tensor], image: Float[Tensor, "_ h w"]
) -> Graph | str:
    try:
        return build_graph(net, function, image)
    except UnsupportedOperationError as error:
        return error.operation


def _gradient_hook(net: nn.Module) -> str | None:
    """The module whose gradients a hook of the user's may change, which no trace shows; None: there is none."""
    if any(_HOOKS_OF_ALL):
        return "a hook on the gradients of all modules"
    for name, module in named_modules(net):
        if module._backward_hooks or module._backward_pre_hooks:
            return f"a hook on the gradients of {name or 'the network'} ({type(module).__name__})"
    return None


def forget(net: nn.Module) -> None:
    """Take a network apart anew the next time."""
    _cache.pop(net, None)


def _fingerprint(net: nn.Module) -> tuple[Any, ...]:
    """Changes with the modules, their attributes and hooks, and with the weights, whose ``data`` can change unnoticed."""
    held = tensors(net)
    with torch.no_grad():
        digests = [_digest(t).to(held[0].device) for t in held]  # and all of them brought here at once
    return (
        tuple(map(tuple, _HOOKS_OF_ALL)),
        tuple(_content({**vars(module), "training": False}) for _, module in named_modules(net)),
        tuple((id(t), t.data_ptr()) for t in held),
        tuple(torch.stack(digests).tolist() if digests else ()),
    )


def _digest(values: Tensor) -> Float[Tensor, ""]:
    """A sum in which every number has its own weight: it changes with their order, too."""
    if values.layout != torch.strided:  # told apart by identity alone
        return torch.zeros((), dtype=torch.float64, device=values.device)
    flat = (torch.view_as_real(values) if values.is_complex() else values).detach().reshape(-1)
    flat = flat if flat.dtype in (torch.float32, torch.float64) else flat.to(torch.float64)
    for level in count():
        weights = _weights(level, flat.dtype, flat.device)
        whole = len(flat) // len(weights) * len(weights)
        rest = flat[whole:] @ weights[: len(flat) - whole]
        if not whole:
            return rest.double()
        flat = torch.cat([flat[:whole].view(-1, len(weights)) @ weights, rest[None]])
    raise AssertionError("the numbers become fewer at every level")


@cache
def _weights(level: int, dtype: torch.dtype, device: torch.device) -> Float[Tensor, " w"]:
    generator = torch.Generator().manual_seed(level)
    return torch.rand(4096, dtype=torch.float64, generator=generator).to(device, dtype)


def _content(value: Any) -> Any:
    """Numbers and texts by value, containers by content, anything else by identity."""
    match value:
        case bool() | int() | float() | str() | None:
            return value
        case dict():
            return tuple((key, _content(inner)) for key, inner in value.items())
        case list() | tuple() | set():
            return tuple(map(_content, value))
        case _:
            return _Identity(value), _settings(value)


def _settings(value: Any) -> Any:
    """The numbers and texts of an object without weights, a network's configuration for example."""
    if isinstance(value, (Tensor, nn.Module, type)) or callable(value):
        return ()
    held = getattr(value, "__dict__", {})
    return tuple((key, inner) for key, inner in held.items() if isinstance(inner, bool | int | float | str | None))


class _Identity:
    """Equal to another one of the same object, as long as that lives: the number of a dead one is given away again."""

    def __init__(self, value: Any) -> None:
        try:
            self._get: Callable[[], Any] = ref(value)
        except TypeError:  # it cannot be referred to weakly
            self._get = lambda: value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and (mine := self._get()) is not None and mine is other._get()

    __hash__ = None  # type: ignore[assignment]
