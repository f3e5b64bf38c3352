"""Maps that were computed, in bounded memory, so that what is known is answered at once."""

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float32
from numpy import ndarray

__all__ = ["FoundMap", "MapCache"]

Pixel = tuple[int, int]


@dataclass(frozen=True, eq=False)
class FoundMap:
    """A map, and what is said of it.

    Attributes:
        facts: text, value, peak, zero, statistics, engine, ms.
        map: of the network's size.
    """

    facts: Mapping[str, Any]
    map: Float32[ndarray, "h w"]


class MapCache:
    """Maps of pixels and regions by what they share (a *series*) and where they are; the least recently used go.

    Several threads may use it.

    Args:
        most: bytes.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._maps: OrderedDict[tuple[Hashable, Hashable], FoundMap] = OrderedDict()
        self._pixels: defaultdict[Hashable, set[Pixel]] = defaultdict(set)
        self._bytes = 0
        self._lock = threading.Lock()

    @property
    def bytes(self) -> int:
        """That are taken now."""
        return self._bytes

    def add(self, series: Hashable, place: Hashable, found: FoundMap) -> None:
        """Keep a map.

        Args:
            series: what it shares with others.
            place: where it is: a pixel, or anything else.
            found: the map.
        """
        with self._lock:
            self._forget(series, place)
            self._maps[series, place] = found
            self._bytes += found.map.nbytes
            if isinstance(place, tuple) and len(place) == 2:
                self._pixels[series].add(place)
            while self._bytes > self._most and len(self._maps) > 1:
                self._forget(*next(iter(self._maps)))

    def find(self, series: Hashable, place: Hashable) -> FoundMap | None:
        """The map of a place; None if it is not known."""
        with self._lock:
            found = self._maps.get((series, place))
            if found is not None:
                self._maps.move_to_end((series, place))
            return found

    def nearest(self, series: Hashable, pixel: Pixel) -> tuple[Pixel, FoundMap] | None:
        """The known map of the pixel that is nearest; None if the series has none."""
        with self._lock:
            near = min(
                self._pixels.get(series, ()),
                key=lambda one: ((one[0] - pixel[0]) ** 2 + (one[1] - pixel[1]) ** 2, one),
                default=None,
            )
            if near is None:
                return None
            self._maps.move_to_end((series, near))
            return near, self._maps[series, near]

    def pixels(self, series: Hashable) -> list[Pixel]:
        """Those that are known, sorted."""
        with self._lock:
            return sorted(self._pixels.get(series, ()))

    def _forget(self, series: Hashable, place: Hashable) -> None:
        found = self._maps.pop((series, place), None)
        if found is not None:
            self._bytes -= found.map.nbytes
            if isinstance(place, tuple) and len(place) == 2:
                self._pixels[series].discard(place)
                if not self._pixels[series]:
                    del self._pixels[series]
