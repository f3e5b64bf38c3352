"""Optimizers and learning-rate schedules by the names that a config uses."""

from .optimizers import OPTIMIZERS
from .schedules import SCHEDULES, Rate, WarmUp, warmed_up

__all__ = ["OPTIMIZERS", "SCHEDULES", "Rate", "WarmUp", "warmed_up"]
