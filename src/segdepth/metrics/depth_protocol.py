"""Which pixels of a depth map are scored, and what is done to the answer before."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor

from segdepth.core.errors import ConfigError, InputError
from segdepth.core.tables import pick
from segdepth.geometry.crops import CROPS, crop_window

__all__ = ["DepthProtocol", "Scaling", "scored_pixels"]

Scaling = Literal["none", "median"]


@dataclass(frozen=True, slots=True)
class DepthProtocol:
    """Which pixels are scored, and what is done to the prediction before. A number without it means little.

    Attributes:
        crop: the window that is scored, one of :data:`~segdepth.geometry.crops.CROPS`.
        min_depth: metres; a truth must be above, a prediction is clipped to it.
        max_depth: metres; a truth must be below, a prediction is clipped to it.
        scaling: "median": each prediction is first multiplied by median(truth) / median(prediction) of the
            scored pixels, for networks that know no scale. "none": it is taken as it is.

    Raises:
        ConfigError: if there is no such crop or scaling, or the range of depths is empty.
    """

    crop: str = "garg"
    min_depth: float = 0.001
    max_depth: float = 80.0
    scaling: Scaling = "none"

    def __post_init__(self) -> None:
        pick(CROPS, self.crop, kind="crop")
        pick(dict.fromkeys(get_args(Scaling)), self.scaling, kind="scaling")
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
        prediction: metres, ``[b, h, w]`` or ``[b, 1, h, w]``.
        truth: metres, same shape.
        protocol: which, and how.

    Returns:
        Prediction, truth, and which of them are scored.

    Raises:
        InputError: if the two differ in shape, or have more than one channel.
    """
    one_channel = truth.ndim == 3 or (truth.ndim == 4 and truth.shape[1] == 1)
    if prediction.shape != truth.shape or not one_channel:
        raise InputError(
            f"prediction {tuple(prediction.shape)} and truth {tuple(truth.shape)} must both be [b, h, w] "
            "or [b, 1, h, w] of one size: depth is scored at the truth's size"
        )
    rows, columns = crop_window(protocol.crop, *truth.shape[-2:])
    truth, prediction = (x[..., rows, columns].flatten(1).double() for x in (truth, prediction))
    valid = (truth > protocol.min_depth) & (truth < protocol.max_depth)
    if protocol.scaling == "median":
        prediction = prediction * (_median(truth, valid) / _median(prediction, valid))[:, None]
    return prediction.clamp(protocol.min_depth, protocol.max_depth), truth, valid


def _median(values: Float64[Tensor, "b n"], valid: Bool[Tensor, "b n"]) -> Float64[Tensor, " b"]:
    """Median of each row's valid values, the mean of the middle two where their number is even."""
    ordered = torch.where(valid, values, math.inf).sort(dim=1).values
    n: Int64[Tensor, "b 1"] = valid.sum(1, keepdim=True)
    middle = torch.cat([(n - 1).clamp(min=0) // 2, (n // 2).clamp(max=values.shape[1] - 1)], dim=1)
    return ordered.gather(1, middle).mean(1)
