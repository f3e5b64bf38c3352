"""The published cells, trained and scored: which can be (their data are there), which are done, and what they gave.

A cell is done once its scores are in ``results.json``. Interrupted anywhere, the same call goes on: scored cells stay, a run
that was begun with this configuration goes on, and every file is written whole or not at all.
"""

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import torch

from segdepth.config import Config, config_to_dict, load_config
from segdepth.config.splits import open_split
from segdepth.core.errors import ConfigError, DataError, SegdepthError, reason
from segdepth.core.files import write_json, write_text
from segdepth.core.provenance import provenance
from segdepth.core.tables import did_you_mean
from segdepth.data import Dataset, open_dataset
from segdepth.evaluation import PROTOCOLS, Evaluation, NetworkAnswers, score
from segdepth.networks import load_network
from segdepth.runs import RunFolder, newest_first, read_config
from segdepth.tasks import TASKS
from segdepth.training import Progress, as_recorded, newest_whole_checkpoint, train

from .published import (
    CITYSCAPES_DEPTH,
    CITYSCAPES_SEG,
    KITTI_DEPTH,
    KITTI_SEG,
    PUBLISHED,
    Kind,
    Published,
    cell_name,
)
from .table import Row, to_markdown

__all__ = ["DATA", "Cell", "Results", "choose", "plan", "rows", "score_cell", "train_cell"]

log = logging.getLogger(__name__)

#: What has to be on disk, by the name that the command line uses -> where it is looked for by default.
DATA: Mapping[str, Path] = {
    "cityscapes": Path("data/cityscapes"),
    "kitti_semantics": Path("data/kitti_semantics"),
    "kitti_depth": Path("data/kitti_depth"),
    "kitti_raw": Path("data/kitti_raw"),
}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where cells of a kind learn and are scored: names in :data:`DATA`, data set and split.

    Attributes:
        training: the data to learn from.
        scored: the data to score on.
        dataset: how the latter are read.
        split: of them.
        files: that the published scores are of.
        protocol: a named one; None for the data set's own.
    """

    training: str
    scored: str
    dataset: str
    split: str
    files: int
    protocol: str | None = None

    @property
    def words(self) -> str:
        """How cells are scored here, in short."""
        return self.protocol or f"{self.scored} {self.split}"


_EIGEN = "eigen-raw-garg"
_PLACES = {
    CITYSCAPES_SEG: _Place("cityscapes", "cityscapes", "cityscapes", "val", 500),
    KITTI_SEG: _Place("kitti_semantics", "kitti_semantics", "kitti", "val", 40),
    KITTI_DEPTH: _Place("kitti_depth", "kitti_raw", "kitti_eigen", "test", 697, _EIGEN),
    CITYSCAPES_DEPTH: _Place("cityscapes", "cityscapes", "cityscapes", "test", 1525),
}

#: Cells of a kind with few pictures -> the kind to start from, as most of the published runs did.
_STARTS = {KITTI_SEG: CITYSCAPES_SEG}

#: What a run may differ in and still be the same experiment: where things are, and how the work is cut.
_FREE = ("data.path", "data.cache", "training.resume", "training.init_from", "training.n_workers", "training.wandb",
         "training.print_interval", "training.checkpoint_interval", "training.keep_checkpoints", "testing")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cell:
    """One published result, and what it takes to have it here.

    Attributes:
        published: the result.
        config: to train with.
        scored_path: folder of the data to score on.
        scored_options: of that data set.
        missing: why it cannot be had here; None if it can.
    """

    published: Published
    config: Config
    scored_path: Path
    scored_options: Mapping[str, Any] = field(default_factory=dict)
    missing: str | None = None

    @property
    def name(self) -> str:
        """``<network>_<data>_<task>``."""
        return self.published.name

    @property
    def kind(self) -> Kind:
        """Data and task."""
        return self.published.kind

    @property
    def protocol(self) -> str:
        """How it is scored, in a few words."""
        return _PLACES[self.kind].words

    def scored_set(self) -> Dataset:
        """The data to score on.

        Raises:
            DataError: if they are not there.
        """
        place = _PLACES[self.kind]
        return open_dataset(
            place.dataset, path=self.scored_path, split=place.split, target=TASKS[self.config.task].target,
            **self.scored_options,
        )  # fmt: skip


def choose(patterns: Sequence[str] = ()) -> list[str]:
    """The cells whose names fit any of the globs; all if there are none. Cells that others start from come first.

    Raises:
        ConfigError: if a pattern fits nothing.
    """
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in PUBLISHED):
            raise ConfigError(f"--only: no cell fits {pattern!r} {did_you_mean(pattern, PUBLISHED)}")
    return [name for name in PUBLISHED if not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)]


def plan(
    names: Iterable[str],
    *,
    configs: Path,
    data: Mapping[str, Path],
    overrides: Sequence[str] = (),
    eigen_options: Mapping[str, Any] | None = None,
) -> list[Cell]:
    """The cells with their configurations, and whether their data are there.

    Args:
        names: of the cells.
        configs: folder of the configurations, one a cell.
        data: paths over those of :data:`DATA`.
        overrides: over the values of every configuration.
        eigen_options: of the data set ``kitti_eigen``: another list of files, or leave to score what is there.

    Raises:
        ConfigError: if a configuration is missing or wrong, or there is no such data.
    """
    for name in data:
        if name not in DATA:
            raise ConfigError(f"--data: no data named {name!r} {did_you_mean(name, DATA)}")
    paths = {**DATA, **data}
    found: dict[Kind, str | None] = {}  # the cells of a kind read the same data
    cells = []
    for name in names:
        published = PUBLISHED[name]
        place = _PLACES[published.kind]
        path = f"data.path={json.dumps(str(paths[place.training]))}"
        options = dict(eigen_options or {}) if place.dataset == "kitti_eigen" else {}
        config = load_config(configs / f"{name}.yml", [path, *overrides])
        cell = Cell(published, config, paths[place.scored], options)
        if cell.kind not in found:
            found[cell.kind] = _missing(cell, place, paths)
        cells.append(replace(cell, missing=found[cell.kind]))
    return cells


def _missing(cell: Cell, place: _Place, paths: Mapping[str, Path]) -> str | None:
    """Why a cell's data cannot be used: a folder that is not there, or what its reader says."""
    absent = [name for name in dict.fromkeys((place.training, place.scored)) if not paths[name].is_dir()]
    if absent:
        return ", ".join(f"no {name}: looked for {paths[name]}" for name in absent)
    try:
        for split in (cell.config.data.train_split, cell.config.data.val_split):
            open_split(cell.config, split)
        cell.scored_set()
    except DataError as error:
        return str(error)
    return None


class Results:
    """The scores so far, in ``results.json``, and a table of them in ``results.md``.

    Args:
        folder: of both files.

    Raises:
        DataError: if the file that is there is none of ours.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = folder / "results.json"
        self.records: dict[str, dict[str, Any]] = {}
        if self._file.exists():
            try:
                self.records = json.loads(self._file.read_text())["cells"]
            except (ValueError, KeyError, TypeError) as error:
                raise DataError(f"{self._file} holds no results ({reason(error)}); move it away") from None

    def write(self, name: str, record: Mapping[str, Any]) -> None:
        """Add or replace a cell's scores."""
        self.records[name] = dict(record)
        write_json(self._file, {"cells": self.records})
        write_text(self.folder / "results.md", to_markdown(rows(self.records)))

    def is_done(self, cell: Cell, runs: Path) -> bool:
        """Whether the scores of a cell are those of its newest run, with this configuration and this protocol."""
        record = self.records.get(cell.name, {})
        if record.get("scored_options") != dict(cell.scored_options):
            return False
        run = _begun(cell, runs)
        return run is not None and record.get("run") == str(run) and run.best.is_file()


def _begun(cell: Cell, runs: Path) -> RunFolder | None:
    """The newest run of a cell, if it is of this configuration."""
    run = next((run for run in newest_first(runs / cell.name) if run.config.is_file()), None)
    if run is None:
        return None
    stored = read_config(run)
    return run if _fixed(stored) == _fixed(as_recorded(config_to_dict(cell.config), stored)) else None


def _fixed(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The values that make a run this experiment and no other, by dotted key."""
    values: dict[str, Any] = {}
    for key, value in config.items():
        name = f"{prefix}{key}"
        if name in _FREE:
            continue
        if isinstance(value, Mapping):
            values |= _fixed(value, f"{name}.")
        else:
            values[name] = value
    return values


def train_cell(
    cell: Cell, results: Results, runs: Path, *, device: torch.device, progress: Progress | None = None
) -> Path:
    """Train a cell, or go on with its run; nothing is left to train where that was finished.

    Args:
        cell: whose data are there.
        results: that may hold a cell to start from.
        runs: folder of all runs.
        device: to work on.
        progress: who watches.

    Returns:
        The run's folder.

    Raises:
        SegdepthError: if it cannot be trained.
    """
    config = _with_start(cell, results, runs)
    try:
        return train(config, name=cell.name, root=runs, accelerator=device.type, progress=progress).folder
    except torch.OutOfMemoryError:
        raise SegdepthError("out of memory; try training.accumulation=2, or a larger device") from None


def score_cell(
    cell: Cell, run: Path, results: Results, *, device: torch.device, progress: Callable[[int, int], None] | None = None
) -> None:
    """Score a cell's run and write the scores down.

    Args:
        cell: whose data are there.
        run: its folder.
        results: to add to.
        device: to work on.
        progress: called with (pictures scored, pictures in all).
    """
    evaluation = _score(cell, run, device, progress)
    results.write(
        cell.name,
        {
            "run": str(run),
            "scores": evaluation.scores,
            "published": dict(cell.published.scores),
            "protocol": evaluation.protocol,
            "scored_options": dict(cell.scored_options),
            "started_from": _started_from(run),
            "provenance": provenance(cell.config.seed),
        },
    )


def _with_start(cell: Cell, results: Results, runs: Path) -> Config:
    """The configuration that goes on with the cell's run, or begins a new one."""
    begun = _begun(cell, runs)
    checkpoint = newest_whole_checkpoint(begun.path) if begun else None
    if begun and checkpoint:
        weights = read_config(begun)["training"]["init_from"]  # goes on as it began
    else:
        weights = _start(cell, results) or cell.config.training.init_from
    update = {"resume": checkpoint, "init_from": weights and Path(weights)}
    return cell.config.model_copy(update={"training": cell.config.training.model_copy(update=update)})


def _start(cell: Cell, results: Results) -> Path | None:
    """The weights to start from: those of the same network's cell with more pictures, once it is done."""
    kind = _STARTS.get(cell.kind)
    record = results.records.get(cell_name(cell.published.network, kind), {}) if kind else {}
    weights = RunFolder(Path(record["run"])).best if "run" in record else None
    return weights if weights is not None and weights.is_file() else None


def _started_from(run: Path) -> str:
    config = read_config(RunFolder(run))
    weights = config["training"]["init_from"]
    return str(weights or ("ImageNet" if config["model"]["pretrained"] else "random weights"))


def _score(cell: Cell, run: Path, device: torch.device, progress: Callable[[int, int], None] | None) -> Evaluation:
    net, task, settings = load_network(run, device), TASKS[cell.config.task], cell.config.training
    answers = NetworkAnswers(
        net, cell.scored_set(), task, size=(cell.config.data.img_rows, cell.config.data.img_cols),
        batch_size=settings.batch_size, n_workers=settings.n_workers, progress=progress,
    )  # fmt: skip
    protocol = _PLACES[cell.kind].protocol
    (evaluation,) = score(answers, {protocol: PROTOCOLS[protocol].scores} if protocol else None).values()
    return evaluation


def rows(records: Mapping[str, Mapping[str, Any]]) -> list[Row]:
    """One row for each published score of the cells that are done, in the order of the published table."""
    return [
        _row(cell, score_name, records[name])
        for name, cell in PUBLISHED.items()
        if name in records
        for score_name in cell.scores
    ]


def _row(cell: Published, score_name: str, record: Mapping[str, Any]) -> Row:
    place, published = _PLACES[cell.kind], cell.scores[score_name]
    ours, files = record["scores"].get(score_name), record["protocol"]["files_scored"]
    larger = score_name in ("mIoU", "a1", "a2", "a3")
    whole = files == place.files
    better = (ours >= published if larger else ours <= published) if whole and ours is not None else None
    protocol = f"{place.words}, {files} of {place.files} files" + ("" if whole else ": not comparable")
    return Row(cell.name, score_name, published, ours, better, protocol)
