"""What a network's modules hold, so that a forward pass that notes something in them leaves it as it was."""

from collections import deque
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.parameter import is_lazy

from .modules import named_modules, tensors

__all__ = ["Snapshot"]


class Snapshot:
    """Attributes (and so each module's mode), the contents of containers, buffers and loose tensors by value.

    Not parameters, which no forward pass changes, nor what stands outside the modules, such as a hook's own list.

    Args:
        net: whose modules.
    """

    def __init__(self, net: nn.Module) -> None:
        self._modules = [(module, type(module), dict(vars(module)), _parts(module)) for _, module in named_modules(net)]
        self._modes = [  # TorchScript's are no attributes, or it has none
            (module, module.training) for _, module in named_modules(net) if hasattr(module, "training")
        ]
        values = [value for _, _, held, _ in self._modules for value in held.values()]
        held = [value for value in values if isinstance(value, _CONTAINERS)]
        self._containers = [(value, _items(value) if value else []) for value in held]  # most are empty
        self._tensors = [
            (t, t._version, t.detach().clone())
            for t in tensors(net)
            if not isinstance(t, nn.Parameter) and not is_lazy(t) and not t.is_inference()
        ]
        self._norms = {  # PyTorch does not count it as a change when a batch norm writes to its statistics
            id(t): f"{type(module).__name__} {path!r}"
            for path, module in named_modules(net)
            if isinstance(module, _NormBase)
            for t in module._buffers.values()
        }

    def restore(self) -> None:
        """Put everything back; nothing is written where nothing has changed."""
        for module, _, before, _ in self._modules:
            now = vars(module)
            for name in [name for name in now if name not in before]:
                del now[name]
            for name, value in before.items():
                if now.get(name, self) is not value:
                    now[name] = value
        self.restore_modes()
        for container, content in self._containers:
            if (container or content) and not _same(_items(container), content):
                container.clear()
                _fill(container, content)
        for tensor, version, value in self._tensors:
            self._put_back(tensor, version, value)

    def restore_statistics(self) -> list[str]:
        """Put back what norms have noted of a picture in their running statistics; returns which norms, in words."""
        noted = [
            id(t) for t, version, value in self._tensors if id(t) in self._norms and self._put_back(t, version, value)
        ]
        return list(dict.fromkeys(self._norms[number] for number in noted))

    def _put_back(self, tensor: Tensor, version: int, value: Tensor) -> bool:
        """Whether a tensor had changed."""
        if tensor._version != version:
            with torch.no_grad():
                tensor.copy_(value)
            return True
        if id(tensor) not in self._norms or torch.equal(tensor, value):
            return False
        tensor.data.copy_(value)  # unnoticed as it was written, so that a backward pass may still follow
        return True

    def restore_modes(self) -> None:
        """Put back whether each module trains, and nothing else."""
        for module, training in self._modes:
            if module.training != training:
                module.training = training

    def sees_a_first_pass(self) -> bool:
        """Whether a network made itself ready: modules of another class, with other attributes, parts, weights, hooks, tables."""
        return any(type(module) is not was or _parts(module) != parts for module, was, _, parts in self._modules)


def _parts(module: nn.Module) -> dict[str, Any]:
    """What a network may make ready in a module: which attributes it has, which are None, and the keys of dictionaries.

    Parts, weights and hooks stand in dictionaries, and tables by size may.
    """
    return {name: list(value) if isinstance(value, dict) else value is None for name, value in vars(module).items()}


#: And what is made of them: a module's hooks stand in an ``OrderedDict``.
_CONTAINERS = (dict, list, set, deque)


def _items(container: Any) -> list[Any]:
    """What stands in a container, keys and values of a dictionary in turn."""
    return [part for item in container.items() for part in item] if isinstance(container, dict) else list(container)


def _fill(container: Any, content: list[Any]) -> None:
    if isinstance(container, dict):
        container.update(zip(content[::2], content[1::2], strict=True))
    else:
        (container.update if isinstance(container, set) else container.extend)(content)


def _same(now: list[Any], before: list[Any]) -> bool:
    """By identity: what stands in a container may not be comparable."""
    return len(now) == len(before) and all(a is b for a, b in zip(now, before, strict=True))
