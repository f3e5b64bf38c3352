"""What a faster arithmetic costs: its maps beside those in full precision."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from segdepth.core.errors import InputError

from .checks import Crop
from .explainer import Explainer
from .modes import Precision
from .target import Pixels, Target

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
    pixels: Pixels,
    precision: Precision,
    *,
    target: Target = "predicted",
    crop: Crop = None,
) -> PrecisionError:
    """Measure a precision on the picture's device, at some pixels.

    Args:
        net: see :class:`~segdepth.saliency.Explainer`.
        image: see :meth:`Explainer.at`.
        pixels: see :meth:`ExplainedPicture.maps`.
        precision: what is compared with full precision.
        target: see there.
        crop: see there.

    Raises:
        InputError: if not one map has a gradient.
    """
    explainer = Explainer(net, engine="windowed")
    exact, found = (
        explainer.at(image, crop=crop, precision=p).maps(pixels, target=target, zeros=lambda _: None)
        for p in ("full", precision)
    )
    peaks = exact.amax((1, 2))
    alive = peaks > 0
    if not alive.any():
        raise InputError("not one of the pixels has a gradient that could be compared")
    errors = (found[alive].double() - exact[alive]).abs() / peaks[alive][:, None, None]
    typical = errors.square().mean((1, 2)).sqrt().median()
    return PrecisionError(float(typical), float(torch.amax(errors)), int(alive.sum()))
