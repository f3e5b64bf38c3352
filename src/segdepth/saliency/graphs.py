"""A network is taken apart once per input size, and again when it has changed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from .apart import take_apart
from .graph import Graph, UnsupportedOperationError
from .memory import hand_back

__all__ = ["Function", "Graphs"]

#: Graphs kept per network; each holds the weights, laid out for the engines that were used.
LARGEST = 2


class Graphs:
    """Those of one network.

    Args:
        known: graphs that live as long as the network; those that are made here join them if they do not keep it alive.
    """

    def __init__(self, known: "Graphs | None" = None) -> None:
        self._known = known
        self._entries: dict[tuple[Any, ...], tuple[Any, Graph | str]] = {}

    def __reduce__(self) -> tuple[type["Graphs"], tuple[()]]:
        return type(self), ()  # a copy, here or in another process, is of another network

    def of(self, function: "Function", image: Float[Tensor, "_ h w"]) -> Graph:
        """The graph of a function at the picture's size, type and device.

        Raises:
            UnsupportedOperationError: if there is none; why is found out once.
        """
        key = (function.name, tuple(image.shape), image.dtype, image.device)
        found = self._found(key, function.fingerprint) or _graph_or_reason(function, image)
        self._keep(key, function.fingerprint, found)
        if isinstance(found, str):
            raise UnsupportedOperationError(found)
        return found

    def _found(self, key: tuple[Any, ...], wanted: tuple[Any, ...]) -> Graph | str | None:
        fingerprint, found = self._entries.pop(key, (None, None))
        if fingerprint is not None and fingerprint == wanted:
            return found
        return self._known._found(key, wanted) if self._known is not None else None

    def _keep(self, key: tuple[Any, ...], fingerprint: tuple[Any, ...], found: Graph | str) -> None:
        self._entries[key] = fingerprint, found  # the one used last stands last
        while len(self._entries) > LARGEST:
            del self._entries[next(iter(self._entries))]
        if self._known is not None and (isinstance(found, str) or not found.holds_others):
            self._known._keep(key, fingerprint, found)

    def forget(self) -> None:
        """Take everything apart anew the next time."""
        self._entries.clear()
        if self._known is not None:
            self._known.forget()


@dataclass(frozen=True, eq=False)
class Function:
    """A function of pictures that belongs to a network.

    Attributes:
        net: whose weights and modes it depends on.
        call: from ``[1, ., h, w]`` to ``[1, c, h', w']``.
        name: tells it from the network's other functions.
        fingerprint: a graph of another fingerprint is of a network that has changed since (see
            :class:`~segdepth.saliency.changes.Fingerprint`).
        graphs: where graphs are kept.
    """

    net: nn.Module
    call: Callable[[Tensor], Tensor]
    name: str = ""
    fingerprint: tuple[Any, ...] = ()
    graphs: Graphs = field(default_factory=Graphs)

    def graph(self, image: Float[Tensor, "_ h w"]) -> Graph:
        """See :meth:`Graphs.of`."""
        return self.graphs.of(self, image)


def _graph_or_reason(function: Function, image: Float[Tensor, "_ h w"]) -> Graph | str:
    try:
        with torch.no_grad():
            return take_apart(function.net, function.call, image)
    except UnsupportedOperationError as error:
        return error.operation
    finally:
        hand_back()  # the comparison with autograd needs more than engines do
