"""Maps that were computed before anybody asks for them."""

from collections.abc import Hashable, Sequence
from threading import Lock

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["KeptMaps"]

#: Bytes of maps that are kept, at least one.
MOST = 256 << 20


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
            while len(self._maps) > max(1, MOST // max(1, one.nbytes)):
                del self._maps[next(iter(self._maps))]

    def all_of(self, keys: Sequence[Hashable]) -> Float[Tensor, "p _h _w"] | None:
        """Copies of the maps; None where one is missing."""
        with self._lock:
            if not keys or any(key not in self._maps for key in keys):
                return None
            return torch.stack([self._maps[key] for key in keys])
