"""The demonstration from its first second to its last page, whatever of it is there already."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import torch

from segdepth.config import Config, config_to_dict
from segdepth.config.splits import open_split
from segdepth.core.errors import DataError
from segdepth.core.files import write_json
from segdepth.core.locks import held
from segdepth.core.processes import usable_cores
from segdepth.core.reading import as_kind, read_json
from segdepth.core.side_by_side import Tell, side_by_side
from segdepth.evaluation import evaluate_baselines
from segdepth.networks import load_network
from segdepth.tasks import TASKS
from segdepth.training import Progress

from .course import Course, nothing_yet
from .explanations import explain_network
from .page import DemoPage, ExplorerPage, ScoreRows
from .pictures import ShownPictures
from .training import newest_run, run_name, train_or_go_on

__all__ = ["Finished", "finished_demo", "finished_scores", "run_demo"]

#: What a demonstration that came to its end leaves beside its page.
_FINISHED = "finished.json"


def run_demo(
    root: Path,
    configs: Mapping[str, Config],
    *,
    make_world: Callable[[], None],
    watchers: Mapping[str, Progress],
    show: Callable[[DemoPage], None],
    explore: Callable[["Finished"], ExplorerPage] | None = None,
    quick: bool = False,
) -> ScoreRows:
    """Make the world, train (or go on with, or take as finished) both runs side by side, score, explain.

    Args:
        root: the demonstration's folder.
        configs: by task.
        make_world: puts their data where it is expected, if it is not there.
        watchers: of the runs, by task.
        show: given the page now and then, from the first second on.
        explore: makes the page to move over, of the networks; None: there is none.
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
        tasks={name: nothing_yet(config) for name, config in configs.items()},
        now="making the world: a few hundred pictures of streets that do not exist",
    )
    with held(root):
        return _run_demo(root, configs, page, make_world, watchers, show, explore)


def _run_demo(
    root: Path,
    configs: Mapping[str, Config],
    page: DemoPage,
    make_world: Callable[[], None],
    watchers: Mapping[str, Progress],
    show: Callable[[DemoPage], None],
    explore: Callable[["Finished"], ExplorerPage] | None,
) -> ScoreRows:
    course = Course(root, configs, page)
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
        explorer = None
        if explore is not None:
            show(course.page(now="computing the maps to move over"))
            explorer = explore(_made(root, configs))
        page = replace(course.last_page(), explorer=explorer)
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
    kept = read_json(root / _FINISHED, "a record of a demonstration", default={})
    if kept.get("of") != _description(configs):
        return None
    scores: ScoreRows = as_kind(
        dict[str, dict[str, dict[str, float | None]]], kept.get("scores"), str(root / _FINISHED)
    )
    return scores


class Finished(NamedTuple):
    """What a demonstration left.

    Attributes:
        networks: folders of their runs.
        dataset: its world's name as a data set.
        world: where that is.
    """

    networks: list[Path]
    dataset: str
    world: Path


def _made(root: Path, configs: Mapping[str, Config]) -> Finished:
    """What is there now that both trainings are done."""
    runs = [run.path for config in configs.values() if (run := newest_run(root, config)) is not None]
    data = next(iter(configs.values())).data
    assert data.path is not None
    return Finished(runs, data.dataset, data.path)


def finished_demo(root: Path) -> Finished | None:
    """What a demonstration of whatever configurations left that came to its end in this folder; None: there was none."""
    try:
        configs = read_json(root / _FINISHED, "a record of a demonstration")["of"]["configs"]
        networks = [root / run_name(config["model"]["arch"], config["task"]) for config in configs.values()]
        data = next(iter(configs.values()))["data"]
        found = Finished(networks, data["dataset"], Path(data["path"]))
    except (DataError, AttributeError, KeyError, TypeError, StopIteration):  # not there, or no record of ours
        return None
    return found if all(path.is_dir() for path in (*found.networks, found.world)) else None


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


def _work(root: Path, configs: Mapping[str, Config], name: str, tell: Tell) -> None:
    """One task's part, in its own process."""
    config = configs[name]
    torch.set_num_threads(max(1, usable_cores() // len(configs)))
    training, validation = (open_split(config, split) for split in (config.data.train_split, config.data.val_split))
    tell("baselines", evaluate_baselines(training, validation, TASKS[config.task]))
    folder = train_or_go_on(root, config, _Teller(tell))
    tell("trained")
    tell("explained", explain_network(load_network(folder), ShownPictures(configs)))


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
