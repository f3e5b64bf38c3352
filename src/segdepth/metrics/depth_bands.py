"""Depth errors by distance."""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from .depth_protocol import DepthProtocol, scored_pixels
from .scores import ScoreTable

__all__ = ["BANDS_M", "DepthBands"]

#: Edges of the distance bands, metres.
BANDS_M = (0.0, 10.0, 20.0, 30.0, 50.0, 80.0)


class DepthBands(ScoreTable):
    """Errors of all pixels in each band of true distance.

    ``pixels``: share of all; ``abs_rel``; ``rmse`` in metres; ``bias``: mean of prediction minus truth, metres.

    Args:
        protocol: which pixels count, and how.
    """

    title = "by distance, all pixels"
    columns = ("pixels", "abs_rel", "rmse", "bias")
    sums: Tensor

    def __init__(self, protocol: DepthProtocol) -> None:
        super().__init__()
        self.protocol = protocol
        # number of pixels, of |error| / truth, of error^2, of error
        self.add_state("sums", torch.zeros(len(BANDS_M) - 1, 4, dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, prediction: Float[Tensor, "b h w"], truth: Float[Tensor, "b h w"]) -> None:
        """Add a batch of answers, metres."""
        prediction, truth, valid = scored_pixels(prediction, truth, self.protocol)
        p, g = prediction[valid], truth[valid]
        error = p - g
        band = torch.bucketize(g, torch.tensor(BANDS_M[1:-1], dtype=g.dtype, device=g.device))
        values = torch.stack([torch.ones_like(g), error.abs() / g, error.square(), error], dim=1)
        # a sum of this batch first: the running sum is large, and would round each of its pixels
        self.sums += torch.zeros_like(self.sums).index_add_(0, band, values)

    def compute(self) -> dict[str, dict[str, float | None]]:
        """See :meth:`ScoreTable.compute`; by "0-10 m" and so on."""
        total = float(self.sums[:, 0].sum())
        rows: dict[str, dict[str, float | None]] = {}
        for (low, high), (n, relative, square, error) in zip(pairwise(BANDS_M), self.sums.tolist(), strict=True):
            values = None if n == 0 else (relative / n, (square / n) ** 0.5, error / n)
            scores = (None if total == 0 else n / total, *(values or (None,) * 3))
            rows[f"{low:g}-{high:g} m"] = dict(zip(self.columns, scores, strict=True))
        return rows
