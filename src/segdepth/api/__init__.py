"""What the commands do, as functions for scripts and notebooks: they return what a command prints, and log as the caller does."""

from .evaluating import evaluate
from .studying import analyse, study
from .training import train

__all__ = ["analyse", "evaluate", "study", "train"]
