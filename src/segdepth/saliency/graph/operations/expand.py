"""Values repeated along axes, and chosen by fixed indices."""

import torch
from torch import Tensor, fx

from ..lowering import Lowering, arguments_of
from ..unsupported import UnsupportedOperationError
from ..views import View

__all__ = ["LOWERS"]

aten = torch.ops.aten


def _expand(low: Lowering, node: fx.Node) -> None:
    low.put(node, low.enlarged(node.args[0], node))


def _fill(low: Lowering, node: fx.Node) -> None:
    low.put(node, low.enlarged(node.args[1], node))


def _repeat(low: Lowering, node: fx.Node) -> None:
    """Axes one time after the other."""
    a = arguments_of(node)
    view = low.single(a["self"])
    view = View(view.values, ((),) * (len(a["repeats"]) - len(view.axes)) + view.axes)
    for dim, times in enumerate(a["repeats"]):
        if times != 1:
            view = low.reordered(view, dim, torch.arange(view.sizes[dim]).repeat(times))
    low.put(node, view)


def _index_select(low: Lowering, node: fx.Node) -> None:
    a = arguments_of(node)
    low.put(
        node, low.reordered(low.single(a["self"]), a["dim"] % len(node.meta["val"].shape), low.constant(a["index"]))
    )


def _index(low: Lowering, node: fx.Node) -> None:
    """Fixed indices along one axis."""
    a = arguments_of(node)
    given = [(dim, index) for dim, index in enumerate(a["indices"]) if index is not None]
    if len(given) != 1:
        raise UnsupportedOperationError("indices along several axes")
    ((dim, index),) = given
    order: Tensor = low.constant(index)
    if order.dim() != 1 or order.dtype == torch.bool:
        raise UnsupportedOperationError("indices that are a table")
    low.put(node, low.reordered(low.single(a["self"]), dim, order % a["self"].meta["val"].shape[dim]))


LOWERS = {
    aten.expand.default: _expand,
    aten.fill.Tensor: _fill,
    aten.index.Tensor: _index,
    aten.index_select.default: _index_select,
    aten.repeat.default: _repeat,
}
