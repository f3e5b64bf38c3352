"""Which pixels of a depth map are scored, and what is done to the answer before."""

from dataclasses import dataclass
from typing import Literal

from jaxtyping import Bool, Float, Float64, Shaped
from torch import Tensor

from segdepth.core.errors import ConfigError, InputError
from segdepth.core.tables import pick
from segdepth.geometry.crops import CROPS, crop_window

from .alignment import ALIGNMENTS, Scored

__all__ = ["DepthProtocol", "Scaling", "in_metres", "scored_pixels"]

Scaling = Literal["none", "median", "least-squares"]


@dataclass(frozen=True, slots=True)
class DepthProtocol:
    """Which pixels are scored, and what is done to the prediction before. A number without it means little.

    Attributes:
        crop: the window that is scored, one of :data:`~segdepth.geometry.crops.CROPS`.
        min_depth: metres; a truth must be above, a prediction is clipped to it.
        max_depth: metres; a truth must be below, a prediction is clipped to it.
        scaling: what is done to each prediction first, for networks that know no scale, one of
            :data:`~segdepth.metrics.alignment.ALIGNMENTS`. "none": it is taken as it is. "median": it is multiplied by
            median(truth) / median(prediction) of the scored pixels. "least-squares": a factor and a shift of its inverse are
            fitted to the inverse of the truth there.
        inverse: predictions are inverse depth.

    Raises:
        ConfigError: if there is no such crop or scaling, or the range of depths is empty.
    """

    crop: str = "garg"
    min_depth: float = 0.001
    max_depth: float = 80.0
    scaling: Scaling = "none"
    inverse: bool = False

    def __post_init__(self) -> None:
        pick(CROPS, self.crop, kind="crop")
        pick(ALIGNMENTS, self.scaling, kind="scaling")
        if not 0 < self.min_depth < self.max_depth:
            raise ConfigError(
                f"depths from {self.min_depth} to {self.max_depth} m cannot be scored: "
                "min_depth must be above 0 and below max_depth"
            )


def scored_pixels(
    prediction: Float[Tensor, "b ... _h _w"], truth: Float[Tensor, "b ... h w"], protocol: DepthProtocol
) -> tuple[Float64[Tensor, "b n"], Float64[Tensor, "b n"], Bool[Tensor, "b n"]]:
    """The pixels of the window, scaled and clipped as the protocol says.

    Args:
        prediction: metres, or what the protocol makes metres of, ``[b, h, w]`` or ``[b, 1, h, w]``.
        truth: metres, same shape.
        protocol: which, and how.

    Returns:
        Prediction and truth, metres, and which of them are scored.

    Raises:
        InputError: if the two differ in shape, or have more than one channel.
    """
    one_channel = truth.ndim == 3 or (truth.ndim == 4 and truth.shape[1] == 1)
    if prediction.shape != truth.shape or not one_channel:
        raise InputError(
            f"prediction {tuple(prediction.shape)} and truth {tuple(truth.shape)} must both be [b, h, w] "
            "or [b, 1, h, w] of one size: depth is scored at the truth's size"
        )
    scored = _scored(prediction, truth, protocol)
    metres = ALIGNMENTS[protocol.scaling](scored)(scored.answers)
    return metres.clamp(protocol.min_depth, protocol.max_depth), scored.truth, scored.valid


def in_metres(
    prediction: Float[Tensor, "h w"], truth: Float[Tensor, "h w"], protocol: DepthProtocol
) -> Shaped[Tensor, "h w"]:
    """A whole prediction, aligned as its scored pixels are, for people to see; not clipped.

    Args:
        prediction: see :func:`scored_pixels`.
        truth: metres.
        protocol: which pixels, and how.
    """
    fit = ALIGNMENTS[protocol.scaling](_scored(prediction[None], truth[None], protocol))
    return fit(prediction.flatten()[None].double()).view(prediction.shape).to(prediction.dtype)


def _scored(
    prediction: Float[Tensor, "b ... h w"], truth: Float[Tensor, "b ... h w"], protocol: DepthProtocol
) -> Scored:
    """The pixels of the window."""
    rows, columns = crop_window(protocol.crop, *truth.shape[-2:])
    truth, prediction = (x[..., rows, columns].flatten(1).double() for x in (truth, prediction))
    valid = (truth > protocol.min_depth) & (truth < protocol.max_depth)
    return Scored(prediction, truth, valid, protocol.inverse, protocol.max_depth)
