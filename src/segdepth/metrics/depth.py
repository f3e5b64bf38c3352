"""Scores of depth, per image and then averaged, under a stated protocol."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from jaxtyping import Bool, Float, Float64, Int64, Shaped
from torch import Tensor
from torchmetrics import Metric

from segdepth.core.errors import ConfigError, InputError
from segdepth.core.tables import pick
from segdepth.geometry.crops import CROPS, crop_window

__all__ = ["DEPTH_SCORES", "DepthProtocol", "DepthScores", "Scaling"]

Scaling = Literal["none", "median"]

#: Names of the scores in the order in which papers print them; the first seven are Eigen's.
DEPTH_SCORES = ("abs_rel", "sq_rel", "rmse", "rmse_log", "a1", "a2", "a3", "silog", "log10", "mae")


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


class DepthScores(Metric):
    """The usual errors of a depth map: computed for each image, then averaged over the images.

    Args:
        protocol: which pixels count, and how.

    Source:
        Eigen, Puhrsch and Fergus 2014, arXiv:1406.2283; ``silog`` as in KITTI's depth benchmark.

    Example:
        >>> scores = DepthScores(DepthProtocol(crop="none"))
        >>> scores.update(torch.full((1, 2, 2), 11.0), torch.full((1, 2, 2), 10.0))
        >>> scores.compute()["abs_rel"]
        0.1
    """

    is_differentiable = False
    full_state_update = False
    sums: Tensor
    images: Tensor
    images_without_truth: Tensor

    def __init__(self, protocol: DepthProtocol | None = None) -> None:
        super().__init__()
        self.protocol = DepthProtocol() if protocol is None else protocol
        self.add_state("sums", torch.zeros(len(DEPTH_SCORES), dtype=torch.float64), dist_reduce_fx="sum")
        for name in ("images", "images_without_truth"):
            self.add_state(name, torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    @property
    def update_called(self) -> bool:
        """Always true: scores of nothing are None, which is no reason for torchmetrics to warn."""
        return True

    def update(self, prediction: Float[Tensor, "b ... _h _w"], truth: Float[Tensor, "b ... h w"]) -> None:
        """Score a batch of images.

        Args:
            prediction: metres, ``[b, h, w]`` or ``[b, 1, h, w]``; clipped to the range, never left out.
            truth: metres, same shape; 0 = no measurement. An image without a pixel to score is only counted.

        Raises:
            InputError: if the two differ in shape, or have more than one channel.
        """
        one_channel = truth.ndim == 3 or (truth.ndim == 4 and truth.shape[1] == 1)
        if prediction.shape != truth.shape or not one_channel:
            raise InputError(
                f"prediction {tuple(prediction.shape)} and truth {tuple(truth.shape)} must both be [b, h, w] "
                "or [b, 1, h, w] of one size: depth is scored at the truth's size"
            )
        rows, columns = crop_window(self.protocol.crop, *truth.shape[-2:])
        truth, prediction = (x[..., rows, columns].flatten(1).double() for x in (truth, prediction))
        valid = (truth > self.protocol.min_depth) & (truth < self.protocol.max_depth)
        if self.protocol.scaling == "median":
            prediction = prediction * (_median(truth, valid) / _median(prediction, valid))[:, None]
        prediction = prediction.clamp(self.protocol.min_depth, self.protocol.max_depth)

        scored = valid.any(1)
        if prediction.device.type == "cpu" and 2 * valid.sum() < valid.numel():  # lidar: few pixels, picked at no wait
            images = [(p[v][None], t[v][None]) for p, t, v in zip(prediction, truth, valid, strict=True)]
            scores = torch.cat([_scores_per_image(p, t, torch.ones_like(t, dtype=torch.bool)) for p, t in images])
        else:
            scores = _scores_per_image(prediction, truth, valid)
        self.sums += torch.where(scored[:, None], scores, 0).sum(0)
        self.images += scored.sum()
        self.images_without_truth += (~scored).sum()

    def compute(self) -> dict[str, float | None]:
        """The scores; None if no image was scored.

        Returns:
            ``abs_rel``, ``rmse_log``, ``log10`` without unit, ``sq_rel``, ``rmse``, ``mae`` in metres;
            ``a1``, ``a2``, ``a3``: share of pixels wrong by a factor under 1.25, 1.25^2, 1.25^3; ``silog``: a
            hundred times the standard deviation of the log error. And the numbers of ``images`` that were
            scored and of ``images_without_truth``.
        """
        images = int(self.images)
        means = (self.sums / self.images).tolist()
        scores: dict[str, float | None] = {
            name: mean if images else None for name, mean in zip(DEPTH_SCORES, means, strict=True)
        }
        return scores | {"images": images, "images_without_truth": int(self.images_without_truth)}


def _scores_per_image(
    prediction: Float64[Tensor, "b n"], truth: Float64[Tensor, "b n"], valid: Bool[Tensor, "b n"]
) -> Float64[Tensor, "b s"]:
    """Scores of each image, ordered as :data:`DEPTH_SCORES`; meaningless where no pixel is valid."""
    p, g = torch.where(valid, prediction, 1), torch.where(valid, truth, 1)  # so every error is 0 where nothing is known
    n = valid.sum(1).clamp(min=1)

    def mean(x: Shaped[Tensor, "b n"]) -> Float64[Tensor, " b"]:
        return x.sum(1, dtype=torch.float64) / n

    error = p - g
    ratio = p / g
    log_error = ratio.log()
    ratio = torch.maximum(ratio, g / p)
    mean_square_log = mean(log_error.square())
    variance_log = (mean_square_log - mean(log_error).square()).clamp(min=0)  # rounding can go below
    return torch.stack(
        [
            mean(error.abs() / g),
            mean(error.square() / g),
            mean(error.square()).sqrt(),
            mean_square_log.sqrt(),
            *(mean((ratio < 1.25**k) & valid) for k in (1, 2, 3)),
            100 * variance_log.sqrt(),
            mean(log_error.abs()) / math.log(10),
            mean(error.abs()),
        ],
        dim=1,
    )


def _median(values: Float64[Tensor, "b n"], valid: Bool[Tensor, "b n"]) -> Float64[Tensor, " b"]:
    """Median of each row's valid values, the mean of the middle two where their number is even."""
    ordered = torch.where(valid, values, math.inf).sort(dim=1).values
    n: Int64[Tensor, "b 1"] = valid.sum(1, keepdim=True)
    middle = torch.cat([(n - 1).clamp(min=0) // 2, (n // 2).clamp(max=values.shape[1] - 1)], dim=1)
    return ordered.gather(1, middle).mean(1)
