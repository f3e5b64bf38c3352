"""The only place that tells the tasks apart."""

from .build import TASKS, create_network
from .task import Task

__all__ = ["TASKS", "Task", "create_network"]
