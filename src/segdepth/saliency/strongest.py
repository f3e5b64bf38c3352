"""From signed gradients to maps: absolute value, maximum over the colours."""

from collections.abc import Sequence
from functools import reduce

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from .graph import Box
from .graph.axes import Span

__all__ = ["strongest", "write_strongest"]

#: Columns that are turned from rows of targets into targets' maps at a time.
COLUMNS = 16

#: Up to so many colours, a maximum of two maps after the other is the faster way (7 times with three of 256x320).
FEW_CHANNELS = 4


def strongest(signed: Float[Tensor, "n _ h w"]) -> Float[Tensor, "n h w"]:
    """The maps of some gradients."""
    _, _, height, width = signed.shape
    maps = signed.new_empty(len(signed), height, width)
    write_strongest(maps, range(len(signed)), signed, ((0, height), (0, width)), (0, 0))
    return maps


def write_strongest(
    maps: Float[Tensor, "p _h _w"],
    indices: Sequence[int],
    signed: Float[Tensor, "n _ h w"],
    box: Box,
    corner: tuple[int, int],
) -> None:
    """Write the maps of some gradients over a box.

    Args:
        maps: where to write.
        indices: which of the maps.
        signed: the gradients.
        box: rows and columns of the picture that they cover.
        corner: row and column of the picture at which the maps begin.
    """
    if not signed.numel():
        return
    top, left = box[0][0] - corner[0], box[1][0] - corner[1]
    if _targets_innermost(signed) and maps.device.type == "cpu":
        from .sparse import loops  # Numba takes a second to import, and the sparse engine has done so
        from .sparse.threads import in_parallel

        turned, target = signed.permute(2, 3, 1, 0).numpy(), np.array(indices, np.int64)

        def write(rows: Int[ndarray, "2"]) -> None:
            few = np.empty((COLUMNS, len(target)), turned.dtype)
            loops.strongest(rows, turned, target, maps.numpy(), few, top, left)

        in_parallel(write, _rows(box))
    else:
        inside = maps[:, top : top + signed.shape[2], left : left + signed.shape[3]]
        few = signed.shape[1] <= FEW_CHANNELS
        inside[list(indices)] = reduce(torch.maximum, map(torch.abs, signed.unbind(1))) if few else signed.abs().amax(1)


def _rows(box: Box) -> Span:
    return 0, box[0][1] - box[0][0]


def _targets_innermost(signed: Tensor) -> bool:
    """Whether one number of all targets stands together, as the sparse engine has them."""
    known = signed.device.type == "cpu" and signed.dtype in (torch.float32, torch.float64)
    return known and signed.stride(0) == 1 and len(signed) > 1
