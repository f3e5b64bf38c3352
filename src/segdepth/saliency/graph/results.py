"""What operations of a trace give: one value, or several of which each is taken by an operation of its own."""

from typing import Any

from torch import fx

__all__ = ["ends", "first_of", "is_item"]


def first_of(result: Any) -> Any:
    """A result, or the first of several."""
    return next(iter(result), None) if isinstance(result, (tuple, list)) else result


def is_item(node: fx.Node) -> bool:
    """Whether an operation takes one of several results."""
    return str(node.target) == "<built-in function getitem>"


def ends(traced: fx.GraphModule) -> tuple[fx.Node, fx.Node]:
    """The picture in a trace, and the answer."""
    (placeholder,) = traced.graph.find_nodes(op="placeholder")
    (end,) = traced.graph.find_nodes(op="output")
    return placeholder, first_of(end.args[0])
