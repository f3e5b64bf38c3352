"""Scores of depth, per image and then averaged, under a stated protocol."""

import math
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import torch
from jaxtyping import Bool, Float, Float64, Shaped
from torch import Tensor

from segdepth.core.errors import InputError
from segdepth.core.tables import pick
from segdepth.kinds import Kind

from .alignment import ALIGNMENTS
from .depth_bands import DepthBands
from .depth_protocol import DepthProtocol, in_metres, scored_pixels
from .scores import Scores

__all__ = ["DEPTH_SCORES", "DepthScores"]

#: Names of the scores in the order in which papers print them; the first seven are Eigen's.
DEPTH_SCORES = ("abs_rel", "sq_rel", "rmse", "rmse_log", "a1", "a2", "a3", "silog", "log10", "mae")

#: Each alignment for people.
_SCALING_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "none": "scaling none",
        "median": "scaling median (each image's depth times one factor, which gives it the truth's median)",
        "least-squares": "scaling least-squares (factor and shift of each image's inverse depth fitted to the truth's)",
    }
)


class DepthScores(Scores):
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

    sums: Tensor
    images: Tensor
    images_without_truth: Tensor

    def __init__(self, protocol: DepthProtocol | None = None) -> None:
        super().__init__()
        self.protocol = DepthProtocol() if protocol is None else protocol
        self.add_state("sums", torch.zeros(len(DEPTH_SCORES), dtype=torch.float64), dist_reduce_fx="sum")
        for name in ("images", "images_without_truth"):
            self.add_state(name, torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, prediction: Float[Tensor, "b ... _h _w"], truth: Float[Tensor, "b ... h w"]) -> None:
        """Score a batch of images.

        Args:
            prediction: metres, or what the protocol makes metres of, ``[b, h, w]`` or ``[b, 1, h, w]``; clipped to the range,
                never left out.
            truth: metres, same shape; 0 = no measurement. An image without a pixel to score is only counted.

        Raises:
            InputError: if the two differ in shape, or have more than one channel.
        """
        prediction, truth, valid = scored_pixels(prediction, truth, self.protocol)
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

    def describe(self) -> dict[str, Any]:
        """See :meth:`Scores.describe`."""
        scores = self.compute()
        return {
            "files_scored": scores["images"],
            "files_without_truth": scores["images_without_truth"],
            "crop": self.protocol.crop,
            "min_depth_m": self.protocol.min_depth,
            "max_depth_m": self.protocol.max_depth,
            "scaling": self.protocol.scaling,
            "clip": "prediction clipped to the depth range, never left out",
            "average": "per image, then over images",
        }

    @property
    def range_m(self) -> tuple[float, float]:
        """See :attr:`Scores.range_m`."""
        return self.protocol.min_depth, self.protocol.max_depth

    def limited(self, range_m: tuple[float, float]) -> "DepthScores":
        """See :meth:`Scores.limited`."""
        return DepthScores(replace(self.protocol, min_depth=range_m[0], max_depth=range_m[1]))

    def aligned(self, how: str) -> "DepthScores":
        """See :meth:`Scores.aligned`.

        Raises:
            ConfigError: if there is no such alignment.
        """
        pick(ALIGNMENTS, how, kind="alignment")
        return DepthScores(replace(self.protocol, scaling=how))  # type: ignore[arg-type]

    def reading(self, kind: Kind) -> "DepthScores":
        """See :meth:`Scores.reading`.

        Raises:
            InputError: if the answers are relative and the protocol aligns nothing.
        """
        if kind.is_relative and self.protocol.scaling == "none":
            doors = " or ".join(f"--align {name}" for name in ALIGNMENTS if name != "none")
            raise InputError(
                f"these answers are {kind.units[0]}, which has no metres to be scored: name a protocol that aligns them to "
                f"each image's truth, {doors} (or, of kitti_eigen, a --protocol whose name ends in -median)"
            )
        same = kind.is_inverse == self.protocol.inverse
        return self if same else DepthScores(replace(self.protocol, inverse=kind.is_inverse))

    def as_scored(self, answer: Float[Tensor, "h w"], truth: Float[Tensor, "h w"]) -> Shaped[Tensor, "h w"]:
        """See :meth:`Scores.as_scored`."""
        return in_metres(answer, truth, self.protocol)

    def words(self) -> str:
        """See :meth:`Scores.words`."""
        how = self.protocol
        return (
            f"crop {how.crop}, {how.min_depth:g}-{how.max_depth:g} m, {_SCALING_WORDS[how.scaling]}, "
            "prediction clipped to the depth range, never left out"
        )

    def tables(self) -> dict[str, DepthBands]:
        """See :meth:`Scores.tables`."""
        return {"bands": DepthBands(self.protocol)}


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
