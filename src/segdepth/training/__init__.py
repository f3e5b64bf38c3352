"""Training runs."""

from .build import build_learning_rate, build_loss, build_network_for, build_optimizer, build_rate
from .checkpoints import Checkpoints, TrainingState, find_checkpoint, newest_whole_checkpoint, read_checkpoint
from .journal import Journal
from .learning_rate import LearningRate
from .loop import TrainingResult, train
from .run import as_recorded
from .update import NotFiniteError, RunningLoss, Update
from .watching import Progress

__all__ = [
    "Checkpoints",
    "Journal",
    "LearningRate",
    "NotFiniteError",
    "Progress",
    "RunningLoss",
    "TrainingResult",
    "TrainingState",
    "Update",
    "as_recorded",
    "build_learning_rate",
    "build_loss",
    "build_network_for",
    "build_optimizer",
    "build_rate",
    "find_checkpoint",
    "newest_whole_checkpoint",
    "read_checkpoint",
    "train",
]
