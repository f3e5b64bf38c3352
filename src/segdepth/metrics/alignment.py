"""How an image's answers become metres where they are not: fitted to the image's own truth, in float64.

``none``: they are metres.

``median``: depth times ``median(truth) / median(depth)`` of the scored pixels, for depth up to a factor. Of inverse depth it is
the inverse that is scaled, its shift taken for zero; where it is 0 or less, the answer is infinitely far.

``least-squares``: with inverse depth ``d`` and ``t = 1 / truth`` of the scored pixels, the factor ``s`` and the shift ``o`` for
which ``sum (s d + o - t)^2`` is least: ``s = sum (d - mean d)(t - mean t) / sum (d - mean d)^2``, ``o = mean t - s mean d``. Then
``depth = 1 / (s d + o)``; where ``s d + o`` is below the inverse of the largest depth, negative too, the answer is that depth.
Of a constant ``d`` no factor can be known: ``s`` is 0, and ``o`` is ``mean t``. A single pixel, and two that differ, are met
exactly, whatever is answered. ``s`` is not held above zero: an answer that is near where the truth is far is turned over.

Source:
    median: Zhou et al. 2017, arXiv:1704.07813, section 4.1. least-squares: Ranftl et al. 2020, arXiv:1907.01341, equations 4 and
    5 (the closed form by normal equations, whose solution the one above is), and the cap of inverse depth in their evaluation
    code; where ``d`` is constant theirs answers the cap.
"""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float64, Int64
from torch import Tensor

__all__ = ["ALIGNMENTS", "Fit", "Scored"]

#: Depth that is taken for the nearest, where its inverse is needed: files hold zeros.
_NEAREST = 1e-6


class Scored(NamedTuple):
    """What an alignment is fitted to, one row an image.

    Attributes:
        answers: depth, or inverse depth.
        truth: metres.
        valid: which of both are scored.
        inverse: whether the answers are inverse depth.
        farthest: the protocol's largest depth, metres.
    """

    answers: Float64[Tensor, "b n"]
    truth: Float64[Tensor, "b n"]
    valid: Bool[Tensor, "b n"]
    inverse: bool
    farthest: float


#: From answers of the same images, ``[b, m]``, to metres.
Fit = Callable[[Float64[Tensor, "b m"]], Float64[Tensor, "b m"]]


def _none(scored: Scored) -> Fit:
    """Depth as it is answered."""
    return lambda answers: _depth(answers, scored.inverse)


def _median(scored: Scored) -> Fit:
    """Depth with the truth's median."""
    factor = (_middle(scored.truth, scored.valid) / _middle(_depth(scored.answers, scored.inverse), scored.valid))[
        :, None
    ]

    def scale(answers: Float64[Tensor, "b m"]) -> Float64[Tensor, "b m"]:
        depth = _depth(answers, scored.inverse)
        return torch.where(depth.isinf(), depth, depth * factor)

    return scale


def _least_squares(scored: Scored) -> Fit:
    """Inverse depth with the factor and the shift that bring it nearest to the truth's."""
    d, t = _inverse(scored.answers, scored.inverse), 1 / scored.truth
    mean_d, mean_t = (_mean(values, scored.valid) for values in (d, t))
    spread = torch.where(scored.valid, d - mean_d, 0)
    factor = (spread * torch.where(scored.valid, t - mean_t, 0)).sum(1, keepdim=True) / spread.square().sum(
        1, keepdim=True
    )
    least, most = (torch.where(scored.valid, d, end * math.inf) for end in (1, -1))
    factor = torch.where(
        least.amin(1, keepdim=True) < most.amax(1, keepdim=True), factor, 0
    )  # rounding spreads a constant

    def fit(answers: Float64[Tensor, "b m"]) -> Float64[Tensor, "b m"]:
        aligned = mean_t + factor * (_inverse(answers, scored.inverse) - mean_d)
        return 1 / aligned.clamp(min=1 / scored.farthest)

    return fit


def _depth(answers: Float64[Tensor, "b m"], inverse: bool) -> Float64[Tensor, "b m"]:
    return torch.where(answers <= 0, math.inf, 1 / answers) if inverse else answers  # what is no number stays none


def _inverse(answers: Float64[Tensor, "b m"], inverse: bool) -> Float64[Tensor, "b m"]:
    return answers if inverse else 1 / answers.clamp(min=_NEAREST)


def _mean(values: Float64[Tensor, "b n"], valid: Bool[Tensor, "b n"]) -> Float64[Tensor, "b 1"]:
    return torch.where(valid, values, 0).sum(1, keepdim=True) / valid.sum(1, keepdim=True).clamp(min=1)


def _middle(values: Float64[Tensor, "b n"], valid: Bool[Tensor, "b n"]) -> Float64[Tensor, " b"]:
    """Median of each row's valid values, the mean of the middle two where their number is even."""
    ordered = torch.where(valid, values, math.inf).sort(dim=1).values
    n: Int64[Tensor, "b 1"] = valid.sum(1, keepdim=True)
    middle = torch.cat([(n - 1).clamp(min=0) // 2, (n // 2).clamp(max=values.shape[1] - 1)], dim=1)
    return ordered.gather(1, middle).mean(1)


#: By the name that protocols call them by.
ALIGNMENTS: Mapping[str, Callable[[Scored], Fit]] = MappingProxyType(
    {"none": _none, "median": _median, "least-squares": _least_squares}
)
