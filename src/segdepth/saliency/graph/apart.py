"""Take a network apart, and hold what comes out against autograd."""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.modules import module as global_hooks

from ..agreement import wrong_derivative
from ..modes import undisturbed
from ..modules import named_modules
from .graph import Graph, build_graph
from .unsupported import UnsupportedOperationError

__all__ = ["HOOKS_OF_ALL", "take_apart"]

#: PyTorch's hooks on the gradients of every module there is.
HOOKS_OF_ALL = (global_hooks._global_backward_hooks, global_hooks._global_backward_pre_hooks)


def take_apart(net: nn.Module, function: Callable[[Tensor], Tensor], image: Float[Tensor, "_ h w"]) -> Graph:
    """The graph of one of a network's functions at the picture's size, type and device.

    Args:
        net: whose function; it is in eval mode meanwhile and left as it was.
        function: from ``[1, ., h, w]`` to ``[1, c, h', w']``, the network or what is made of it.
        image: the picture at which the graph is compared with autograd.

    Raises:
        UnsupportedOperationError: at an operation that is not known, or if the graph's derivative is not autograd's.
    """
    if hook := _gradient_hook(net):
        raise UnsupportedOperationError(hook)
    with undisturbed(net):
        graph = build_graph(net, function, image)
        if wrong := wrong_derivative(graph, graph.forward(image), function, image):
            raise UnsupportedOperationError(wrong)
    return graph


def _gradient_hook(net: nn.Module) -> str | None:
    """The module whose gradients a hook of the user's may change, which no trace shows; None: there is none."""
    if any(HOOKS_OF_ALL):
        return "a hook on the gradients of all modules"
    for name, module in named_modules(net):
        if module._backward_hooks or module._backward_pre_hooks:
            return f"a hook on the gradients of {name or 'the network'} ({type(module).__name__})"
    return None
