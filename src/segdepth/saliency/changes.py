"""Whether a network is still what it was: a look at every tensor's version at every call, at all values once a picture.

The quick look (:meth:`Fingerprint.change`) takes about a microsecond a tensor. It sees tensors, modules and hooks that
are others, and what PyTorch's own operations wrote into a tensor. It does not see what is written behind PyTorch's back
(through ``.data``, a NumPy view, another process), nor numbers and texts that are attributes. The key of a fingerprint
holds these, too: two fingerprints have equal keys if nothing of this is another.
"""

from collections.abc import Callable, Collection, Iterator, Sized
from functools import cache
from itertools import islice
from typing import Any, NamedTuple, TypeVar
from weakref import ref

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor, nn
from torch.nn.modules import module as global_hooks
from torch.nn.parameter import is_lazy

from .modules import named_modules

__all__ = ["Fingerprint", "digests", "run_noting"]

T = TypeVar("T")

#: PyTorch's hooks on every module there is.
_HOOKS_OF_ALL = tuple(value for name, value in sorted(vars(global_hooks).items()) if name.endswith("_hooks"))

#: Where a module holds its hooks.
_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


class _Held(NamedTuple):
    """A tensor, and where it stands."""

    name: str
    where: dict[str, Any]
    key: str
    tensor: Tensor
    version: int | None
    address: int | None


class Fingerprint:
    """A network as it stands.

    Args:
        net: which one; in any mode, which does not count.
        noted: names of tensors that any forward pass writes (see :func:`run_noting`); the quick look does not look at
            them.

    Attributes:
        key: equal for two fingerprints if the networks' modules, attributes, hooks and values are; it keeps no network
            alive.
    """

    def __init__(self, net: nn.Module, noted: Collection[str] = ()) -> None:
        modules = list(named_modules(net))
        tensors = [held for path, module in modules for held in _held(path, module)]
        values = digests([held.tensor for held in tensors])
        self._watched = [(held, digest) for held, digest in zip(tensors, values, strict=True) if held.name not in noted]
        self._children = [child for _, module in modules for child in _children(module)]
        self._sizes = [(part, len(part)) for _, module in modules for part in _parts(module)]
        self.key: tuple[Any, ...] = (
            tuple(map(tuple, _HOOKS_OF_ALL)),
            tuple(_content({**vars(module), "training": False}) for _, module in modules),
            tuple((id(held.tensor), held.address) for held in tensors),
            tuple(values),
        )

    def change(self) -> str | None:
        """What is another than it was, in words; None: nothing that a quick look shows."""
        for modules, name, child in self._children:
            if modules.get(name) is not child:
                return f"its module {name!r} is another"
        for part, size in self._sizes:
            if len(part) != size:
                return "it has other parts or hooks"
        for number, ((_, where, key, tensor, version, address), _) in enumerate(self._watched):
            if (
                where.get(key) is not tensor
                or (version is not None and tensor._version != version)
                or (address is not None and tensor.data_ptr() != address)
            ) and (change := self._other_values(number)):
                return change
        return None

    def _other_values(self, number: int) -> str | None:
        """A tensor that was written to and put back is none that has changed."""
        held, digest = self._watched[number]
        now = held.where.get(held.key)
        if not isinstance(now, Tensor) or now.shape != held.tensor.shape or now.dtype != held.tensor.dtype:
            return f"{held.name} is another tensor"
        if digests([now]) != [digest]:
            return f"{held.name} has other values"
        self._watched[number] = _note(held.name, held.where, held.key, now), digest
        return None


def run_noting(net: nn.Module, run: Callable[[], T]) -> tuple[T, set[str]]:
    """What a function gives, and the names of the buffers and attributes of a network that it writes tensors to."""
    before = {held.name: held for path, module in named_modules(net) for held in _held(path, module)}
    result = run()
    noted = set()
    for path, module in named_modules(net):
        for held in _held(path, module):
            old = before.get(held.name)
            same = old is not None and old.tensor is held.tensor and old.version == held.version
            if not same and not isinstance(held.tensor, nn.Parameter):
                noted.add(held.name)
    return result, noted


def _held(path: str, module: nn.Module) -> Iterator[_Held]:
    """Parameters, buffers, and tensors that are plain attributes."""
    for where in map(_dictionary, (module._parameters, module._buffers, vars(module))):
        for key, value in where.items():
            if isinstance(value, Tensor) and not is_lazy(value):
                yield _note(f"{path}.{key}" if path else key, where, key, value)


def _note(name: str, where: dict[str, Any], key: str, tensor: Tensor) -> _Held:
    version = None if tensor.is_inference() else tensor._version
    address = tensor.data_ptr() if tensor.layout == torch.strided else None
    return _Held(name, where, key, tensor, version, address)


def _children(module: nn.Module) -> Iterator[tuple[dict[str, Any], str, nn.Module]]:
    """Its modules, and where each stands."""
    where = _dictionary(module._modules)
    yield from ((where, name, child) for name, child in where.items() if child is not None)


def _dictionary(where: Any) -> dict[str, Any]:
    """What TorchScript has in its place can only be read; what it holds is never replaced."""
    return where if isinstance(where, dict) else dict(where.items())


def _parts(module: nn.Module) -> list[Sized]:
    hooks = [getattr(module, name) for name in _HOOKS]
    return [module._parameters, module._buffers, module._modules, *hooks]


#: Whole numbers that are mixed at a time: they stay in the caches of a CPU, or keep a GPU busy.
CPU_NUMBERS, GPU_NUMBERS = 1 << 15, 1 << 22


@torch.no_grad()
def digests(tensors: list[Tensor]) -> list[int]:
    """Of each tensor a number that changes with any of its bits and with their order."""
    unique = {id(tensor): tensor.detach() for tensor in tensors}
    sums = {number: _sums(values) for number, values in unique.items()}
    waiting = [found for found in sums.values() if isinstance(found, Tensor)]
    known = iter(torch.cat([found.to(waiting[0].device) for found in waiting]).tolist() if waiting else [])  # one wait
    found_of = {
        number: hash(tuple(islice(known, len(found)) if isinstance(found, Tensor) else found))
        for number, found in sums.items()
    }
    return [found_of[id(tensor)] for tensor in tensors]


def _sums(values: Tensor) -> list[int] | Int[Tensor, " n"]:
    """Sums, modulo 2^64: eight bytes at a time are a whole number, and each has a weight of its own.

    The upper half of each number is mixed into the lower one first: of two changed signs, a product's upper bits would
    tell nothing.
    """
    if values.layout != torch.strided or values.is_quantized:  # told apart by identity alone
        return []
    numbers = _as_whole_numbers(values)
    if values.device.type != "cpu":
        weights = _weights(GPU_NUMBERS, values.device)
        parts = numbers.split(GPU_NUMBERS)
        return torch.stack([(part.bitwise_xor(part >> 32) * weights[: len(part)]).sum() for part in parts])
    array, factors = numbers.numpy(), _weights(CPU_NUMBERS, values.device).numpy()
    room = np.empty(min(CPU_NUMBERS, len(array)), np.int64)
    sums = []
    for start in range(0, len(array), CPU_NUMBERS):
        some = array[start : start + CPU_NUMBERS]
        mixed = np.right_shift(some, 32, out=room[: len(some)])
        sums.append(int(np.dot(np.bitwise_xor(some, mixed, out=mixed), factors[: len(some)])))
    return sums


def _as_whole_numbers(values: Tensor) -> Int[Tensor, " n"]:
    """The bytes in the order in which they stand in memory, eight to a number; zeros fill the last one."""
    values = values.resolve_conj().resolve_neg()
    if not values.is_contiguous():
        strides = values.stride()
        values = values.permute(sorted(range(len(strides)), key=lambda axis: -strides[axis]))
    flat = values.reshape(-1).contiguous().view(torch.uint8)  # what was expanded is repeated in memory first
    missing = -len(flat) % 8
    if missing:
        flat = torch.cat([flat, flat.new_zeros(missing)])
    elif flat.storage_offset() % 8:
        flat = flat.clone()
    return flat.view(torch.int64)


@cache
def _weights(count: int, device: torch.device) -> Int[Tensor, " n"]:
    """Odd numbers by chance."""
    numbers = torch.randint(-(1 << 62), 1 << 62, (count,), generator=torch.Generator().manual_seed(0))
    return numbers.mul_(2).add_(1).to(device)


def _content(value: Any) -> Any:
    """Numbers and texts by value, containers by content, anything else by identity."""
    match value:
        case bool() | int() | float() | str() | None:
            return value
        case dict():
            return tuple((key, _content(inner)) for key, inner in value.items())
        case list() | tuple() | set():
            return tuple(map(_content, value))
        case _:
            return _Identity(value), _settings(value)


def _settings(value: Any) -> Any:
    """The numbers and texts of an object without weights, a network's configuration for example."""
    if isinstance(value, (Tensor, nn.Module, type)) or callable(value):
        return ()
    held = getattr(value, "__dict__", {})
    return tuple((key, inner) for key, inner in held.items() if isinstance(inner, bool | int | float | str | None))


class _Identity:
    """Equal to another one of the same object, as long as that lives: the number of a dead one is given away again."""

    def __init__(self, value: Any) -> None:
        try:
            self._get: Callable[[], Any] = ref(value)
        except TypeError:  # it cannot be referred to weakly
            self._get = lambda: value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and (mine := self._get()) is not None and mine is other._get()

    __hash__ = None  # type: ignore[assignment]
