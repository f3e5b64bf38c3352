"""Scores over a data set: sums while it runs, on the device and without waiting for it; the score at the end.

Each is a :class:`torchmetrics.Metric`: ``update(prediction, truth)``, ``compute()``, ``reset()``, and a call gives the scores of
these pictures alone and adds them up. The sums add up over batches and over processes, so neither the order nor the size of the
batches changes a score.
"""

from .alignment import ALIGNMENTS
from .depth import DEPTH_SCORES, DepthScores
from .depth_protocol import DepthProtocol
from .normals import NormalScores
from .registered import METRICS, MakeMetric, mean_over_pictures, pick_metrics, register_metric
from .scores import Scores, ScoreTable, by_class
from .seg import SegmentationScores

__all__ = [
    "ALIGNMENTS",
    "DEPTH_SCORES",
    "METRICS",
    "DepthProtocol",
    "DepthScores",
    "MakeMetric",
    "NormalScores",
    "ScoreTable",
    "Scores",
    "SegmentationScores",
    "by_class",
    "mean_over_pictures",
    "pick_metrics",
    "register_metric",
]
