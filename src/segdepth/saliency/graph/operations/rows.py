"""What the kernels of the sparse engine are given by operations that only move or scale rows."""

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from .node import Kernel, Node, Rows

__all__ = ["Parts", "moved", "nobody", "nothing", "scaled", "winners"]


def nothing(dtype: np.dtype) -> tuple[Float[ndarray, "0 0"], Int[ndarray, "0 0"]]:
    """No factors, and nobody."""
    return np.empty((0, 0), dtype), nobody()


def nobody() -> Int[ndarray, "0 0"]:
    """No table of winners."""
    return np.empty((0, 0), np.int32)


def moved(rows: Rows) -> Kernel:
    """Rows at other places."""
    return Kernel("add_routed", nothing(rows.dtype))


def scaled(factors: Float[ndarray, "_positions c"]) -> Kernel:
    """Rows times a factor for each unit ``[positions, channels]``, or each channel ``[1, channels]``."""
    return Kernel("add_routed", (factors, nobody()))


def winners(places: Tensor) -> Int[ndarray, "hw c"]:
    """Places in a map ``[c, h, w]``, per position and channel."""
    found: Int[ndarray, "hw c"] = places.permute(1, 2, 0).flatten(0, 1).to(torch.int32).contiguous().numpy()
    return found


class Parts(Node):
    """A value of which the gradients of the inputs are parts, as they stand."""

    def moves(self, loose: bool) -> bool:
        """See :meth:`Node.moves`."""
        del loose
        return True

    def holds_parts(self, loose: bool) -> bool:
        """See :meth:`Node.holds_parts`."""
        del loose
        return True

    def kernel(self, kept: None, rows: Rows) -> Kernel:
        """See :meth:`Node.kernel`."""
        del kept
        return moved(rows)
