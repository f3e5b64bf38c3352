"""The modules that a network is made of, whatever its class calls its own attributes."""

from collections.abc import Iterator
from contextlib import suppress

from torch import Tensor, nn

__all__ = ["named_modules", "set_eval", "tensors"]


def named_modules(net: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Every module once, with its path; ``net.modules`` may be an attribute of the network's own, a list for example."""
    waiting: list[tuple[str, nn.Module]] = [("", net)]
    seen: set[nn.Module] = set()
    while waiting:
        path, module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        yield path, module
        below = [(name, child) for name, child in module._modules.items() if child is not None]
        waiting += [(f"{path}.{name}" if path else name, child) for name, child in reversed(below)]


def tensors(net: nn.Module) -> list[Tensor]:
    """Parameters, buffers, and tensors that are plain attributes, each once."""
    found = {}
    for _, module in named_modules(net):
        held = (*module._parameters.values(), *module._buffers.values(), *vars(module).values())
        found.update({id(value): value for value in held if isinstance(value, Tensor)})
    return list(found.values())


def set_eval(net: nn.Module) -> None:
    """Eval mode, by the network's own method where it has one; an attribute called ``train`` is no method."""
    if callable(getattr(net, "eval", None)) and all(callable(module.train) for _, module in named_modules(net)):
        with suppress(NotImplementedError):  # of an exported network, which has no other mode than its own
            net.eval()
    else:
        for _, module in named_modules(net):
            module.training = False
