"""The only place that tells the tasks apart."""

from .build import TASKS, create_network
from .convert import Conversion, convert_checkpoint, convert_state
from .task import Task
from .wrap import wrap

__all__ = ["TASKS", "Conversion", "Task", "convert_checkpoint", "convert_state", "create_network", "wrap"]
