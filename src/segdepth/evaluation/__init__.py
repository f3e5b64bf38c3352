"""Scores of networks, of answers on disk, and of what needs no network."""

from .answers import Answer, Answers, NetworkAnswers
from .baselines import baseline_maps, evaluate_baselines
from .depth_protocol import PROTOCOLS, Preset
from .predictions import FileAnswers, Predictions
from .scoring import Evaluation, evaluate, score

__all__ = [
    "PROTOCOLS",
    "Answer",
    "Answers",
    "Evaluation",
    "FileAnswers",
    "NetworkAnswers",
    "Predictions",
    "Preset",
    "baseline_maps",
    "evaluate",
    "evaluate_baselines",
    "score",
]
