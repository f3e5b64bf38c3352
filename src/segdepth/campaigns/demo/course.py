"""What is known of the demonstration as it goes on, and when the page should say it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from segdepth.config import Config, config_to_dict
from segdepth.config.splits import open_split
from segdepth.data import Dataset
from segdepth.data.sample import Sample
from segdepth.networks import load_network, read_card
from segdepth.runs import read_log
from segdepth.tasks import TASKS
from segdepth.training import Progress

from .explanations import Explanations, explained_pixel, grid, pixels_to_explain
from .page import DemoPage, Example, Picture, SaliencyRow, TaskSoFar
from .pictures import both_truths, paint, shown_pictures
from .training import newest_run

__all__ = ["Course", "nothing_yet"]

#: Seconds between two writings of the page, when there is something new and when only time has passed.
_SOON, _LATE = 8.0, 20.0

#: Seconds, about, for the explanations.
_EXPLAINING = 15.0


def nothing_yet(config: Config) -> TaskSoFar:
    """A task of which only the configuration is known."""
    task = TASKS[config.task]
    return TaskSoFar(
        task.name, task.table_scores, task.best_score, task.higher_is_better, config.training.train_iters,
        config=yaml.safe_dump(config_to_dict(config), sort_keys=False),
    )  # fmt: skip


@dataclass(frozen=True)
class _Answers:
    """Of the weights that were written at a time: their number, and the coloured answers to the pictures shown."""

    changed: int
    parameters: int
    pictures: Mapping[int, Picture]


class Course:
    """What is known of the demonstration as it goes on.

    Args:
        root: its folder.
        configs: by task.
        page: the first one.
    """

    def __init__(self, root: Path, configs: Mapping[str, Config], page: DemoPage) -> None:
        self._root = root
        self._configs = configs
        self._page = page
        self._datasets: dict[str, Dataset] = {}
        self._shown: list[int] = []
        self._baselines: dict[str, Mapping[str, Mapping[str, float | None]]] = {}
        self._started: dict[str, tuple[int, float]] = {}  # step and time
        self._steps: dict[str, int] = {}
        self._trained: set[str] = set()
        self._explanations: dict[str, Explanations] = {}
        self._answers: dict[str, _Answers] = {}
        self._news, self._written = False, time.monotonic()

    def open_world(self) -> None:
        """Show pictures from now on."""
        self._datasets = {name: open_split(config, config.data.val_split) for name, config in self._configs.items()}
        self._shown = shown_pictures(next(iter(self._datasets.values())))

    def hear(self, name: str, kind: str, values: tuple[Any, ...], watchers: Mapping[str, Progress]) -> None:
        """Take note of what the process of a task tells."""
        if kind == "baselines":
            (self._baselines[name],) = values
        elif kind == "trained":
            self._trained.add(name)
        elif kind == "explained":
            (self._explanations[name],) = values
        else:
            if kind == "start":
                self._started[name] = (values[0], time.monotonic())
            if kind in {"start", "step"}:
                self._steps[name] = values[0]
            getattr(watchers[name], kind)(*values)
        validated = kind == "validating" and values[0] >= values[1]
        self._news = self._news or validated or kind in {"baselines", "trained", "explained"}

    def is_due(self) -> bool:
        """Whether to write the page."""
        return time.monotonic() - self._written > (_SOON if self._news else _LATE)

    def page(self, now: str | None = None) -> DemoPage:
        """As it is now."""
        if not self._datasets:
            return self._page
        tasks = {name: self._task(name) for name in self._configs}
        examples = [self._example(index) for index in self._shown]
        self._news, self._written = False, time.monotonic()
        return replace(
            self._page, tasks=tasks, examples=examples, now=now or self._now(), seconds_left=self._seconds_left()
        )

    def last_page(self) -> DemoPage:
        """With everything on it."""
        explained = {name: e.pixels for name, e in self._explanations.items()}
        statistics = {name: e.statistics for name, e in self._explanations.items()}
        size, any_task = self._page.size, next(iter(explained))
        return replace(
            self.page(now="done"),
            state="done",
            seconds_left=None,
            explained=[
                explained_pixel(
                    self._datasets, index, size, pixel, {name: pixels[k] for name, pixels in explained.items()}
                )
                for k, (index, pixel) in enumerate(pixels_to_explain(self._datasets, self._shown, size))
            ],
            statistics=[
                SaliencyRow(title, {name: means[title] for name, means in statistics.items()})
                for title in statistics[any_task]
            ],
            statistics_pixels=len(grid(size)),
            statistics_images=len(self._shown),
        )

    def _task(self, name: str) -> TaskSoFar:
        so_far = replace(self._page.tasks[name], step=self._steps.get(name, 0), baselines=self._baselines.get(name, {}))
        folder = newest_run(self._root, self._configs[name])
        if folder is None:
            return so_far
        so_far = replace(so_far, folder=folder.path, log=read_log(folder))
        if not (weights := folder.best).is_file():
            return so_far
        changed = weights.stat().st_mtime_ns
        if name not in self._answers or self._answers[name].changed != changed:
            net = load_network(weights)
            self._answers[name] = _Answers(
                changed,
                sum(p.numel() for p in net.parameters()),
                {index: paint(name, net.predict(self._both(index).image)) for index in self._shown},
            )
        card = read_card(weights)
        return replace(so_far, scores=card.scores, protocol=card.protocol, parameters=self._answers[name].parameters)

    def _both(self, index: int) -> Sample:
        return both_truths(self._datasets, index, self._page.size)

    def _example(self, index: int) -> Example:
        sample = self._both(index)
        pictures = {
            name: (paint(name, truth), self._answers[name].pictures[index] if name in self._answers else None)
            for name, truth in (("seg", sample.truths.get("labels")), ("depth", sample.truths.get("depth")))
            if truth is not None
        }
        return Example(sample.name, sample.image, pictures)

    def _now(self) -> str:
        if len(self._trained) == len(self._configs):
            return "explaining pixels"
        return "training both networks, side by side" if self._steps else "starting two trainings"

    def _seconds_left(self) -> float | None:
        left = []
        for name, (first, since) in self._started.items():
            step = self._steps[name]
            if name not in self._trained and step == first:
                return None
            rest = (self._page.tasks[name].total - step) / max(1, step - first) * (time.monotonic() - since)
            left.append(0.0 if name in self._explanations else rest * (name not in self._trained) + _EXPLAINING)
        return max(left, default=None)
