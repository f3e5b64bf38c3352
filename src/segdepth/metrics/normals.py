"""Scores of surface normals: angles over all pixels of all images."""

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from segdepth.core.errors import InputError

from .scores import Scores

__all__ = ["NormalScores"]

#: Bins of the angles' histogram, from which the median is read: a hundredth of a degree each.
_BINS = 18_000


class NormalScores(Scores):
    """The angles between predicted and true normals.

    Source:
        Fouhey, Gupta and Hebert 2013, "Data-driven 3D primitives for single image understanding"; the averages over the pixels of
        all images as in Eigen and Fergus 2015, arXiv:1411.4734.

    Example:
        >>> scores = NormalScores()
        >>> scores.update(torch.tensor([[[[0.0, 0.6, -0.8]]]]), torch.tensor([[[[0.0, 0.0, -1.0]]]]))
        >>> round(scores.compute()["mean_angle"], 2)
        36.87
    """

    #: Degrees; an angle below is close.
    CLOSE: ClassVar[dict[str, float]] = {"within_11": 11.25, "within_22": 22.5, "within_30": 30.0}
    sums: Tensor
    histogram: Tensor

    def __init__(self) -> None:
        super().__init__()
        # of angles, of their squares, of those that are close
        self.add_state("sums", torch.zeros(2 + len(self.CLOSE), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("histogram", torch.zeros(_BINS, dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, prediction: Float[Tensor, "b _h _w _c"], truth: Float[Tensor, "b h w c"]) -> None:
        """Add a batch of answers.

        Args:
            prediction: vectors of any length, ``[b, h, w, 3]``; one of length 0 is wrong by 90 degrees.
            truth: unit vectors, same shape; (0, 0, 0) = not known.

        Raises:
            InputError: if the two differ in shape, or are no vectors.
        """
        if prediction.shape != truth.shape or truth.shape[-1] != 3:
            raise InputError(
                f"prediction {tuple(prediction.shape)} and truth {tuple(truth.shape)} must both be [b, h, w, 3] of one size: "
                "normals are scored at the truth's size"
            )
        p, t = (F.normalize(x.double().flatten(0, 2), dim=1) for x in (prediction, truth))
        known = t.ne(0).any(1)
        # not the arc cosine, which loses half the digits of small angles
        angle = torch.rad2deg(2 * torch.atan2((p - t).norm(dim=1), (p + t).norm(dim=1)))
        close = torch.stack([angle < degrees for degrees in self.CLOSE.values()], 1)
        values = torch.cat([torch.stack([angle, angle.square()], 1), close], 1)
        self.sums += torch.where(known[:, None], values, 0).sum(0)
        cells = (angle * (_BINS / 180)).long().clamp(0, _BINS - 1)
        self.histogram.scatter_add_(0, cells, known.long())

    def compute(self) -> dict[str, float | None]:
        """The scores; None if nothing is known.

        Returns:
            ``mean_angle``, ``median_angle`` (to a hundredth) and ``rmse_angle`` in degrees; ``within_11``, ``within_22``,
            ``within_30``: share of pixels wrong by less than 11.25, 22.5 and 30 degrees.
        """
        count = int(self.histogram.sum())
        names = ("mean_angle", "median_angle", "rmse_angle", *self.CLOSE)
        if not count:
            return dict.fromkeys(names)
        mean, square, *close = (self.sums / count).tolist()
        middle = int(torch.searchsorted(self.histogram.cumsum(0), (count + 1) // 2))
        median = (middle + 0.5) * 180 / _BINS
        return dict(zip(names, (mean, median, square**0.5, *close), strict=True))

    def describe(self) -> dict[str, Any]:
        """See :meth:`Scores.describe`."""
        return {"average": "over the pixels of all images whose normal is known"}
