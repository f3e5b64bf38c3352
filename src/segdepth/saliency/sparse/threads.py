"""Native loops release Python's lock: threads share their rows."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Int
from numpy import ndarray

from segdepth.core.giving_way import give_way

__all__ = ["in_parallel"]

T = TypeVar("T")


@cache
def _pool(count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, thread_name_prefix="segdepth-saliency")


def in_parallel(work: Callable[[Int[ndarray, "2"]], T], span: tuple[int, int]) -> list[T]:
    """Do parts of a span, by as many threads as PyTorch would use; a part is its first index and the one after its last.

    Nobody works on after it has been left, however that was: what they write to may be used again.

    Raises:
        GaveWay: see :func:`~segdepth.core.giving_way.give_way`.
    """
    give_way()
    count = min(torch.get_num_threads(), os.cpu_count() or 1)
    if count == 1:
        return [work(np.array(span, np.int64))]
    cuts = np.linspace(*span, min(4 * count, span[1] - span[0]) + 1).astype(np.int64)
    parts = [_pool(count).submit(work, cuts[k : k + 2]) for k in range(len(cuts) - 1)]
    results = []
    try:
        for part in parts:
            results.append(part.result())
            give_way()
    finally:
        for part in parts:
            part.cancel()
        wait(parts)
    return results
