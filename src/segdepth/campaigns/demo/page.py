"""What the demonstration's page shows, as plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from jaxtyping import UInt8
from numpy import ndarray

from segdepth.core.provenance import provenance
from segdepth.kinds import LegendEntry
from segdepth.metrics import by_class
from segdepth.runs import TaskFacts

__all__ = ["DemoPage", "Example", "ExplainedPixel", "ExplorerPage", "Picture", "SaliencyRow", "ScoreRows", "TaskSoFar"]

Picture = UInt8[ndarray, "h w 3"]

#: By task, then by the name of a network or a baseline.
ScoreRows = Mapping[str, Mapping[str, Mapping[str, float | None]]]


@dataclass(frozen=True)
class TaskSoFar:
    """How far one task's run is, and what it has given.

    Attributes:
        facts: of the task: what it is called, and its scores.
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

    facts: TaskFacts
    total: int
    step: int = 0
    scores: Mapping[str, float | None] = field(default_factory=dict)
    baselines: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    protocol: Mapping[str, Any] = field(default_factory=dict)
    log: Sequence[Mapping[str, Any]] = ()
    config: str = ""
    folder: Path | None = None
    parameters: int = 0

    @property
    def by_class(self) -> Mapping[str, Mapping[str, float | None]]:
        """The scores of single classes: score, then class."""
        return by_class(self.scores)


@dataclass(frozen=True)
class Example:
    """A validation picture, the truth of each task and what the networks say (None: nothing yet), coloured."""

    name: str
    image: Picture
    pictures: Mapping[str, tuple[Picture, Picture | None]]  # task -> (truth, prediction)


@dataclass(frozen=True)
class ExplainedPixel:
    """The same pixel explained for each task.

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
class ExplorerPage:
    """A page of its own, beside this one, to move over a picture and see the networks' maps.

    Attributes:
        name: of its file.
        bytes: of its file.
        notes: what was chosen for it, and what is not exact in it, in sentences.
    """

    name: str
    bytes: int
    notes: Sequence[str]


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
        legend: of the examples.
        examples: empty while the world is being made.
        explained: empty until all networks are trained, as the rest.
        explorer: the page to move over; None while there is none.
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
    legend: Sequence[LegendEntry] = ()
    examples: Sequence[Example] = ()
    explained: Sequence[ExplainedPixel] = ()
    explorer: ExplorerPage | None = None
    statistics: Sequence[SaliencyRow] = ()
    statistics_pixels: int = 0
    statistics_images: int = 0
    written: str = ""
    provenance: Mapping[str, Any] = field(default_factory=provenance)
