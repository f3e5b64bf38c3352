"""Maps that were computed before anybody asks for them."""

from collections.abc import Hashable
from threading import Lock

from jaxtyping import Float
from torch import Tensor

__all__ = ["KeptMaps", "fitting"]

#: Bytes of maps that are kept, at least one.
MOST = 256 << 20


def fitting(map_bytes: int) -> int:
    """How many maps of a size are kept, at most."""
    return max(1, MOST // max(1, map_bytes))


class KeptMaps:
    """Maps by what was asked for; of too many the oldest go. Several threads may use it."""

    def __init__(self) -> None:
        self._maps: dict[Hashable, Tensor] = {}
        self._lock = Lock()

    def add(self, key: Hashable, one: Float[Tensor, "_h _w"]) -> None:
        """Keep a map; its memory is its own from now on."""
        with self._lock:
            self._maps.pop(key, None)
            self._maps[key] = one
            while len(self._maps) > fitting(one.nbytes):
                del self._maps[next(iter(self._maps))]

    def of(self, key: Hashable) -> Float[Tensor, "_h _w"] | None:
        """The map, which must not be written to; None where it is not kept."""
        with self._lock:
            return self._maps.get(key)
