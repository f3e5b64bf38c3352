"""The folder of a run: its layout, what its files say, which runs there are, and what differs between them. No torch."""

from .compare import Comparison, compare
from .find import find_run, find_runs, sorted_runs
from .layout import BEST, CARD_KEY, Checkpoint, RunFolder
from .order import meant_by, newest_first
from .reading import read_log, read_run
from .record import begin, read_config, value_of, write_config
from .run import Best, Run
from .tasks import TASK_FACTS, TaskFacts

__all__ = [
    "BEST",
    "CARD_KEY",
    "TASK_FACTS",
    "Best",
    "Checkpoint",
    "Comparison",
    "Run",
    "RunFolder",
    "TaskFacts",
    "begin",
    "compare",
    "find_run",
    "find_runs",
    "meant_by",
    "newest_first",
    "read_config",
    "read_log",
    "read_run",
    "sorted_runs",
    "value_of",
    "write_config",
]
