"""Scoring as a service: which data, who answers, under which protocols, and all that one walk gives."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from segdepth.config import RECORDED, Config, check_config
from segdepth.config.splits import open_split
from segdepth.core.errors import ConfigError, SegdepthError
from segdepth.core.tables import pick
from segdepth.data import DATASETS, Dataset, open_dataset
from segdepth.data.kitti_eigen import NoTruthError
from segdepth.data.leakage import shared_scenes
from segdepth.networks import Network
from segdepth.tasks import TASKS, Task

from .answers import Answer, Answers, NetworkAnswers, Progress
from .depth_protocol import PROTOCOLS
from .predictions import FileAnswers, Predictions
from .scoring import Evaluation, MakeScores, Table, Watch, score
from .worst import Worst

__all__ = [
    "Answerer",
    "Scored",
    "Source",
    "file_answerer",
    "network_answerer",
    "only_task",
    "open_scored",
    "protocols_of",
    "score_set",
    "training_names",
    "warn_of_leaks",
]

log = logging.getLogger(__name__)

#: The data set that named protocols are for.
EIGEN = "kitti_eigen"


@dataclass(frozen=True)
class Source:
    """What the user said about the data; None where the configuration decides.

    Attributes:
        dataset: name.
        path: folder.
        files: list of test files.
        truth_path: folder of the improved ground truth.
        allow_missing: score what is there.
        split: name.
        test: the split is data.test_split.
        options: more of the data set's options, over those of the configuration.
    """

    dataset: str | None
    path: Path | None
    files: str | None
    truth_path: str | None
    allow_missing: bool
    split: str | None
    test: bool
    options: Mapping[str, Any] = field(default_factory=dict)

    def name(self, config: Config | None) -> str:
        """The data set's name.

        Raises:
            ConfigError: if nobody says it.
        """
        if self.dataset is not None:
            return self.dataset
        if config is None:
            raise ConfigError("name the data set: --config, or --dataset and --dataset_dir")
        return config.data.dataset

    def open(self, config: Config | None, task: Task, truth: str | None) -> Dataset:
        """The data set, with the task's truth."""
        name = self.name(config)
        own = config is not None and name == config.data.dataset
        given = {
            "files": self.files,
            "truth_path": self.truth_path,
            "truth": truth,
        }
        said = {key: value for key, value in given.items() if value is not None}
        options = (dict(config.data.options) if own and config else {}) | dict(self.options) | said
        path = self.path if self.path is not None or config is None or not own else config.data.path
        return open_dataset(
            name, path=path, split=self._split(config, name), target=task.target,
            leave_out_missing=self.allow_missing, **options,
        )  # fmt: skip

    def _split(self, config: Config | None, name: str) -> str:
        if self.split is not None:
            return self.split
        if name == EIGEN:
            return "test"
        if config is None:
            return "test" if self.test else "val"
        return config.data.test_split if self.test else config.data.val_split

    def training(self, config: Config | None) -> "Source":
        """The training split of the same data.

        Raises:
            ConfigError: if the data set has none.
        """
        if self.name(config) == EIGEN:
            raise ConfigError(
                f"--baselines needs a training split, which {EIGEN} has not; score the prepared data's val split"
            )
        return replace(self, split=config.data.train_split if config else "train")


def only_task(dataset: str | None) -> str | None:
    """The task of a data set that has one kind of truth; None if it has several, or is not named."""
    targets = [] if dataset is None else list(DATASETS.get(dataset, ()))
    return next((name for name, task in TASKS.items() if [task.target] == targets), None)


def protocols_of(dataset: str, wanted: Sequence[str]) -> Mapping[str | None, Mapping[str, MakeScores]]:
    """Truth -> name -> metric; of data sets other than KITTI's test files none, for they have their own.

    Raises:
        ConfigError: if there is no such protocol, or the data set has none.
    """
    if dataset != EIGEN:
        if wanted:
            raise ConfigError(f"named protocols are for the data set {EIGEN}, not {dataset!r} (which has its own)")
        return {None: {}}
    grouped: dict[str | None, dict[str, MakeScores]] = {}
    for name in wanted or list(PROTOCOLS)[:1]:
        preset = pick(PROTOCOLS, name, kind="protocol")
        grouped.setdefault(preset.truth, {})[name] = preset.scores
    return grouped


def open_scored(
    source: Source, config: Config | None, task: Task, truth: str | None, optional: bool = False
) -> Dataset | None:
    """The data set that is scored; None if none of its truth is there, and need not be."""
    try:
        return source.open(config, task, truth)
    except NoTruthError as error:
        if not optional:
            raise
        log.warning("protocols with the %s truth are left out: %s", truth, error)
        return None


@dataclass(frozen=True)
class Answerer:
    """Who answers, and how.

    Attributes:
        label: for the table.
        where: the checkpoint, the address, or the predictions.
        task: what is answered.
        answers_to: a data set.
        training_names: of the samples that a network learned from; empty where that is not known.
    """

    label: str
    where: str | Path
    task: Task
    answers_to: Callable[[Dataset], Answers]
    training_names: Callable[[], Iterable[str]] = tuple


def network_answerer(
    net: Network,
    where: str | Path,
    config: Config | None,
    task: str | None,
    size: tuple[int, int],
    progress: Progress | None = None,
    *,
    class_map: Mapping[str, str | None] | None = None,
) -> Answerer:
    """A network's answers.

    Args:
        net: on the device where the work is to be done.
        where: it is from.
        config: that says how pictures are loaded; None: one at a time.
        task: what it answers, where its card does not say it.
        size: rows and columns of its input.
        progress: of each walk.
        class_map: which class of the data each of its classes is (see :class:`~segdepth.evaluation.answers.NetworkAnswers`).
    """
    batch_size, n_workers = (config.training.batch_size, config.training.n_workers) if config else (1, 0)
    record = pick(TASKS, net.card.task or task or "", kind="task")

    def answers_to(dataset: Dataset) -> Answers:
        return NetworkAnswers(
            net, dataset, record, size=size, batch_size=batch_size, n_workers=n_workers, progress=progress,
            class_map=class_map,
        )  # fmt: skip

    return Answerer(net.card.arch, where, record, answers_to, lambda: training_names(net))


def file_answerer(
    predictions: Path,
    task: str | None,
    dataset: str | None,
    *,
    unit: str | None = None,
    allow_missing: bool = False,
    progress: Progress | None = None,
) -> Answerer:
    """The answers of another model's files.

    Args:
        predictions: the folder, or the one file.
        task: what they answer; None where the data set says it.
        dataset: that the user names; one with a single kind of truth says the task.
        unit: of the numbers in the files.
        allow_missing: samples without a file are left out.
        progress: of each walk.

    Raises:
        ConfigError: if the task is not said.
    """
    said = task or only_task(dataset)
    if said is None:
        raise ConfigError(f"say what the predictions are: {' or '.join(f'--task {name}' for name in TASKS)}")
    record = pick(TASKS, said, kind="task")

    def answers_to(dataset: Dataset) -> Answers:
        found = Predictions(predictions, dataset, allow_missing=allow_missing)
        return FileAnswers(found, dataset, record, unit, progress)

    return Answerer(predictions.name, predictions, record, answers_to)


def training_names(net: Network) -> Iterable[str]:
    """The names of the training samples, if the training data are still where they were."""
    if net.card.config is None:
        return ()
    try:
        config = check_config(net.card.config, unchecked=RECORDED)
        return open_split(config, config.data.train_split).names
    except SegdepthError:
        return ()


def warn_of_leaks(training: Iterable[str], scored: Dataset) -> None:
    """Say so when scored pictures are from drives that the network learned from."""
    shared = shared_scenes(training, scored.names)
    if shared:
        scenes = ", ".join(sorted(shared)[:3]) + (", ..." if len(shared) > 3 else "")
        log.warning(
            "LEAK: %d of %d scored pictures are from drives that the network was trained on (%s); the scores are too good",
            sum(shared.values()), len(scored), scenes,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scored:
    """What one walk over a data set gave.

    Attributes:
        dataset: that was scored.
        evaluations: by the protocol's name.
        pictures: the scores of each picture under the first protocol, by the sample's name.
        worst: files of the worst pictures, the worst first.
    """

    dataset: Dataset
    evaluations: Mapping[str, Evaluation]
    pictures: Mapping[str, Mapping[str, float | None]]
    worst: Sequence[Path] = ()

    @property
    def tables(self) -> Mapping[str, Table]:
        """What the means hide, under the first protocol, by the table's name."""
        return next(iter(self.evaluations.values())).tables


def score_set(
    answers: Answers,
    protocols: Mapping[str, MakeScores] | None = None,
    *,
    watch: Sequence[Watch] = (),
    beside: Sequence[str] = (),
    worst: int = 0,
    folder: Path | None = None,
) -> Scored:
    """Score answers under every protocol, picture by picture, and draw the worst.

    Args:
        answers: to a data set.
        protocols: by name; None or empty for the data set's own.
        watch: who else is shown the answers.
        beside: names of registered metrics.
        worst: number of pictures to draw.
        folder: for them.
    """
    pictures: dict[str, Mapping[str, float | None]] = {}
    worst_seen = Worst(answers.task, worst)

    def keep(answer: Answer, scores: Mapping[str, float | None]) -> None:
        pictures[answer.name] = scores

    evaluations = score(answers, protocols, watch=watch, keep=[keep, worst_seen], tables=True, beside=beside)
    drawn = worst_seen.draw(answers.dataset, folder) if folder is not None else []
    return Scored(answers.dataset, evaluations, pictures, drawn)
