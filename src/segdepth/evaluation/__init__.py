"""Scores of networks and of what needs no network."""

from .baselines import baseline_maps, evaluate_baselines
from .loop import Evaluation, evaluate, protocol_of

__all__ = ["Evaluation", "baseline_maps", "evaluate", "evaluate_baselines", "protocol_of"]
