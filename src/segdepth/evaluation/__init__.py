"""Scores of networks, of answers on disk, and of what needs no network."""

from .baselines import baseline_maps, evaluate_baselines
from .depth_protocol import PROTOCOLS, Preset
from .detail import Detail
from .loop import Evaluation, evaluate, protocol_of
from .predictions import Predictions, evaluate_predictions

__all__ = [
    "PROTOCOLS",
    "Detail",
    "Evaluation",
    "Predictions",
    "Preset",
    "baseline_maps",
    "evaluate",
    "evaluate_baselines",
    "evaluate_predictions",
    "protocol_of",
]
