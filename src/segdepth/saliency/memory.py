"""How much memory there is, and what to do when it was not enough."""

import ctypes
import os
from collections.abc import Callable, Iterator
from typing import TypeVar

import torch

__all__ = ["free_memory", "hand_back", "in_halves", "is_out_of_memory"]

T = TypeVar("T")

#: In which words, beside PyTorch's own class, errors say that memory has run out: the CPU's allocator, CUDA, cuBLAS and cuDNN.
OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "CUDA error: out of memory", "_STATUS_ALLOC_FAILED")

#: Where the system does not say what is free, bytes.
ASSUMED = 2 << 30


def free_memory(device: torch.device) -> int:
    """Bytes that could be allocated now."""
    if device.type == "cuda":
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(
            device
        )  # by PyTorch, for what comes next
        return int(torch.cuda.mem_get_info(device)[0]) + kept
    try:
        with open("/proc/meminfo") as lines:  # noqa: PTH123 (no file of ours)
            sizes = dict(line.split(":") for line in lines)
        return int(sizes["MemAvailable"].split()[0]) << 10
    except (OSError, KeyError, ValueError):
        return _physical_memory() or ASSUMED


def _physical_memory() -> int:
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return 0


def hand_back() -> None:
    """Give the system what was freed: the GNU C library keeps it as long as something small stands behind it."""
    try:
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    except (OSError, TypeError):  # not on this platform
        return
    if trim is not None:
        trim(0)


def in_halves(indices: list[int], step: Callable[[list[int]], T]) -> Iterator[tuple[list[int], T]]:
    """Take a step with all indices; when memory runs out, with each half of them, and so on.

    Raises:
        Exception: what the step raises for any other reason, or with a single index.
    """
    waiting = [indices]
    while waiting:
        group = waiting.pop()
        result = _unless_out_of_memory(group, step)
        if result:
            yield group, result[0]
        else:  # the failed step's memory is free only now that its exception is gone
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            middle = len(group) // 2
            waiting += [group[middle:], group[:middle]]


def _unless_out_of_memory(group: list[int], step: Callable[[list[int]], T]) -> tuple[T] | None:
    try:
        return (step(group),)
    except (MemoryError, RuntimeError) as error:
        if len(group) == 1 or not is_out_of_memory(error):
            raise
        return None


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error says that memory has run out."""
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or any(
        words in str(error) for words in OUT_OF_MEMORY
    )
