"""Terminal output: tables, bars, log lines. Results go to stdout, everything else to stderr."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import zip_longest

from rich.console import Console
from rich.logging import RichHandler
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

__all__ = ["TrainingBar", "counting", "err", "log_to_terminal", "out", "print_rows", "score_table"]

out = Console()
err = Console(stderr=True)


def log_to_terminal() -> None:
    """Show our log lines on stderr, above any bar."""
    handler: logging.Handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    if err.is_terminal:  # in a file, lines are not to be wrapped at a terminal's width
        handler = RichHandler(console=err, show_path=False, show_level=False, log_time_format="%H:%M:%S", markup=False,
                          highlighter=None)  # fmt: skip
    logger = logging.getLogger("segdepth")
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False


def score_table(rows: Mapping[str, Mapping[str, float | None]], columns: tuple[str, ...], title: str) -> Table:
    """Scores, one row per name; undefined ones as a dash."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("", overflow="fold")
    for column in columns:
        table.add_column(column, justify="right")
    for name, scores in rows.items():
        cells = (scores.get(column) for column in columns)
        table.add_row(name, *("-" if value is None else f"{value:.4f}" for value in cells))
    return table


def print_rows(rows: Sequence[Sequence[str]]) -> None:
    """Each row in one line, however long, so that it can be searched and cut to columns."""
    widths = [max(map(len, column)) for column in zip_longest(*rows, fillvalue="")]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        print("  ".join(cells).rstrip())


@contextmanager
def counting(what: str) -> Iterator["CountingBar"]:
    """A bar with an ETA for work that is counted."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=err,
        transient=True,
    ) as progress:
        yield CountingBar(progress, progress.add_task(what, total=None))


class CountingBar:
    """Callable as ``bar(done, total)``."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def __call__(self, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` are done."""
        self._progress.update(self._task, completed=done, total=total)


class TrainingBar:
    """The bar of a training run: updates, loss, rate, ETA; and the validation's while one is going on.

    Args:
        shown: whether anything is drawn.
    """

    def __init__(self, shown: bool = True) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(), TextColumn("ETA"), TimeRemainingColumn(), console=err, disable=not shown,
        )  # fmt: skip
        self._training: TaskID | None = None
        self._validation: TaskID | None = None

    def __enter__(self) -> "TrainingBar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def start(self, step: int, total: int) -> None:
        """Before the first update."""
        self._training = self._progress.add_task("training", total=total, completed=step, note="")

    def step(self, step: int, loss: float | None, rate: float) -> None:
        """After an update; the loss is shown when it was read from the device."""
        assert self._training is not None
        self._progress.update(self._training, completed=step)
        if loss is not None:
            self._progress.update(self._training, note=f"loss {loss:.4f} lr {rate:.2g}")

    def validating(self, done: int, total: int) -> None:
        """As a validation goes on."""
        if self._validation is None:
            self._validation = self._progress.add_task("validation", total=total, note="")
        self._progress.update(self._validation, completed=done)
        if done >= total:
            self._progress.remove_task(self._validation)
            self._validation = None
