"""How much of a network's arithmetic a part of its trace does."""

from collections.abc import Iterable

import torch
from torch import fx
from torch.utils.flop_counter import flop_registry

__all__ = ["share"]


def share(some: Iterable[fx.Node], of_all: Iterable[fx.Node]) -> float:
    """The part of the multiplications of convolutions, matrix products and attention, 0..1.

    Args:
        some: operations of a trace.
        of_all: those that they are compared with.
    """
    whole = sum(map(_multiplications, of_all))
    return sum(map(_multiplications, some)) / whole if whole else 0.0


def _multiplications(node: fx.Node) -> float:
    count = flop_registry.get(getattr(node.target, "_overloadpacket", None))
    if count is None:
        return 0.0
    args, kwargs = fx.node.map_arg((node.args, node.kwargs), lambda n: n.meta["val"])
    try:
        return float(count(*args, **kwargs, out_val=node.meta["val"])) / 2
    except (TypeError, ValueError, AttributeError, torch.jit.Error):  # of a form that PyTorch's table does not know
        return 0.0
