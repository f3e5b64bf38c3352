"""Numbers that say how far and how widely a saliency map reaches.

Every function takes ``p`` maps at once, already cut to the window that counts (``maps[:, rows, columns]``
with :func:`~segdepth.geometry.crops.crop_window`), and target pixels relative to that window. Distances are
shares of the window's diagonal ``sqrt(h^2 + w^2)``. What is compared with thresholds has to be normalised
first (:func:`normalise`); the threshold-free measures give the same for a map and for a multiple of it.
"""

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from jaxtyping import Float, Int
from torch import Tensor

from segdepth.core.tables import pick

__all__ = [
    "Rule",
    "activation_distance",
    "activation_ratio",
    "effective_pixels",
    "mask_iou",
    "mean_activation",
    "normalise",
    "peak_distance",
    "weighted_distance",
]

Rule = Literal["reference", "unit"]


def normalise(maps: Float[Tensor, "p h w"], rule: Rule = "reference") -> Float[Tensor, "p h w"]:
    """Bring each map into the range 0..1 in which thresholds mean something.

    The default is the protocol's rule, by which the published numbers were made; its largest value stays
    below 1 where the smallest is above 0. A map that is the same everywhere becomes 0 by both rules.

    Args:
        maps: not negative.
        rule: "reference": ``(s - min) / max``; "unit": ``(s - min) / (max - min)``.

    Raises:
        ConfigError: if there is no such rule.

    Example:
        >>> normalise(torch.tensor([[[1.0, 2.0]]]))
        tensor([[[0.0000, 0.5000]]])
        >>> normalise(torch.tensor([[[1.0, 2.0]]]), rule="unit")
        tensor([[[0., 1.]]])
    """
    pick(dict.fromkeys(get_args(Rule)), rule, kind="normalisation rule")
    smallest, largest = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
    scale = largest if rule == "reference" else largest - smallest
    return (maps - smallest) / torch.where(scale > 0, scale, 1)


def activation_distance(
    maps: Float[Tensor, "p h w"], pixels: Int[Tensor, "p 2"], thresholds: Sequence[float]
) -> Float[Tensor, "p t"]:
    """Largest distance from the target to an active pixel (``map >= threshold``).

    Args:
        maps: normalised saliency.
        pixels: row and column of each map's target.
        thresholds: 0..1.

    Returns:
        Share of the diagonal; 0 where no pixel is active.
    """
    distances = _distances(maps, pixels)
    return _per_threshold([torch.where(maps >= t, distances, 0).amax((1, 2)) for t in thresholds], maps)


def activation_ratio(maps: Float[Tensor, "p h w"], thresholds: Sequence[float]) -> Float[Tensor, "p t"]:
    """Share of the pixels that are active (``map >= threshold``).

    Args:
        maps: normalised saliency.
        thresholds: 0..1.
    """
    active = _per_threshold([(maps >= t).sum((1, 2)) for t in thresholds], maps)
    return active / (maps.shape[1] * maps.shape[2])


def mask_iou(a: Float[Tensor, "p h w"], b: Float[Tensor, "p h w"], thresholds: Sequence[float]) -> Float[Tensor, "p t"]:
    """Pixels active in both maps of a pair over pixels active in either.

    Args:
        a: normalised saliency, of a segmentation for example.
        b: normalised saliency of the same targets, of depth for example.
        thresholds: 0..1.

    Returns:
        0..1; nan where neither map has an active pixel, so that a mean has to say what it does about it.
    """
    both = _per_threshold([((a >= t) & (b >= t)).sum((1, 2)) for t in thresholds], a)
    either = _per_threshold([((a >= t) | (b >= t)).sum((1, 2)) for t in thresholds], a)
    return both / either


def peak_distance(maps: Float[Tensor, "p h w"], pixels: Int[Tensor, "p 2"]) -> Float[Tensor, " p"]:
    """Mean distance from the target to the pixels that reach the map's maximum.

    Args:
        maps: saliency, normalised or not.
        pixels: row and column of each map's target.

    Returns:
        Share of the diagonal.
    """
    peaks = maps == maps.amax((1, 2), keepdim=True)
    return torch.where(peaks, _distances(maps, pixels), 0).sum((1, 2)) / peaks.sum((1, 2))


def mean_activation(maps: Float[Tensor, "p h w"]) -> Float[Tensor, " p"]:
    """Mean of each map, 0..1 if it is normalised."""
    return maps.mean((1, 2))


def weighted_distance(maps: Float[Tensor, "p h w"], pixels: Int[Tensor, "p 2"]) -> Float[Tensor, " p"]:
    """Mean distance from the target, each pixel weighted by its saliency.

    It is :func:`activation_distance` without a threshold.

    Args:
        maps: not negative, of any scale.
        pixels: row and column of each map's target.

    Returns:
        Share of the diagonal; nan for a map that is 0 everywhere.
    """
    weights = _peak_one(maps)
    return (weights * _distances(maps, pixels)).sum((1, 2)) / weights.sum((1, 2))


def effective_pixels(maps: Float[Tensor, "p h w"]) -> Float[Tensor, " p"]:
    """How many pixels take part, ``(sum s)^2 / sum s^2``: :func:`activation_ratio` without threshold.

    Args:
        maps: not negative, of any scale.

    Returns:
        1 for a single pixel, ``n`` for ``n`` equal ones, 0 for a map that is 0 everywhere.

    Source:
        The participation ratio of physics; Kish's effective sample size is the same number.

    Example:
        >>> effective_pixels(torch.tensor([[[0.0, 2.0, 2.0]]]))
        tensor([2.])
    """
    weights = _peak_one(maps)
    total, squares = weights.sum((1, 2)), weights.square().sum((1, 2))
    return total.square() / torch.where(squares > 0, squares, 1)


def _distances(maps: Float[Tensor, "p h w"], pixels: Int[Tensor, "p 2"]) -> Float[Tensor, "p h w"]:
    """Distance of every position from the map's target, as a share of the diagonal."""
    height, width = maps.shape[1:]
    target = pixels.to(maps.device)
    rows = torch.arange(height, device=maps.device) - target[:, :1]
    columns = torch.arange(width, device=maps.device) - target[:, 1:]
    squares = rows.square()[:, :, None] + columns.square()[:, None, :]  # whole numbers, so exact
    diagonal: float = (height**2 + width**2) ** 0.5
    return squares.to(torch.promote_types(maps.dtype, torch.float32)).sqrt_().div_(diagonal)


def _peak_one(maps: Float[Tensor, "p h w"]) -> Float[Tensor, "p h w"]:
    """Each map over its maximum: gradients can be so small that their squares, or even their sum, vanish."""
    maps = maps.to(torch.promote_types(maps.dtype, torch.float32))
    largest = maps.amax((1, 2), keepdim=True)
    return maps / torch.where(largest > 0, largest, 1)


def _per_threshold(values: list[Tensor], maps: Float[Tensor, "p h w"]) -> Float[Tensor, "p t"]:
    """One column per threshold, in the maps' precision but at least single."""
    dtype = torch.promote_types(maps.dtype, torch.float32)
    return torch.stack([v.to(dtype) for v in values], dim=1) if values else maps.new_zeros(len(maps), 0)
