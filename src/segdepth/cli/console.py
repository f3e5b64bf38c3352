"""Terminal output: tables, bars, log lines. Results go to stdout, everything else to stderr."""

import logging
import math
import textwrap
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise, zip_longest
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from segdepth.core.group import rank

__all__ = [
    "GOES_ON",
    "Pace",
    "TrainingBar",
    "counting",
    "err",
    "log_to_terminal",
    "out",
    "print_rows",
    "results_in",
    "score_table",
    "table",
]

#: Blanks between the columns of a table.
_GAP = 2

#: Letters that a sentence needs in a line, to be read.
_SENTENCE = 30

# What is printed holds names that users gave: it is shown as it is. Where colour is wanted, print a rich.text.Text.
out = Console(markup=False, emoji=False, highlight=False)
err = Console(stderr=True, markup=False, emoji=False, highlight=False)


def log_to_terminal() -> None:
    """Show our log lines on stderr, above any bar."""
    handler = _AboveTheBar() if err.is_terminal else logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    logger = logging.getLogger("segdepth")
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False


class _AboveTheBar(logging.Handler):
    """Log lines on a terminal that has a bar at its foot."""

    def emit(self, record: logging.LogRecord) -> None:
        _say(self.format(record))


def _say(line: str) -> None:
    """A line on stderr as it is: no markup is read in it, and a path in it is not broken."""
    err.print(Text(line), soft_wrap=True)


@contextmanager
def results_in(where: Path | str | None, interrupted: str = "the same command begins anew") -> Iterator[None]:
    """Say where the results of the work inside will be, and what Ctrl-C means for it.

    Args:
        where: folder or file; None where nothing is written.
        interrupted: what to know after Ctrl-C.
    """
    if where is not None and rank() == 0:
        _say(f"results: {where}")
    try:
        yield
    except KeyboardInterrupt:
        if rank() == 0:
            _say(interrupted)
        raise


#: For results_in: work that can be stopped anywhere.
GOES_ON = "what is done stays; the same command goes on"


def score_table(rows: Mapping[str, Mapping[str, float | None]], columns: Sequence[str], title: str) -> "_Table":
    """Scores, one row per name; undefined ones as a dash. See :func:`table`."""
    cells = [(name, [_score(scores.get(column)) for column in columns]) for name, scores in rows.items()]
    return table(cells, columns, title)


def table(rows: Sequence[tuple[str, Sequence[str]]], columns: Sequence[str], title: str) -> "_Table":
    """Numbers, each row with its name.

    No name and no number is broken: where the terminal is too narrow, titles of columns are broken between words, then a name
    that is too long has a line of its own, and numbers that do not fit side by side stand one below the other.
    """
    return _Table(rows, columns, title)


@dataclass(frozen=True)
class _Table:
    """What Rich prints of a table; see :func:`table`."""

    rows: Sequence[tuple[str, Sequence[str]]]
    columns: Sequence[str]
    title: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        if self.title:
            yield Text(self.title, style="table.title")
        titles, widths = self._titles(options.max_width)
        left = options.max_width - sum(widths) - _GAP * len(widths)
        for line, style in self._side_by_side(titles, widths, left) if left >= 0 else self._below_each_other():
            yield Text(line, style=style, overflow="fold")

    def _titles(self, room: int) -> tuple[list[list[str]], list[int]]:
        """The columns' titles in lines, broken between words where that is needed, and how wide each column is."""
        numbers = [max(map(len, column), default=0) for column in zip(*(cells for _, cells in self.rows), strict=True)]
        longest = max((cell_len(name) for name, _ in self.rows), default=0)
        widths = [max(len(title), width) for title, width in zip(self.columns, numbers, strict=True)]
        if longest + sum(widths) + _GAP * len(widths) <= room:
            return [[title] for title in self.columns], widths
        titles = [
            textwrap.wrap(title, max(width, *map(len, title.split())), break_long_words=False, break_on_hyphens=False)
            for title, width in zip(self.columns, numbers, strict=True)
        ]
        return titles, [max(width, *map(len, title)) for title, width in zip(titles, numbers, strict=True)]

    def _side_by_side(
        self, titles: Sequence[Sequence[str]], widths: Sequence[int], left: int
    ) -> Iterator[tuple[str, str]]:
        first = min(left, max((cell_len(name) for name, _ in self.rows), default=0))

        def row(name: str, cells: Sequence[str]) -> str:
            numbers = (" " * _GAP + cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
            return name + " " * (first - cell_len(name)) + "".join(numbers)

        for heads in reversed([*zip_longest(*(title[::-1] for title in titles), fillvalue="")]):
            yield row("", heads), "table.header"
        for name, cells in self.rows:
            if cell_len(name) > first:
                yield name, ""
            yield row("" if cell_len(name) > first else name, cells), ""

    def _below_each_other(self) -> Iterator[tuple[str, str]]:
        for name, cells in self.rows:
            yield name, "table.header"
            yield from ((f"{cell}  {column}", "") for column, cell in zip(self.columns, cells, strict=True))


def _score(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def print_rows(rows: Sequence[Sequence[str]]) -> None:
    """Each row in one line, however long, so that it can be searched and cut to columns.

    On a terminal that is too narrow a row has as many lines as it needs to break no cell but the last, which holds sentences
    and is broken between words.
    """
    widths = _widths(rows)
    room = out.width if out.is_terminal else None
    before = sum(widths[:-1]) + _GAP * (len(widths) - 1)
    if room is not None:
        beside = room - before  # what is left for the last column; where that is little it has a line of its own
        left = beside if beside >= _SENTENCE else room - _GAP
        if widths[-1] > left:
            rows = [line for row in rows for line in _broken(row, len(widths), left)]
            widths = _widths(rows)
    for row in rows:
        for number, (first, end) in enumerate(_lines(widths, room)):
            cells = zip(row[first:end], widths[first:end], strict=False)
            line = (" " * _GAP).join(cell + " " * (width - cell_len(cell)) for cell, width in cells).rstrip()
            if line or not (number or any(row)):
                print(" " * _GAP * bool(number) + line)


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(cell_len, column)) for column in zip_longest(*rows, fillvalue="")]


def _broken(row: Sequence[str], columns: int, room: int) -> list[Sequence[str]]:
    """A row whose last cell is broken between words, as several."""
    if len(row) < columns:
        return [row]
    parts = textwrap.wrap(row[-1], room, break_long_words=False, break_on_hyphens=False) or [""]
    return [(*row[:-1], parts[0]), *((*[""] * (columns - 1), part) for part in parts[1:])]


def _lines(widths: Sequence[int], room: int | None) -> list[tuple[int, int]]:
    """Which columns stand in each line of a row: (first, one after the last)."""
    starts, taken = [0], 0
    for number, width in enumerate(widths):
        indent = _GAP * (len(starts) > 1)
        if room is not None and number > starts[-1] and indent + taken + _GAP + width > room:
            starts.append(number)
            taken = 0
        taken += width + _GAP * (number > starts[-1])
    return list(pairwise([*starts, len(widths)]))


class Pace:
    """How long what is left will take, from a clock: after the first step, whatever a step takes.

    Args:
        done: steps that were done before.
        window: seconds; the pace is that of the last steps that took at least as long. Infinite: of all, so that what
            comes now and then (validations) is counted in.
        begun: on :func:`time.monotonic`'s clock; None: now.
    """

    #: Marks that are kept of a window.
    MARKS = 60

    def __init__(self, done: int = 0, window: float = 60.0, begun: float | None = None) -> None:
        self._window = window
        self._marks = deque([(time.monotonic() if begun is None else begun, done)])

    def reached(self, done: int) -> None:
        """So many steps are done; fewer than before where the work has begun anew."""
        now, (last, before) = time.monotonic(), self._marks[-1]
        if done < before:
            self._marks = deque([(last, 0)])
        if done == before:
            return
        if len(self._marks) > 1 and now - self._marks[-2][0] < self._window / self.MARKS:
            self._marks.pop()
        self._marks.append((now, done))
        while len(self._marks) > 2 and self._marks[1][0] < now - self._window:
            self._marks.popleft()

    def left(self, total: float) -> float | None:
        """Seconds until ``total`` steps are done; None before the first step."""
        (begun, first), (reached, last) = self._marks[0], self._marks[-1]
        if last == first:
            return None
        each = (reached - begun) / (last - first)
        return max(0.0, each * (total - last) - (time.monotonic() - reached))


class _Remaining(ProgressColumn):
    """Hours, minutes and seconds until the end, by the task's pace."""

    max_refresh = 0.5

    def render(self, task: Task) -> Text:
        pace: Pace | None = task.fields.get("pace")
        left = None if pace is None or task.total is None else pace.left(task.total)
        if left is None:
            return Text("-:--:--", style="progress.remaining")
        minutes, seconds = divmod(math.ceil(left), 60)
        hours, minutes = divmod(minutes, 60)
        return Text(f"{hours}:{minutes:02d}:{seconds:02d}", style="progress.remaining")


@contextmanager
def counting(what: str) -> Iterator["CountingBar"]:
    """A bar with an ETA for work that is counted."""
    with Progress(
        TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TextColumn("ETA"), _Remaining(),
        console=err, transient=True,
    ) as progress:  # fmt: skip
        yield CountingBar(progress, progress.add_task(what, total=None), Pace())


class CountingBar:
    """Callable as ``bar(done, total)``."""

    def __init__(self, progress: Progress, task: TaskID, pace: Pace) -> None:
        self._progress = progress
        self._task = task
        self._pace = pace

    def begin(self, done: int) -> None:
        """So many are done before the work begins."""
        self._pace = Pace(done)

    def __call__(self, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` are done."""
        self._pace.reached(done)
        self._progress.update(self._task, completed=done, total=total, pace=self._pace)

    def remove(self) -> None:
        """Take the bar away, before the others that it is shown with."""
        self._progress.remove_task(self._task)


class TrainingBar:
    """The bar of a training run: updates, loss, rate, ETA; and the validation's while one is going on.

    Args:
        shown: whether anything is drawn.
        of: what is trained, where several runs are watched.
        beside: a bar of another run, with which this one shares the terminal.
    """

    def __init__(self, shown: bool = True, of: str = "", beside: "TrainingBar | None" = None) -> None:
        self._of = of
        self._progress: Progress = beside._progress if beside else Progress(
            TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
            TextColumn("{task.fields[note]}", markup=False), TimeElapsedColumn(), TextColumn("ETA"), _Remaining(),
            console=err, disable=not shown,
        )  # fmt: skip
        self._training: TaskID | None = None
        self._pace = Pace()
        self._validation: CountingBar | None = None
        self._at = time.monotonic()  # when the last update, or validation, ended

    def __enter__(self) -> "TrainingBar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def start(self, step: int, total: int) -> None:
        """Before the first update."""
        self._at = time.monotonic()
        self._pace = Pace(step, window=math.inf)
        title = f"training {self._of}".strip()
        self._training = self._progress.add_task(title, total=total, completed=step, note="", pace=self._pace)

    def step(self, step: int, loss: float | None, rate: float) -> None:
        """After an update; the loss is shown when it was read from the device."""
        assert self._training is not None
        self._at = time.monotonic()
        self._pace.reached(step)
        self._progress.update(self._training, completed=step)
        if loss is not None:
            self._progress.update(self._training, note=f"loss {loss:.4f} lr {rate:.2g}")

    def validating(self, done: int, total: int) -> None:
        """As a validation goes on."""
        if self._validation is None:
            task = self._progress.add_task(f"validation {self._of}".strip(), total=total, note="")
            self._validation = CountingBar(self._progress, task, Pace(begun=self._at))
        self._validation(done, total)
        if done >= total:
            self._validation.remove()
            self._validation = None
            self._at = time.monotonic()
