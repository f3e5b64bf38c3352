"""The main job in one go: a world, one network on both tasks, scores beside baselines, one pixel explained for both."""

import contextlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import yaml
from jaxtyping import UInt8
from numpy import ndarray

from segdepth.config import Config, check_config, config_to_dict
from segdepth.core.errors import ConfigError
from segdepth.core.files import write_json, write_text
from segdepth.core.locks import held
from segdepth.core.processes import usable_cores
from segdepth.core.provenance import provenance
from segdepth.core.side_by_side import Tell, side_by_side
from segdepth.data import Dataset
from segdepth.data.labels import CITYSCAPES
from segdepth.data.loading import resize_sample
from segdepth.data.sample import Sample
from segdepth.drawing import colour_depth, colour_labels, colour_saliency, mark_pixel
from segdepth.evaluation import evaluate_baselines
from segdepth.explaining.explanation import answer_text, explain
from segdepth.geometry.crops import crop_window
from segdepth.networks import Network, load_network, read_card
from segdepth.runs import RunFolder, newest_first, read_config, read_log
from segdepth.saliency import Explainer
from segdepth.saliency.measures import activation_distance, activation_ratio, normalise
from segdepth.tasks import TASKS
from segdepth.training import Progress, as_recorded, newest_whole_checkpoint, open_split, read_checkpoint, train

__all__ = [
    "DemoPage",
    "Example",
    "ExplainedPixel",
    "SaliencyRow",
    "ScoreRows",
    "TaskSoFar",
    "demo_configs",
    "demo_images",
    "finished_scores",
    "run_demo",
]

Picture = UInt8[ndarray, "h w 3"]

#: Shares of the largest value at which a pixel counts as used (SPEC, saliency statistics).
THRESHOLDS = (0.1, 0.5, 0.9)

#: Validation pictures on the page.
_SHOWN = 6

#: By task, then by the name of a network or a baseline.
ScoreRows = Mapping[str, Mapping[str, Mapping[str, float | None]]]

#: What a demonstration that came to its end leaves beside its page.
_FINISHED = "finished.json"

#: Seconds between two writings of the page, when there is something new and when only time has passed.
_SOON, _LATE = 8.0, 20.0


@dataclass(frozen=True)
class TaskSoFar:
    """How far one task's run is, and what it has given.

    Attributes:
        task: its name.
        columns: the scores to show, in order.
        best_score: the one that counts most.
        higher_is_better: about that one.
        total: updates of the whole run.
        step: updates done.
        scores: of the best checkpoint on the validation split; empty before the first validation.
        baselines: scores without looking at the picture, by the baseline's name; empty while they are not known.
        protocol: how the scores were taken.
        log: the run's JSON lines.
        config: the configuration, as YAML.
        folder: of the run; None before it has begun.
        parameters: number of weights; 0 while it is not known.
    """

    task: str
    columns: tuple[str, ...]
    best_score: str
    higher_is_better: bool
    total: int
    step: int = 0
    scores: Mapping[str, float | None] = field(default_factory=dict)
    baselines: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    protocol: Mapping[str, Any] = field(default_factory=dict)
    log: Sequence[Mapping[str, Any]] = ()
    config: str = ""
    folder: Path | None = None
    parameters: int = 0


@dataclass(frozen=True)
class Example:
    """A validation picture, the truth of both tasks and what the networks say (None: nothing yet), coloured."""

    name: str
    image: Picture
    pictures: Mapping[str, tuple[Picture, Picture | None]]  # task -> (truth, prediction)


@dataclass(frozen=True)
class ExplainedPixel:
    """The same pixel explained for both tasks.

    Attributes:
        name: of the picture.
        pixel: row, column.
        image: with the pixel marked.
        maps: task -> coloured map with the pixel marked.
        answers: task -> what the network says there, in words.
        truths: task -> what is there, in words.
    """

    name: str
    pixel: tuple[int, int]
    image: Picture
    maps: Mapping[str, Picture]
    answers: Mapping[str, str]
    truths: Mapping[str, str]


@dataclass(frozen=True)
class SaliencyRow:
    """One statistic of the maps, mean over pixels and pictures, by task."""

    statistic: str
    means: Mapping[str, float]


@dataclass(frozen=True)
class DemoPage:
    """Everything that the page shows, at any time of the demonstration.

    Attributes:
        arch: name of the network.
        size: of its input, rows and columns.
        quick: whether this is the short form, which says less.
        tasks: by name.
        state: "working", "done", or "stopped" by Ctrl-C or an error.
        now: what is going on, in a sentence.
        seconds_left: about; None while nobody can tell.
        examples: empty while the world is being made.
        explained: empty until both networks are trained, as the rest.
        statistics: of maps of many pixels.
        statistics_pixels: in each picture.
        statistics_images: pictures.
        written: time of day.
        provenance: of the demonstration.
    """

    arch: str
    size: tuple[int, int]
    quick: bool
    tasks: Mapping[str, TaskSoFar]
    state: Literal["working", "done", "stopped"] = "working"
    now: str = ""
    seconds_left: float | None = None
    class_names: Sequence[str] = CITYSCAPES.names
    class_colours: Sequence[tuple[int, int, int]] = CITYSCAPES.colours
    examples: Sequence[Example] = ()
    explained: Sequence[ExplainedPixel] = ()
    statistics: Sequence[SaliencyRow] = ()
    statistics_pixels: int = 0
    statistics_images: int = 0
    written: str = ""
    provenance: Mapping[str, Any] = field(default_factory=provenance)


def demo_images(*, quick: bool = False) -> int:
    """Training pictures of the demonstration's world; an eighth as many are for validation."""
    return 96 if quick else 400


@dataclass(frozen=True)
class _Plan:
    """What the two tasks' trainings differ in, and the short form's from the whole one's."""

    loss: Mapping[str, Any]
    batch_size: int
    lr: float
    updates: int
    quick_updates: int


#: Measured, with what was tried beside it: docs/log.md.
_PLANS = {
    "seg": _Plan({"name": "cross_entropy"}, batch_size=2, lr=3e-3, updates=1320, quick_updates=140),
    "depth": _Plan(
        {"name": "scale_invariant_loss", "lambda_weight": 0.0}, batch_size=4, lr=4e-3, updates=1260, quick_updates=100
    ),
}

#: Validations of a run, and of a quick one: answers to look at, every half minute or so.
_VALIDATIONS, _QUICK_VALIDATIONS = 6, 2


def demo_configs(world: Path, *, seed: int = 1337, quick: bool = False) -> dict[str, Config]:
    """The two configurations of the demonstration: one network, one world, a loss and a schedule for each task.

    Args:
        world: where its pictures are.
        seed: of first weights and order of pictures.
        quick: for a minute in all; the answers are worse.
    """
    configs = {}
    for task, plan in _PLANS.items():
        updates = plan.quick_updates if quick else plan.updates
        configs[task] = check_config(
            {
                "model": {"arch": "fcn", "width": 0.125},
                "task": task,
                "data": {
                    "dataset": "cityscapes",
                    "path": str(world),
                    "img_rows": 128,
                    "img_cols": 416,
                    "cache": str(world / "cache"),
                },
                "training": {
                    "train_iters": updates,
                    "batch_size": plan.batch_size,
                    "val_interval": updates // (_QUICK_VALIDATIONS if quick else _VALIDATIONS),
                    "checkpoint_interval": 100,
                    "n_workers": 0,  # the two trainings beside each other fill two cores
                    "print_interval": max(1, updates // 30),
                    "loss": dict(plan.loss),
                    "optimizer": {"name": "adamw", "lr": plan.lr, "weight_decay": 1e-4},
                    "augmentations": {"hflip": 0.5},
                    "lr_schedule": {"name": "poly_lr", "warmup_iters": 50},
                },
                "seed": seed,
            }
        )
    return configs


def run_demo(
    root: Path,
    configs: Mapping[str, Config],
    *,
    make_world: Callable[[], None],
    watchers: Mapping[str, Progress],
    show: Callable[[DemoPage], None],
    quick: bool = False,
) -> ScoreRows:
    """Make the world, train (or go on with, or take as finished) both runs side by side, score, explain.

    Args:
        root: the demonstration's folder.
        configs: by task.
        make_world: puts their data where it is expected, if it is not there.
        watchers: of the runs, by task.
        show: given the page now and then, from the first second on.
        quick: said on the page.

    Returns:
        The scores of networks and baselines, also kept for :func:`finished_scores`.

    Raises:
        BusyError: if another process makes it in this folder.
    """
    show = _Stamped(show)
    any_config = next(iter(configs.values()))
    page = DemoPage(
        arch=any_config.model.arch,
        size=(any_config.data.img_rows, any_config.data.img_cols),
        quick=quick,
        tasks={name: _nothing_yet(config) for name, config in configs.items()},
        now="making the world: a few hundred pictures of streets that do not exist",
    )
    with held(root):
        return _run_demo(root, configs, page, make_world, watchers, show)


def _run_demo(
    root: Path,
    configs: Mapping[str, Config],
    page: DemoPage,
    make_world: Callable[[], None],
    watchers: Mapping[str, Progress],
    show: Callable[[DemoPage], None],
) -> ScoreRows:
    course = _Course(root, configs, page)
    try:
        show(page)
        make_world()
        course.open_world()
        show(course.page(now="starting two trainings"))
        jobs = {name: partial(_work, root, dict(configs), name) for name in configs}
        with contextlib.closing(side_by_side(jobs)) as all_news:  # ended here, whatever happens in the loop
            for news in all_news:
                if news is not None:
                    course.hear(*news, watchers)
                if course.is_due():
                    show(course.page())
        page = course.last_page()
        show(page)
        scores = {
            name: {page.arch: task.scores, **{f"{base} baseline": s for base, s in task.baselines.items()}}
            for name, task in page.tasks.items()
        }
        _keep_scores(root, configs, scores)
        return scores
    except BaseException as error:
        asked = isinstance(error, KeyboardInterrupt)
        with contextlib.suppress(Exception):  # the first error is the one to tell
            show(replace(course.page(), state="stopped", seconds_left=None,
                         now="interrupted" if asked else str(error)))  # fmt: skip
        raise


def _keep_scores(root: Path, configs: Mapping[str, Config], scores: ScoreRows) -> None:
    write_json(root / _FINISHED, {"of": _description(configs), "scores": scores})


def finished_scores(root: Path, configs: Mapping[str, Config]) -> ScoreRows | None:
    """The scores of a demonstration of these configurations that came to its end in this folder; None: there was none."""
    try:
        kept = json.loads((root / _FINISHED).read_text())
        return kept["scores"] if kept["of"] == _description(configs) else None
    except (OSError, ValueError, KeyError, TypeError):  # not there, or no record of ours
        return None


def _description(configs: Mapping[str, Config]) -> dict[str, Any]:
    return {
        "segdepth": version("segdepth"),
        "configs": {name: config_to_dict(config) for name, config in configs.items()},
    }


class _Stamped:
    """Writes the time of day on pages."""

    def __init__(self, show: Callable[[DemoPage], None]) -> None:
        self._show = show

    def __call__(self, page: DemoPage) -> None:
        self._show(replace(page, written=f"{datetime.now():%H:%M:%S}"))


def _nothing_yet(config: Config) -> TaskSoFar:
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


class _Course:
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
        self._explanations: dict[str, _Explanations] = {}
        self._answers: dict[str, _Answers] = {}
        self._news, self._written = False, time.monotonic()

    def open_world(self) -> None:
        """Show pictures from now on."""
        self._datasets = {name: open_split(config, config.data.val_split) for name, config in self._configs.items()}
        self._shown = _shown(next(iter(self._datasets.values())))

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
                _explained(self._datasets, index, size, pixel, {name: pixels[k] for name, pixels in explained.items()})
                for k, (index, pixel) in enumerate(_pixels(self._datasets, self._shown, size))
            ],
            statistics=[
                SaliencyRow(title, {name: means[title] for name, means in statistics.items()})
                for title in statistics[any_task]
            ],
            statistics_pixels=len(_grid(size)),
            statistics_images=len(self._shown),
        )

    def _task(self, name: str) -> TaskSoFar:
        so_far = replace(self._page.tasks[name], step=self._steps.get(name, 0), baselines=self._baselines.get(name, {}))
        folder = _newest_run(self._root / _run_name(self._configs[name]), self._configs[name])
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
                {index: _paint(name, net.predict(self._both(index).image)) for index in self._shown},
            )
        card = read_card(weights)
        return replace(so_far, scores=card.scores, protocol=card.protocol, parameters=self._answers[name].parameters)

    def _both(self, index: int) -> Sample:
        return _both(self._datasets, index, self._page.size)

    def _example(self, index: int) -> Example:
        sample = self._both(index)
        pictures = {
            name: (_paint(name, truth), self._answers[name].pictures[index] if name in self._answers else None)
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


#: Seconds, about, for the explanations.
_EXPLAINING = 15.0


def _work(root: Path, configs: Mapping[str, Config], name: str, tell: Tell) -> None:
    """One task's part, in its own process."""
    config = configs[name]
    torch.set_num_threads(max(1, usable_cores() // len(configs)))
    training, validation = (open_split(config, split) for split in (config.data.train_split, config.data.val_split))
    tell("baselines", evaluate_baselines(training, validation, TASKS[config.task]))
    folder = _train_or_go_on(root, config, _Teller(tell))
    tell("trained")
    datasets = {task: open_split(other, other.data.val_split) for task, other in configs.items()}
    tell("explained", _explain(load_network(folder), datasets, (config.data.img_rows, config.data.img_cols)))


class _Teller:
    """Watches a run for the process that listens."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell

    def start(self, step: int, total: int) -> None:
        self._tell("start", step, total)

    def step(self, step: int, loss: float | None, rate: float) -> None:
        self._tell("step", step, loss, rate)

    def validating(self, done: int, total: int) -> None:
        self._tell("validating", done, total)


def _run_name(config: Config) -> str:
    return f"{config.model.arch}_{config.task}"


def _newest_run(folder: Path, config: Config) -> RunFolder | None:
    """The newest run of this very configuration."""
    wanted = config_to_dict(config)
    for run in newest_first(folder):
        with contextlib.suppress(ConfigError, OSError, KeyError, TypeError):  # of something else, or broken
            record = _without_resume(read_config(run))
            if record == as_recorded(wanted, record):
                return run
    return None


def _train_or_go_on(root: Path, config: Config, progress: Progress) -> Path:
    """The folder of a finished run of this very configuration; one that was interrupted goes on where it stopped."""
    name = _run_name(config)
    run = _newest_run(root / name, config)
    last = None if run is None else newest_whole_checkpoint(run.path)
    if run is None or last is None:
        write_text(root / f"{name}.yml", yaml.safe_dump(config_to_dict(config), sort_keys=False))
        return train(config, name=name, root=root, progress=progress).folder
    if read_checkpoint(last)[0].step < config.training.train_iters:
        resumed = config.model_copy(update={"training": config.training.model_copy(update={"resume": run.path})})
        train(resumed, name=name, root=root, progress=progress)
    return run.path


def _without_resume(values: dict[str, Any]) -> dict[str, Any]:
    """A saved configuration as it was before the run was gone on with."""
    return values | {"training": values["training"] | {"resume": None}}


def _shown(dataset: Dataset) -> list[int]:
    return [int(k) for k in np.linspace(0, len(dataset) - 1, _SHOWN)]


def _paint(task: str, answer: ndarray) -> Picture:
    """Colours of one scale for truth and answers."""
    near, far = 3.0, 50.0
    return colour_labels(answer, CITYSCAPES.colours) if task == "seg" else colour_depth(answer, near, far)


def _both(datasets: Mapping[str, Dataset], index: int, size: tuple[int, int]) -> Sample:
    """Picture, labels and depth of one frame at the network's size."""
    seg, depth = (resize_sample(datasets[name][index], size) for name in ("seg", "depth"))
    return Sample(seg.image, seg.name, {**seg.truths, **depth.truths})


#: Classes whose pixels are explained, one picture each: where there is none, the next class's.
_KINDS = ("car", "road", "building", "vegetation", "sidewalk", "person")


def _pixels(
    datasets: Mapping[str, Dataset], shown: Sequence[int], size: tuple[int, int]
) -> list[tuple[int, tuple[int, int]]]:
    """The pixels to explain: number of the picture, and row and column."""
    names = CITYSCAPES.names
    return [
        (index, _central_pixel(_both(datasets, index, size), [names.index(kind), *range(len(names))]))
        for index, kind in zip(shown, _KINDS, strict=False)
    ]


@dataclass(frozen=True)
class _Explanations:
    """One network's: each pixel's map, coloured, and answer in words; means of the statistics, by title."""

    pixels: Sequence[tuple[Picture, str]]
    statistics: Mapping[str, float]


def _explain(net: Network, datasets: Mapping[str, Dataset], size: tuple[int, int]) -> _Explanations:
    shown = _shown(datasets["seg"])
    pixels = []
    for index, pixel in _pixels(datasets, shown, size):
        e = explain(net, _both(datasets, index, size).image, pixel)
        pixels.append((mark_pixel(colour_saliency(e.saliency), *pixel), answer_text(net, e.answer, pixel)))
    return _Explanations(pixels, _statistics(net, datasets["seg"], shown, size))


def _explained(
    datasets: Mapping[str, Dataset],
    index: int,
    size: tuple[int, int],
    pixel: tuple[int, int],
    by_task: Mapping[str, tuple[Picture, str]],
) -> ExplainedPixel:
    sample = _both(datasets, index, size)
    labels, depth = sample.truth("labels"), sample.truth("depth")
    return ExplainedPixel(
        name=sample.name,
        pixel=pixel,
        image=mark_pixel(sample.image, *pixel),
        maps={name: picture for name, (picture, _) in by_task.items()},
        answers={name: text for name, (_, text) in by_task.items()},
        truths={"seg": CITYSCAPES.names[int(labels[pixel])], "depth": f"{depth[pixel]:.2f} m"},
    )


def _central_pixel(sample: Sample, preferred: Sequence[int]) -> tuple[int, int]:
    """The pixel of the first preferred class (that has depth) nearest to the middle of its pixels' positions."""
    labels, depth = sample.truth("labels"), sample.truth("depth")
    for train_id in preferred:
        places = np.argwhere((labels == train_id) & (depth > 0))
        if len(places) >= 60:
            centre = np.median(places, axis=0)
            row, col = places[np.square(places - centre).sum(1).argmin()]
            return int(row), int(col)
    raise AssertionError("a street without a single measured and labelled surface")


def _grid(size: tuple[int, int]) -> list[tuple[int, int]]:
    """The pixels of the statistics."""
    rows, cols = crop_window("garg", *size)
    return [(r, c) for r in range(rows.start + 12, rows.stop, 24) for c in range(cols.start + 24, cols.stop, 64)]


def _statistics(net: Network, dataset: Dataset, indices: Sequence[int], size: tuple[int, int]) -> dict[str, float]:
    """Activation distance and ratio of a grid of pixels on some pictures: the mission's question, in small."""
    rows, cols = crop_window("garg", *size)
    pixels = _grid(size)
    shifted = torch.tensor([(r - rows.start, c - cols.start) for r, c in pixels])
    explainer = Explainer(net)
    distances, ratios = [], []
    for index in indices:
        image = resize_sample(dataset[index], size, image_only=True).image
        x = net.preprocessing(torch.from_numpy(image).permute(2, 0, 1)[None])[0]
        maps = normalise(explainer.at(x, crop=(rows, cols)).maps(pixels))
        distances.append(activation_distance(maps, shifted, THRESHOLDS))
        ratios.append(activation_ratio(maps, THRESHOLDS))
    return {
        f"{title} at {t}": mean
        for title, values in (("activation distance", distances), ("activation ratio", ratios))
        for t, mean in zip(THRESHOLDS, torch.cat(values).mean(0).tolist(), strict=True)
    }
