"""Losses of depth in metres against sparse measurements.

Each is a mean over the pixels with a measurement (``target > 0``), whatever the prediction is there, and can
add ``smooth_weight`` times the prediction's :func:`~segdepth.losses.smoothness.smoothness`.
"""

from typing import Annotated

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from pydantic import Field
from torch import Tensor

from .sizes import at_size
from .smoothness import smoothness

__all__ = ["berhu_loss", "huber_loss", "l1_loss", "scale_invariant_loss"]

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]

#: Metres; a prediction below it counts as this, so that its logarithm exists.
_NEAREST = 1e-3


def l1_loss(
    prediction: Float[Tensor, "b 1 _h _w"],
    target: Float[Tensor, "b 1 h w"],
    *,
    smooth: bool = True,
    smooth_weight: NotNegative = 1e-3,
) -> Float[Tensor, ""]:
    """Mean absolute error over the pixels with a measurement.

    Args:
        prediction: depth, metres; resized bilinearly if it has another size than ``target``.
        target: measured depth, metres; 0 = no measurement.
        smooth: add the smoothness of the prediction.
        smooth_weight: factor of the smoothness, which is taken over all pixels, measured or not.

    Returns:
        Metres; 0 with a graph when nothing is measured.

    Example:
        >>> measured = torch.tensor([[[[10.0, 0.0]]]])
        >>> l1_loss(measured + 2, measured, smooth=False)
        tensor(2.)
    """
    prediction = at_size(prediction, *target.shape[-2:])
    error, valid = _absolute_error(prediction, target)
    return _mean(error, valid) + _smooth_term(prediction, valid, smooth, smooth_weight)


def berhu_loss(
    prediction: Float[Tensor, "b 1 _h _w"],
    target: Float[Tensor, "b 1 h w"],
    *,
    threshold: Positive = 0.2,
    smooth: bool = True,
    smooth_weight: NotNegative = 1e-3,
) -> Float[Tensor, ""]:
    """Reverse Huber: absolute for small errors, quadratic for large ones.

    ``d`` where ``d <= c``, else ``(d^2 + c^2) / (2 c)``, with ``c = threshold * max d`` over the measured
    pixels of the batch; ``c`` counts as a constant for the gradient.

    Args:
        prediction: depth, metres; resized bilinearly if it has another size than ``target``.
        target: measured depth, metres; 0 = no measurement.
        threshold: the share of the largest error at which the quadratic part begins.
        smooth: add the smoothness of the prediction.
        smooth_weight: factor of the smoothness, which is taken over all pixels, measured or not.

    Returns:
        Metres; 0 with a graph when nothing is measured.

    Source:
        Laina et al. 2016, arXiv:1606.00373.
    """
    prediction = at_size(prediction, *target.shape[-2:])
    error, valid = _absolute_error(prediction, target)
    bound = threshold * error.detach().amax()
    divisor = torch.where(bound > 0, bound, 1)  # no error at all: the quadratic part is not used, only computed
    large = (error.square() + bound.square()) / (2 * divisor)
    loss = _mean(torch.where(error <= bound, error, large), valid)
    return loss + _smooth_term(prediction, valid, smooth, smooth_weight)


def huber_loss(
    prediction: Float[Tensor, "b 1 _h _w"],
    target: Float[Tensor, "b 1 h w"],
    *,
    delta: Positive = 1.0,
    smooth: bool = True,
    smooth_weight: NotNegative = 1e-3,
) -> Float[Tensor, ""]:
    """Huber: quadratic for errors up to ``delta``, ``d^2 / 2``, then linear, ``delta (d - delta / 2)``.

    Args:
        prediction: depth, metres; resized bilinearly if it has another size than ``target``.
        target: measured depth, metres; 0 = no measurement.
        delta: metres; where the linear part begins.
        smooth: add the smoothness of the prediction.
        smooth_weight: factor of the smoothness, which is taken over all pixels, measured or not.

    Returns:
        Square metres; 0 with a graph when nothing is measured.

    Source:
        Huber 1964, "Robust estimation of a location parameter".
    """
    prediction = at_size(prediction, *target.shape[-2:])
    error, valid = _absolute_error(prediction, target)
    loss = _mean(F.huber_loss(error, torch.zeros_like(error), reduction="none", delta=delta), valid)
    return loss + _smooth_term(prediction, valid, smooth, smooth_weight)


def scale_invariant_loss(
    prediction: Float[Tensor, "b 1 _h _w"],
    target: Float[Tensor, "b 1 h w"],
    *,
    lambda_weight: Fraction = 0.5,
    per_image: bool = True,
    smooth: bool = True,
    smooth_weight: NotNegative = 1e-3,
) -> Float[Tensor, ""]:
    """Mean squared error of the logarithm, less a share of its squared mean.

    ``sum g^2 / n - lambda (sum g)^2 / n^2`` with ``g = log prediction - log target`` over the ``n`` measured
    pixels; predictions under 1 mm count as 1 mm.

    Args:
        prediction: depth, metres; resized bilinearly if it has another size than ``target``.
        target: measured depth, metres; 0 = no measurement.
        lambda_weight: lambda of the paper; 0: plain squared error, 1: the scale does not matter at all.
        per_image: one ``n`` for each image, then the mean over the images that have a measurement; otherwise
            one ``n`` for the whole batch.
        smooth: add the smoothness of the prediction.
        smooth_weight: factor of the smoothness, which is taken over all pixels, measured or not.

    Returns:
        A number without unit; 0 with a graph when nothing is measured.

    Source:
        Eigen, Puhrsch and Fergus 2014, arXiv:1406.2283, equation 4.
    """
    prediction = at_size(prediction, *target.shape[-2:])
    measured, truth, valid = _at_measured(prediction, target)
    g = measured.clamp(min=_NEAREST).log() - truth.log()
    g, counted = (x.flatten(1) if per_image else x.flatten().unsqueeze(0) for x in (g, valid))
    n = counted.sum(1).clamp(min=1)
    scores = g.square().sum(1) / n - lambda_weight * (g.sum(1) / n).square()
    loss = _mean(scores, counted.any(1))
    return loss + _smooth_term(prediction, valid, smooth, smooth_weight)


def _at_measured(
    prediction: Float[Tensor, "b 1 h w"], target: Float[Tensor, "b 1 h w"]
) -> tuple[Float[Tensor, "b 1 h w"], Float[Tensor, "b 1 h w"], Bool[Tensor, "b 1 h w"]]:
    """Prediction, target, and where there is a measurement; both are 1 m elsewhere.

    Selecting before computing keeps the gradient clean: a nan or an infinity at a pixel that does not count
    would come back from a later multiplication with 0 as nan.
    """
    valid = target > 0
    return torch.where(valid, prediction, 1), torch.where(valid, target.to(prediction.dtype), 1), valid


def _absolute_error(
    prediction: Float[Tensor, "b 1 h w"], target: Float[Tensor, "b 1 h w"]
) -> tuple[Float[Tensor, "b 1 h w"], Bool[Tensor, "b 1 h w"]]:
    """Absolute error in metres, 0 where nothing is measured, and where something is."""
    measured, truth, valid = _at_measured(prediction, target)
    return (truth - measured).abs(), valid


def _mean(values: Float[Tensor, "*n"], valid: Bool[Tensor, "*n"]) -> Float[Tensor, ""]:
    """Mean of ``values``, which are 0 where not ``valid``, over the valid ones; 0 if there are none."""
    return values.sum() / valid.sum().clamp(min=1)


def _smooth_term(
    prediction: Float[Tensor, "b 1 h w"], valid: Bool[Tensor, "b 1 h w"], smooth: bool, weight: float
) -> Float[Tensor, ""] | float:
    """The weighted smoothness of the prediction; 0 for a batch that teaches nothing else."""
    return weight * smoothness(prediction) * valid.any() if smooth else 0.0
