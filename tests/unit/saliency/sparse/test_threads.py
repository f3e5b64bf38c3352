"""Parts of a span side by side: all of it, in order, and nobody works on after it was left."""

import threading
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from numpy import ndarray

from segdepth.core.giving_way import GaveWay, giving_way
from segdepth.saliency.sparse.threads import in_parallel

LONG = 60


@pytest.fixture(params=[1, 2])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.parametrize("span", [(0, 100), (3, 4), (5, 12)])
def test_parts_make_up_the_span_in_order(threads: int, span: tuple[int, int]) -> None:
    parts = in_parallel(lambda part: tuple(part), span)
    assert np.concatenate([range(*part) for part in parts]).tolist() == list(range(*span))


class Slow:
    """Notes who is at work; the first part is waited for by the others."""

    def __init__(self) -> None:
        self.at_work = 0
        self.begun = 0
        self.others = threading.Event()
        self.lock = threading.Lock()

    def __call__(self, part: ndarray) -> None:
        with self.lock:
            self.at_work += 1
            self.begun += 1
        if part[0] == 0:
            raise OSError("the first one fails")
        self.others.wait(LONG)
        with self.lock:
            self.at_work -= 1


def test_nobody_works_on_after_an_error() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    slow = Slow()
    threading.Timer(0.2, slow.others.set).start()
    try:
        with pytest.raises(OSError, match="first one"):
            in_parallel(slow, (0, 100))
        assert slow.at_work == 1  # the one that failed never says that it has ended
        assert slow.begun <= 8
    finally:
        torch.set_num_threads(before)


def test_it_gives_way_before_and_between_parts(threads: int) -> None:
    done: list[int] = []
    with giving_way(lambda: len(done) > 0), pytest.raises(GaveWay):
        for _ in range(2):
            in_parallel(lambda part: done.append(int(part[0])), (0, 100))
    assert 0 in done
