"""The only place that tells the tasks apart."""

from .build import TASKS, create_network
from .convert import Conversion, convert_checkpoint, convert_state
from .origins import Asked, Origin, find_origin, network_of, task_said_by, with_classes_of
from .task import Task
from .wrap import wrap

__all__ = [
    "TASKS",
    "Asked",
    "Conversion",
    "Origin",
    "Task",
    "convert_checkpoint",
    "convert_state",
    "create_network",
    "find_origin",
    "network_of",
    "task_said_by",
    "with_classes_of",
    "wrap",
]
