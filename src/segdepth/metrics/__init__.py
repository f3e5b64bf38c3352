"""Scores over a data set: sums while it runs, on the device and without waiting for it; the score at the end.

Each is a :class:`torchmetrics.Metric`: ``update(prediction, truth)``, ``compute()``, ``reset()``. The sums
add up over batches and over processes, so neither the order nor the size of the batches changes a score.
"""

from torchmetrics import Metric

from .depth import DEPTH_SCORES, DepthProtocol, DepthScores
from .seg import SegmentationScores

__all__ = ["DEPTH_SCORES", "METRICS", "DepthProtocol", "DepthScores", "SegmentationScores"]

#: The scores by the truth that they read.
METRICS: dict[str, type[Metric]] = {
    "labels": SegmentationScores,
    "depth": DepthScores,
}
