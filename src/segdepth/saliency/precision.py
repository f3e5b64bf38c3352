"""What a faster arithmetic costs: its maps beside those in full precision."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from segdepth.core.errors import InputError

from .maps import Crop, saliency_maps
from .modes import Precision
from .target import Pixel, Target

__all__ = ["PrecisionError", "precision_error"]


class PrecisionError(NamedTuple):
    """Errors of maps, each relative to its map's peak.

    Attributes:
        typical: median over maps of the root of the mean squared error.
        largest: of any pixel of any map.
        maps: how many were compared; those that are zero everywhere are not.
    """

    typical: float
    largest: float
    maps: int


def precision_error(
    net: nn.Module,
    image: Float[Tensor, "_ h w"],
    pixels: Sequence[Pixel],
    precision: Precision,
    *,
    target: Target = "predicted",
    crop: Crop = None,
) -> PrecisionError:
    """Measure a precision on the picture's device, at some pixels.

    Args:
        net: see :func:`~segdepth.saliency.saliency_maps`, as for all arguments.
        image: see there.
        pixels: see there.
        precision: what is compared with full precision.
        target: see there.
        crop: see there.

    Raises:
        InputError: if not one map has a gradient.
    """
    exact, found = (
        saliency_maps(
            net, image, pixels, target=target, engine="windowed", crop=crop, precision=p, zeros=lambda _: None
        )
        for p in ("full", precision)
    )
    peaks = exact.amax((1, 2))
    alive = peaks > 0
    if not alive.any():
        raise InputError("not one of the pixels has a gradient that could be compared")
    errors = (found[alive].double() - exact[alive]).abs() / peaks[alive][:, None, None]
    typical = errors.square().mean((1, 2)).sqrt().median()
    return PrecisionError(float(typical), float(torch.amax(errors)), int(alive.sum()))
