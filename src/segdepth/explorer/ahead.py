"""Which maps are computed before anybody asks: a coarse grid over the picture, then the surroundings of the pointer."""

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from segdepth.executing import GaveWayError

__all__ = ["BLOCK", "QUIET", "Ahead", "Block", "coarse_grid", "surroundings"]

#: Pixels that are asked for together at most: whoever points waits for as many.
BLOCK = 16

#: Pixels that go together take no longer than so many times what one takes; where they do, fewer go together.
_WORTH = 2.5

#: Maps of single pixels that are timed before others go together; the first of a network is no measure.
_TIMED = 2

#: Seconds after the last answer to somebody who points, after which work ahead goes on.
QUIET = 0.5

#: Urgency of the surroundings and of the grid; a pointer's is 0.
TILE_URGENCY, GRID_URGENCY = 1, 2

#: Rows and columns from the pointer to the end of its surroundings, and the step of shift and an arrow key.
_REACH, _STRIDE = 3, 8

Pixel = tuple[int, int]


@lru_cache(maxsize=16)
def coarse_grid(size: tuple[int, int], points: int) -> tuple[Pixel, ...]:
    """Pixels spread evenly over a picture, so ordered that the first ones are spread evenly, too.

    Args:
        size: rows and columns.
        points: about how many.
    """
    rows = max(1, min(size[0], round((points * size[0] / size[1]) ** 0.5)))
    columns = max(1, min(size[1], round(points / rows)))
    grid = np.array(
        [
            ((2 * r + 1) * size[0] // (2 * rows), (2 * c + 1) * size[1] // (2 * columns))
            for r in range(rows)
            for c in range(columns)
        ]
    )
    distance = np.abs(grid - np.array(size) / 2).sum(1) * -1.0  # the first is the one in the middle
    order = [int(distance.argmax())]
    nearest = np.full(len(grid), np.inf)
    while len(order) < len(grid):  # always the one that is farthest from all before it
        nearest = np.minimum(nearest, np.square(grid - grid[order[-1]]).sum(1))
        order.append(int(nearest.argmax()))
    return tuple((int(r), int(c)) for r, c in grid[order])


def surroundings(pixel: Pixel, size: tuple[int, int]) -> list[Pixel]:
    """The pixels that the next movement may reach, the nearest first.

    Args:
        pixel: row and column of the pointer.
        size: rows and columns of the picture.
    """
    row, column = pixel
    near = [(row + r, column + c) for r in range(-_REACH, _REACH + 1) for c in range(-_REACH, _REACH + 1)]
    near += [(row + r * _STRIDE, column + c * _STRIDE) for r, c in ((-1, 0), (1, 0), (0, -1), (0, 1))]
    inside = [(r, c) for r, c in near if 0 <= r < size[0] and 0 <= c < size[1]]
    return sorted(inside, key=lambda one: (one[0] - row) ** 2 + (one[1] - column) ** 2)


class Block(NamedTuple):
    """Pixels that are to be computed together.

    Attributes:
        series: what their maps share.
        pixels: at most :data:`BLOCK`.
        urgency: of the question.
    """

    series: Hashable
    pixels: Sequence[Pixel]
    urgency: int


class Ahead:
    """Computes one network's maps ahead, a block at a time, in a thread of its own.

    Args:
        known: says which pixels of a series are known already.
        compute: computes a block and returns when it is known; False: it could not be, and others of the series cannot either. It
            raises :class:`~segdepth.executing.GaveWayError` where it ended early.
        now: a clock.
    """

    def __init__(
        self, known: Callable[[Hashable], Sequence[Pixel]], compute: Callable[[Block], bool],
        now: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._known = known
        self._compute = compute
        self._now = now
        self._changed = threading.Condition()
        self._series: Hashable | None = None
        self._size = (0, 0)
        self._points = 0
        self._pointer: Pixel | None = None
        self._pointed = -float("inf")
        self._waiting_for = 0
        self._alone: deque[float] = deque(maxlen=4)  # milliseconds of single pixels' maps
        self._worth = self._together = BLOCK  # as many as cost little more than one; as many as there was time for
        self._tried: set[Pixel] = set()  # not twice: what went out of memory would come and go for ever
        self._closed = False
        self._thread: threading.Thread | None = None

    def open(self, series: Hashable, size: tuple[int, int], points: int) -> None:
        """Work on maps of this series from now on.

        Args:
            series: what they share.
            size: rows and columns of the picture.
            points: of the grid, about.
        """
        with self._changed:
            if series != self._series:
                self._series, self._size, self._points, self._pointer = series, size, points, None
                self._worth = self._together = BLOCK
                self._alone.clear()
                self._tried.clear()
            self._changed.notify()

    def belongs(self, *start: Hashable) -> bool:
        """Whether what is worked on begins with these.

        Args:
            *start: of a series that is a tuple.
        """
        with self._changed:
            return isinstance(self._series, tuple) and self._series[: len(start)] == start

    def point(self, series: Hashable, pixel: Pixel) -> None:
        """Somebody points: pause, then go on around this place.

        Args:
            series: whose map is wanted.
            pixel: row and column.
        """
        with self._changed:
            self._pointed = self._now()
            if series == self._series and pixel != self._pointer:
                self._pointer = pixel
                self._tried.clear()
            self._changed.notify()

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Nothing is begun while somebody waits for an answer, nor right after."""
        with self._changed:
            self._waiting_for += 1
        try:
            yield
        finally:
            with self._changed:
                self._waiting_for -= 1
                self._pointed = self._now()
                self._changed.notify()

    def took(self, series: Hashable, pixels: int, milliseconds: float) -> None:
        """Take note of what maps took: as many go together as cost little more than one.

        Args:
            series: what they share.
            pixels: that were asked for together.
            milliseconds: of all of them.
        """
        with self._changed:
            if series != self._series:
                return
            if pixels == 1:
                self._alone.append(milliseconds)
            elif self._alone and milliseconds > _WORTH * min(self._alone):
                self._worth = max(1, pixels // 2)

    def next_block(self) -> Block | None:
        """What to compute now; None: nothing, or nothing yet."""
        with self._changed:
            if self._series is None or self._waiting_for or self._now() - self._pointed < QUIET:
                return None
            done = self._tried.union(self._known(self._series))
            for pixels, urgency in self._plans():
                wanted = [p for p in pixels if p not in done]
                if wanted:
                    together = min(self._worth, self._together) if len(self._alone) >= _TIMED else 1
                    return Block(self._series, wanted[:together], urgency)
            return None

    def _plans(self) -> list[tuple[Sequence[Pixel], int]]:
        around = [] if self._pointer is None else [(surroundings(self._pointer, self._size), TILE_URGENCY)]
        return [*around, (coarse_grid(self._size, self._points), GRID_URGENCY)]

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._work, name="computes ahead", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End after the block at hand."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        while (block := self._wait_for_block()) is not None:
            try:
                good = self._compute(block)
            except GaveWayError:  # to whoever points; what it did is lost, so less is begun once it is quiet again
                with self._changed:
                    self._together = max(1, len(block.pixels) // 2)
                continue
            with self._changed:
                self._together = min(BLOCK, 2 * self._together)
                if block.series == self._series:
                    self._tried.update(block.pixels)
                    self._series = self._series if good else None

    def _wait_for_block(self) -> Block | None:
        """What to compute next; None at the end."""
        with self._changed:
            while not self._closed:
                quiet = self._pointed + QUIET - self._now()
                block = self.next_block()
                if block is not None:
                    return block
                self._changed.wait(quiet if quiet > 0 else None)
            return None
