"""The operations that a graph is made of: one file each, one line here."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

from torch import fx

from ..lowering import Lowering
from . import (
    add,
    channels,
    concat,
    convolution,
    expand,
    grid_sample,
    group_norm,
    max_pool,
    max_unpool,
    patches,
    pointwise,
    rearrange,
    reduction,
    scale,
    separable,
    window,
)

__all__ = ["LOWERS", "OPERATIONS"]

OPERATIONS: tuple[ModuleType, ...] = (
    add, channels, concat, convolution, expand, grid_sample, group_norm, max_pool, max_unpool, patches, pointwise, rearrange,
    reduction, scale, separable, window,
)  # fmt: skip

#: How each operation of PyTorch that is known becomes nodes.
LOWERS: dict[Any, Callable[[Lowering, fx.Node], None]] = {
    target: lower for operation in OPERATIONS for target, lower in operation.LOWERS.items()
}
