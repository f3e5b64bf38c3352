"""Training runs."""

from .loop import Progress, TrainingResult, build_loss, build_network_for, open_split, train
from .run import Journal, create_run_folder
from .state import TrainingState, load_training_state, save_training_state

__all__ = [
    "Journal",
    "Progress",
    "TrainingResult",
    "TrainingState",
    "build_loss",
    "build_network_for",
    "create_run_folder",
    "load_training_state",
    "open_split",
    "save_training_state",
    "train",
]
