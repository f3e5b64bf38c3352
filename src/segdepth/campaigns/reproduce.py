"""The published cells, trained and scored: which are done, and what they gave.

A cell is done once its scores are in ``results.json``. Interrupted anywhere, the same call goes on: scored cells stay, a run
that was begun with this configuration goes on, and every file is written whole or not at all.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from segdepth.config import Config, config_to_dict
from segdepth.core.errors import SegdepthError
from segdepth.core.files import write_json, write_text
from segdepth.core.provenance import provenance
from segdepth.core.reading import as_kind, read_json
from segdepth.evaluation import PROTOCOLS, Evaluation, NetworkAnswers, score
from segdepth.executing import Job, Place
from segdepth.networks import device_of, load_network
from segdepth.runs import RunFolder, newest_first, read_config
from segdepth.tasks import TASKS
from segdepth.training import Progress, as_recorded, newest_whole_checkpoint, train

from .cells import PLACES, Cell
from .published import CITYSCAPES_SEG, KITTI_SEG, PUBLISHED, Published, cell_name
from .table import Row, to_markdown

__all__ = ["RESULTS", "CellJob", "Results", "Worked", "rows", "score_cell", "share_out", "train_cell"]

log = logging.getLogger(__name__)

#: Cells of a problem with few pictures -> the problem to start from, as most of the published runs did.
_STARTS = {KITTI_SEG: CITYSCAPES_SEG}

#: Folder of the results, among the runs.
RESULTS = "reproduce"

#: What a run may differ in and still be the same experiment: where things are, and how the work is cut.
_FREE = ("data.path", "data.cache", "training.resume", "training.init_from", "training.n_workers", "training.wandb",
         "training.print_interval", "training.checkpoint_interval", "training.keep_checkpoints", "testing")  # fmt: skip


@dataclass
class _Counts:
    """Of a protocol, what a table needs."""

    files_scored: int


@dataclass
class _Record:
    """Of a cell that is done, what a table needs."""

    scores: dict[str, float | None]
    protocol: _Counts


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
            records = read_json(self._file, "the results of `segdepth reproduce`").get("cells")
            as_kind(dict[str, _Record], records, f"{self._file} holds no results; move it away", strict=True)
            self.records = records or {}

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
    results.write(cell.name, _record(cell, run, device, progress))


def _record(
    cell: Cell, run: Path, device: torch.device, progress: Callable[[int, int], None] | None = None
) -> dict[str, Any]:
    """What is written down of a cell."""
    evaluation = _score(cell, run, device, progress)
    return {
        "run": str(run),
        "scores": evaluation.scores,
        "published": dict(cell.published.scores),
        "protocol": evaluation.protocol,
        "scored_options": dict(cell.scored_options),
        "started_from": _started_from(run),
        "provenance": provenance(cell.config.seed),
    }


@dataclass(frozen=True)
class CellJob(Job[str, "Worked"]):
    """Trains and scores cells. A key is a cell's name; who asks writes the results down.

    Attributes:
        cells: by name.
        runs: folder of all runs.
        device: name of the device to work on.
        gpus: see :class:`~segdepth.executing.Job`.
    """

    cells: Mapping[str, Cell]
    runs: Path
    device: str
    gpus: int = 0
    name: str = "reproduce"
    repeatable: bool = False  # a run has one folder

    def worker(self) -> "CellJob":
        """See :meth:`~segdepth.executing.Job.worker`."""
        return self

    def do(self, key: str) -> "Worked":
        """See :meth:`~segdepth.executing.Worker.do`; what is a mistake here would be one elsewhere."""
        cell, device = self.cells[key], device_of(self.device)
        try:
            run = train_cell(cell, Results(self.runs / RESULTS), self.runs, device=device)
            return Worked(_record(cell, run, device))
        except SegdepthError as error:
            return Worked(failure=str(error))


@dataclass(frozen=True)
class Worked:
    """What became of a cell.

    Attributes:
        record: to be written down.
        failure: why there is none.
    """

    record: Mapping[str, Any] | None = None
    failure: str = ""


def share_out(
    cells: Sequence[Cell], results: Results, runs: Path, place: Place, device: str, gpus: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, str]:  # fmt: skip
    """Have cells trained and scored by workers; those that start from others come after them.

    Args:
        cells: whose data are there, and which are not done.
        results: to add to.
        runs: folder of all runs.
        place: of the workers.
        device: name of the device to work on.
        gpus: of this machine, that workers on it can have.
        progress: called with (cells done, cells in all).

    Returns:
        Cell -> why it failed.
    """
    failed: dict[str, str] = {}
    job = CellJob({cell.name: cell for cell in cells}, runs, device, gpus)
    done = 0
    for names in _waves(cells):
        outcomes = place.carry_out(job, names)
        with closing(outcomes):
            for name, worked in outcomes:
                assert worked is not None, "nobody but this call's workers does these cells"
                if worked.record is None:
                    failed[name] = worked.failure
                else:
                    results.write(name, worked.record)
                done += 1
                if progress is not None:
                    progress(done, len(cells))
    return failed


def _waves(cells: Sequence[Cell]) -> list[list[str]]:
    """The cells' names, those first from whose weights others start."""
    names = {cell.name for cell in cells}
    later = [cell.name for cell in cells
             if (start := _STARTS.get(cell.problem)) and cell_name(cell.published.network, start) in names]  # fmt: skip
    return [[cell.name for cell in cells if cell.name not in later], later]


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
    problem = _STARTS.get(cell.problem)
    record = results.records.get(cell_name(cell.published.network, problem), {}) if problem else {}
    weights = RunFolder(Path(record["run"])).best if "run" in record else None
    return weights if weights is not None and weights.is_file() else None


def _started_from(run: Path) -> str:
    config = read_config(RunFolder(run))
    weights = config["training"]["init_from"]
    return str(weights or ("ImageNet" if config["model"]["pretrained"] else "random weights"))


def _score(cell: Cell, run: Path, device: torch.device, progress: Callable[[int, int], None] | None) -> Evaluation:
    net = load_network(run, device, allow=[cell.config.model.arch])  # this command trained it, as its user said
    task, settings = TASKS[cell.config.task], cell.config.training
    answers = NetworkAnswers(
        net, cell.scored_set(), task, size=(cell.config.data.img_rows, cell.config.data.img_cols),
        batch_size=settings.batch_size, n_workers=settings.n_workers, progress=progress,
    )  # fmt: skip
    protocol = cell.place.protocol
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
    place, published = PLACES[cell.problem], cell.scores[score_name]
    ours, files = record["scores"].get(score_name), record["protocol"]["files_scored"]
    larger = TASKS[cell.problem.task].facts.higher_is_better(score_name)
    whole = files == place.files
    better = (ours >= published if larger else ours <= published) if whole and ours is not None else None
    protocol = f"{place.words}, {files} of {place.files} files" + ("" if whole else ": not comparable")
    return Row(cell.name, score_name, published, ours, better, protocol)
