"""What a network's modules hold, so that a forward pass that notes something in them leaves it as it was."""

from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["Snapshot"]


class Snapshot:
    """Attributes (and so each module's mode), the contents of plain containers, and buffers by value.

    Not parameters, which no forward pass changes, nor what stands outside the modules, such as a hook's own list.

    Args:
        net: whose modules.
    """

    def __init__(self, net: nn.Module) -> None:
        self._modules = [(module, dict(vars(module))) for module in net.modules()]
        values = [value for _, held in self._modules for value in held.values()]
        self._containers = [(value, _copy(value)) for value in values if type(value) in (dict, list, set)]
        tensors = [*net.buffers(), *(value for value in values if isinstance(value, Tensor))]
        self._tensors = [(t, t._version, t.detach().clone()) for t in tensors if not t.is_inference()]

    def restore(self) -> None:
        """Put everything back; nothing is written where nothing has changed."""
        for module, before in self._modules:
            now = vars(module)
            for name in [name for name in now if name not in before]:
                del now[name]
            for name, value in before.items():
                if now.get(name, self) is not value:
                    now[name] = value
        for container, content in self._containers:
            if not _same(container, content):
                container.clear()
                (container.extend if isinstance(container, list) else container.update)(content)
        with torch.no_grad():
            for tensor, version, value in self._tensors:
                if tensor._version != version:
                    tensor.copy_(value)


def _copy(container: Any) -> Any:
    return type(container)(container)


def _same(container: Any, content: Any) -> bool:
    """By identity: what stands in a container may not be comparable."""
    if isinstance(container, dict):
        return list(container) == list(content) and all(container[key] is content[key] for key in content)
    return len(container) == len(content) and all(a is b for a, b in zip(container, content, strict=True))
