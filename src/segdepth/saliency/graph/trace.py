"""From a network to the list of ATen operations that it runs at one input size."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, fx
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode
from torch.autograd.function import BackwardCFunction
from torch.fx.experimental.proxy_tensor import make_fx

from .unsupported import UnsupportedOperationError

__all__ = ["trace"]


def trace(function: Callable[[Tensor], Tensor], x: Tensor) -> fx.GraphModule:
    """Record what a function does to an input of this shape, without computing it.

    In-place operations are rewritten as plain ones. Parameters and buffers are referred to, not copied.

    Args:
        function: from input to output; a network in eval mode.
        x: an input; only its shape, type and device matter.

    Raises:
        UnsupportedOperationError: if what is done depends on the input's values, or a derivative is user-written.
    """
    try:
        _refuse_custom_derivatives(function, x)
        with torch.no_grad():
            traced: fx.GraphModule = make_fx(
                torch.func.functionalize(lambda y: function(y)), tracing_mode="fake", _allow_non_fake_inputs=True
            )(x)
    except DataDependentOutputException as error:
        raise UnsupportedOperationError(f"a decision by the input's values ({error.func})") from None
    return traced


def _refuse_custom_derivatives(function: Callable[[Tensor], Tensor], x: Tensor) -> None:
    """A trace sees a custom function's forward operations only, and would derive these instead."""
    with FakeTensorMode(allow_non_fake_inputs=True) as mode, torch.enable_grad():
        output = function(mode.from_tensor(x.detach()).requires_grad_())
    for node in _history(output):
        if isinstance(node, BackwardCFunction):
            raise UnsupportedOperationError(f"the custom function {type(node).__name__.removesuffix('Backward')}")


def _history(output: Tensor) -> Iterator[torch.autograd.graph.Node]:
    """Every backward step below an output, once."""
    waiting, seen = [output.grad_fn], set()
    while waiting:
        node = waiting.pop()
        if node is not None and node not in seen:
            seen.add(node)
            yield node
            waiting += [below for below, _ in node.next_functions]
