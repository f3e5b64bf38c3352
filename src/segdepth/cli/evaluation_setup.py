"""What ``segdepth evaluate`` scores, and who answers: put together from configuration, checkpoint and flags."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from segdepth.config import Config, apply_overrides, check_config, load_config
from segdepth.core.errors import ConfigError, SegdepthError
from segdepth.core.tables import pick
from segdepth.data import DATASETS, Dataset, open_dataset
from segdepth.data.kitti_eigen import NoTruthError
from segdepth.data.leakage import shared_scenes
from segdepth.data.sample import reader_options
from segdepth.evaluation import PROTOCOLS, Predictions, evaluate, evaluate_predictions
from segdepth.evaluation.scoring import Answers
from segdepth.metrics import DepthProtocol
from segdepth.networks import Network, find_weights, read_card
from segdepth.tasks import TASKS, Task
from segdepth.training import open_split

from .loading import load_checked

__all__ = [
    "Answerer",
    "Source",
    "answers_of",
    "find_configuration",
    "open_scored",
    "protocols_of",
    "warn_of_leaks",
]

log = logging.getLogger(__name__)

#: The data set that named protocols are for.
EIGEN = "kitti_eigen"

Progress = Callable[[int, int], None]


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
            "allow_missing": (self.allow_missing and _can_miss(name, task)) or None,
            "truth": truth,
        }
        said = {key: value for key, value in given.items() if value is not None}
        options = (dict(config.data.options) if own and config else {}) | dict(self.options) | said
        path = self.path if self.path is not None or config is None or not own else config.data.path
        return open_dataset(name, path=path, split=self._split(config, name), target=task.target, **options)

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


def _can_miss(name: str, task: Task) -> bool:
    """Whether the data set's reader refuses missing files unless it is told otherwise."""
    reader = pick(DATASETS, name, kind="data set").get(task.target)
    return reader is not None and "allow_missing" in reader_options(reader)


def only_task(dataset: str | None) -> str | None:
    """The task of a data set that has one kind of truth; None if it has several, or is not named."""
    targets = list(DATASETS.get(dataset or "", ()))
    return next((name for name, task in TASKS.items() if [task.target] == targets), None)


def find_configuration(
    config: Path | None, checkpoint: Path | None, predictions: Path | None, overrides: Sequence[str]
) -> Config | None:
    """The configuration of a file, or else the checkpoint's own; None where there are only predictions.

    Raises:
        ConfigError: if there is neither, or a value is wrong.
    """
    if config is not None:
        return load_config(config, overrides)
    if checkpoint is None:
        if predictions is None:
            raise ConfigError("name a checkpoint (--checkpoint) or a configuration (--config)")
        return None
    path = find_weights(checkpoint)
    stored = read_card(path).config
    if stored is None:
        if overrides:
            raise ConfigError(f"{str(path)!r} does not know its configuration; name one with --config")
        return None
    return check_config(apply_overrides(stored, overrides), where=f"configuration in {path}")


def protocols_of(dataset: str, wanted: Sequence[str]) -> Mapping[str | None, Mapping[str, DepthProtocol | None]]:
    """Truth -> name -> protocol; of data sets other than KITTI's test files the data set's own.

    Raises:
        ConfigError: if there is no such protocol, or the data set has none.
    """
    if dataset != EIGEN:
        if wanted:
            raise ConfigError(f"named protocols are for the data set {EIGEN}, not {dataset!r} (which has its own)")
        return {None: {"": None}}
    grouped: dict[str | None, dict[str, DepthProtocol | None]] = {}
    for name in wanted or list(PROTOCOLS)[:1]:
        preset = pick(PROTOCOLS, name, kind="protocol")
        grouped.setdefault(preset.truth, {})[name] = preset.protocol
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
        where: the checkpoint, or the predictions.
        task: what is answered.
        on: the answers to a data set.
        training_names: of the samples that a network learned from; empty where that is not known.
    """

    label: str
    where: Path
    task: Task
    on: Callable[[Dataset], Answers]
    training_names: Callable[[], Iterable[str]]


def answers_of(
    checkpoint: Path | None,
    predictions: Path | None,
    config: Config | None,
    task: str | None,
    device: str,
    *,
    model_name: str | None,
    height: int | None,
    width: int | None,
    inverse: bool,
    allow_missing: bool,
    dataset: str | None,
    progress: Progress,
) -> Answerer:
    """A network's answers, or those of another model's files.

    Args:
        checkpoint: of the network.
        predictions: the files, in its place.
        config: what is known of it.
        task: as the user says.
        device: for the network.
        model_name: as the user says.
        height: as the user says.
        width: as the user says.
        inverse: the files hold inverse depth.
        allow_missing: samples without a file are left out.
        dataset: that the user names; one with a single kind of truth says the task.
        progress: called with (images done, images in all).

    Raises:
        ConfigError: if the task of predictions is not said.
        CheckpointError: if the checkpoint is another network, task or size than said.
    """
    said = task or (config.task if config else None)
    if predictions is not None:
        said = said or only_task(dataset)
        if said is None:
            raise ConfigError("say what the predictions are: --task depth or --task seg")
        kind = pick(TASKS, said, kind="task")
        of_files = partial(_files, predictions, kind, inverse, allow_missing, progress)
        return Answerer(predictions.name, predictions, kind, of_files, tuple)
    assert checkpoint is not None
    net = load_checked(checkpoint, device, model_name=model_name, task=said, height=height, width=width)
    size = net.card.input_size or (None if config is None else (config.data.img_rows, config.data.img_cols))
    if size is None:
        raise ConfigError(f"{str(checkpoint)!r} does not know its input size: give --height and --width")
    kind = TASKS[net.card.task or said or ""]
    workers = config.training.n_workers if config else 0
    batch_size = config.training.batch_size if config else 1
    return Answerer(
        net.card.arch, checkpoint, kind, partial(_network, net, kind, size, batch_size, workers, progress),
        partial(_training_names, net),
    )  # fmt: skip


def _network(
    net: Network, task: Task, size: tuple[int, int], batch_size: int, workers: int, progress: Progress, _: Dataset
) -> Answers:
    def answers(dataset: Dataset, **looks: Any) -> Any:
        return evaluate(
            net, dataset, task, size=size, batch_size=batch_size, n_workers=workers, progress=progress, **looks
        )

    return answers


def _files(path: Path, task: Task, inverse: bool, allow_missing: bool, progress: Progress, dataset: Dataset) -> Answers:
    found = Predictions(path, dataset, "inverse" if inverse else "metres", allow_missing=allow_missing)

    def answers(dataset: Dataset, **looks: Any) -> Any:
        return evaluate_predictions(found, dataset, task, progress=progress, **looks)

    return answers


def _training_names(net: Network) -> Iterable[str]:
    """The names of the training samples, if the training data are still where they were."""
    if net.card.config is None:
        return ()
    try:
        config = check_config(net.card.config)
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
