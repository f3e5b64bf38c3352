"""What is known of the demonstration as it goes on, and when the page should say it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from segdepth.config import Config, config_to_dict
from segdepth.networks import load_network, read_card
from segdepth.runs import read_log
from segdepth.tasks import TASKS
from segdepth.training import Progress

from .explanations import Explanations, explained_pixel, grid, pixels_to_explain
from .page import DemoPage, Example, Picture, SaliencyRow, TaskSoFar
from .pictures import ShownPictures
from .training import newest_run

__all__ = ["Course", "nothing_yet"]

#: Seconds between two writings of the page, when there is something new and when only time has passed.
_SOON, _LATE = 8.0, 20.0

#: Seconds, about, for the explanations.
_EXPLAINING = 15.0


def nothing_yet(config: Config) -> TaskSoFar:
    """A task of which only the configuration is known."""
    record = yaml.safe_dump(config_to_dict(config), sort_keys=False)
    return TaskSoFar(TASKS[config.task].facts, config.training.train_iters, config=record)


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
        self._pictures: ShownPictures | None = None
        self._baselines: dict[str, Mapping[str, Mapping[str, float | None]]] = {}
        self._started: dict[str, tuple[int, float]] = {}  # step and time
        self._steps: dict[str, int] = {}
        self._trained: set[str] = set()
        self._explanations: dict[str, Explanations] = {}
        self._answers: dict[str, _Answers] = {}
        self._news, self._written = False, time.monotonic()

    def open_world(self) -> None:
        """Show pictures from now on."""
        self._pictures = ShownPictures(self._configs)

    def hear(self, name: str, topic: str, values: tuple[Any, ...], watchers: Mapping[str, Progress]) -> None:
        """Take note of what the process of a task tells."""
        if topic == "baselines":
            (self._baselines[name],) = values
        elif topic == "trained":
            self._trained.add(name)
        elif topic == "explained":
            (self._explanations[name],) = values
        else:
            if topic == "start":
                self._started[name] = (values[0], time.monotonic())
            if topic in {"start", "step"}:
                self._steps[name] = values[0]
            getattr(watchers[name], topic)(*values)
        validated = topic == "validating" and values[0] >= values[1]
        self._news = self._news or validated or topic in {"baselines", "trained", "explained"}

    def is_due(self) -> bool:
        """Whether to write the page."""
        return time.monotonic() - self._written > (_SOON if self._news else _LATE)

    def page(self, now: str | None = None) -> DemoPage:
        """As it is now."""
        pictures = self._pictures
        if pictures is None:
            return self._page
        tasks = {name: self._task(name, pictures) for name in self._configs}
        examples = [self._example(number, pictures) for number in pictures.numbers]
        self._news, self._written = False, time.monotonic()
        return replace(
            self._page, tasks=tasks, examples=examples, legend=pictures.legend, now=now or self._now(),
            seconds_left=self._seconds_left(),
        )  # fmt: skip

    def last_page(self) -> DemoPage:
        """With everything on it."""
        assert self._pictures is not None
        pictures = self._pictures
        explanations = {name: self._explanations[name] for name in self._configs}  # not as they came
        statistics = {name: e.statistics for name, e in explanations.items()}
        any_task = next(iter(explanations))
        return replace(
            self.page(now="done"),
            state="done",
            seconds_left=None,
            explained=[
                explained_pixel(pictures, number, pixel, {name: e.pixels[k] for name, e in explanations.items()})
                for k, (number, pixel) in enumerate(pixels_to_explain(pictures))
            ],
            statistics=[
                SaliencyRow(title, {name: means[title] for name, means in statistics.items()})
                for title in statistics[any_task]
            ],
            statistics_pixels=len(grid(pictures.size)),
            statistics_images=len(pictures.numbers),
        )

    def _task(self, name: str, pictures: ShownPictures) -> TaskSoFar:
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
                {number: pictures.paint(name, net.predict(pictures[number].image)) for number in pictures.numbers},
            )
        card = read_card(weights)
        return replace(so_far, scores=card.scores, protocol=card.protocol, parameters=self._answers[name].parameters)

    def _example(self, number: int, pictures: ShownPictures) -> Example:
        sample = pictures[number]
        drawn = {
            name: (
                pictures.paint(name, sample.truths[kind.name]),
                self._answers[name].pictures[number] if name in self._answers else None,
            )
            for name, kind in pictures.kinds.items()
            if kind.name in sample.truths
        }
        return Example(sample.name, sample.image, drawn)

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
