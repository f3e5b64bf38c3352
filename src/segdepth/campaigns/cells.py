"""The published cells as something to do: configuration, data to learn from and to score on, and what is missing."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from segdepth.config import Config, load_config
from segdepth.config.splits import open_split
from segdepth.core.errors import ConfigError, DataError
from segdepth.core.tables import did_you_mean
from segdepth.data import Dataset, open_dataset
from segdepth.tasks import TASKS

from .published import CITYSCAPES_DEPTH, CITYSCAPES_SEG, KITTI_DEPTH, KITTI_SEG, PUBLISHED, Problem, Published

__all__ = ["DATA", "PLACES", "Cell", "Place", "choose", "plan"]

#: What has to be on disk, by the name that the command line uses -> where it is looked for by default.
DATA: Mapping[str, Path] = {
    "cityscapes": Path("data/cityscapes"),
    "kitti_semantics": Path("data/kitti_semantics"),
    "kitti_depth": Path("data/kitti_depth"),
    "kitti_raw": Path("data/kitti_raw"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where cells of a problem learn and are scored: names in :data:`DATA`, data set and split.

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
PLACES = {
    CITYSCAPES_SEG: Place("cityscapes", "cityscapes", "cityscapes", "val", 500),
    KITTI_SEG: Place("kitti_semantics", "kitti_semantics", "kitti", "val", 40),
    KITTI_DEPTH: Place("kitti_depth", "kitti_raw", "kitti_eigen", "test", 697, _EIGEN),
    CITYSCAPES_DEPTH: Place("cityscapes", "cityscapes", "cityscapes", "test", 1525),
}


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
    def problem(self) -> Problem:
        """Data and task."""
        return self.published.problem

    @property
    def place(self) -> Place:
        """Where it learns and is scored."""
        return PLACES[self.problem]

    @property
    def protocol(self) -> str:
        """How it is scored, in a few words."""
        return self.place.words

    def scored_set(self) -> Dataset:
        """The data to score on.

        Raises:
            DataError: if they are not there.
        """
        place = self.place
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
    found: dict[Problem, str | None] = {}  # the cells of a problem read the same data
    cells = []
    for name in names:
        published = PUBLISHED[name]
        place = PLACES[published.problem]
        path = f"data.path={json.dumps(str(paths[place.training]))}"
        options = dict(eigen_options or {}) if place.dataset == "kitti_eigen" else {}
        config = load_config(configs / f"{name}.yml", [path, *overrides])
        cell = Cell(published, config, paths[place.scored], options)
        if cell.problem not in found:
            found[cell.problem] = _missing(cell, place, paths)
        cells.append(replace(cell, missing=found[cell.problem]))
    return cells


def _missing(cell: Cell, place: Place, paths: Mapping[str, Path]) -> str | None:
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
