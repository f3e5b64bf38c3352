"""All measures of many maps in two readings of each: what a study needs to keep up with the sparse engine.

The numbers are those of :mod:`.measures`; on a CPU native loops make them, elsewhere these functions do.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from .measures import (
    activation_distance,
    activation_ratio,
    effective_pixels,
    mask_iou,
    mean_activation,
    normalise,
    peak_distance,
    weighted_distance,
)

__all__ = ["MEASURES", "measure_maps", "measure_overlaps"]

#: What follows the distances and ratios per threshold in :func:`measure_maps`.
MEASURES = ("peak_distance", "mean_activation", "weighted_distance", "effective_pixels")


def measure_maps(
    maps: Float[Tensor, "p h w"], pixels: Int[Tensor, "p 2"], thresholds: Sequence[float]
) -> Float[Tensor, "p s"]:
    """Activation distances per threshold, activation ratios per threshold, then :data:`MEASURES`.

    Args:
        maps: cut to the window that counts, not negative, not normalised.
        pixels: row and column of the targets in the window.
        thresholds: 0..1, of maps normalised by the protocol's rule (see :func:`~.measures.normalise`).
    """
    if maps.device.type != "cpu" or maps.dtype not in (torch.float32, torch.float64):
        return _with_torch(maps, pixels, thresholds)
    result = maps.new_empty((len(maps), 2 * len(thresholds) + len(MEASURES)))
    values = maps.detach().contiguous().numpy()
    limits = np.asarray(thresholds, values.dtype)
    distances = _distances(maps.shape[1], maps.shape[2], maps.dtype)
    _in_threads("measure", len(maps), values, pixels.cpu().numpy().astype(np.int64), limits, distances, result.numpy())
    return result


def measure_overlaps(
    a: Float[Tensor, "p h w"], b: Float[Tensor, "p h w"], thresholds: Sequence[float]
) -> Float[Tensor, "p t"]:
    """:func:`~.measures.mask_iou` of maps that are not normalised yet.

    Args:
        a: of a segmentation for example, not negative.
        b: of the same targets, of depth for example.
        thresholds: 0..1, of normalised maps.
    """
    if a.device.type != "cpu" or a.dtype not in (torch.float32, torch.float64) or a.dtype != b.dtype:
        return mask_iou(normalise(a), normalise(b), thresholds)
    result = a.new_empty((len(a), len(thresholds)))
    first, second = (maps.detach().contiguous().numpy() for maps in (a, b))
    _in_threads("overlap", len(a), first, second, np.asarray(thresholds, first.dtype), result.numpy())
    return result


def _with_torch(
    maps: Float[Tensor, "p h w"], pixels: Int[Tensor, "p 2"], thresholds: Sequence[float]
) -> Float[Tensor, "p s"]:
    unit = normalise(maps)
    alone = (
        peak_distance(maps, pixels),
        mean_activation(unit),
        weighted_distance(maps, pixels),
        effective_pixels(maps),
    )
    per_threshold = activation_distance(unit, pixels, thresholds), activation_ratio(unit, thresholds)
    return torch.cat([*per_threshold, torch.stack(alone, dim=1)], dim=1)


def _in_threads(name: str, count: int, *arguments: Any) -> None:
    """Share the maps among as many threads as PyTorch would use."""
    from .sparse import loops  # Numba takes a second to import
    from .sparse.threads import in_parallel

    kernel: Callable[..., None] = getattr(loops, name)
    in_parallel(lambda span: kernel(span, *arguments), (0, count))


@lru_cache(maxsize=4)
def _distances(height: int, width: int, dtype: torch.dtype) -> Any:
    """Share of the diagonal between positions ``r`` rows and ``c - width + 1`` columns apart."""
    rows, columns = torch.arange(height), torch.arange(1 - width, width)
    squares = rows.square()[:, None] + columns.square()
    return squares.to(dtype).sqrt_().div_((height**2 + width**2) ** 0.5).numpy()
