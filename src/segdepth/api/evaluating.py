"""``segdepth.evaluate``."""

from collections.abc import Collection, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from segdepth.config import Config
from segdepth.core.errors import ConfigError
from segdepth.core.tables import pick
from segdepth.data import Dataset
from segdepth.evaluation import Evaluation, NetworkAnswers, score
from segdepth.evaluation.answers import Progress
from segdepth.evaluation.depth_protocol import adjusted
from segdepth.evaluation.service import Source, protocols_of, training_names, warn_of_leaks
from segdepth.networks import Network
from segdepth.tasks import TASKS

from .named import NetworkOrPath, input_size, network_of, recorded_config, require_no_more

__all__ = ["evaluate"]


def evaluate(
    net: NetworkOrPath,
    *,
    dataset: str | Dataset | None = None,
    path: str | PathLike[str] | None = None,
    split: str | None = None,
    protocol: str | None = None,
    metrics: Sequence[str] = (),
    min_depth: float | None = None,
    max_depth: float | None = None,
    align: str | None = None,
    class_map: Mapping[str, str | None] | None = None,
    size: tuple[int, int] | None = None,
    batch_size: int | None = None,
    n_workers: int = 0,
    device: str = "auto",
    allow: Collection[str] = (),
    progress: Progress | None = None,
    **options: Any,
) -> Evaluation:
    """Score a network on a data set, as ``segdepth evaluate`` does.

    Args:
        net: a network, which is scored where it is, or a run folder or checkpoint file.
        dataset: name of a data set, or one that is open, with the task's truth; None: that of the training run.
        path: its folder; None: that of the training run, if it is the same data set.
        split: None: the training run's validation split ("val"; of ``kitti_eigen`` its test files).
        protocol: of ``kitti_eigen``, a named protocol; None: the data set's own, there "eigen-raw-garg".
        metrics: names of registered metrics, whose scores stand beside the task's own.
        min_depth: metres, instead of the protocol's.
        max_depth: metres, instead of the protocol's.
        align: "median" or "least-squares": align each answer to its image's truth first; relative depth is scored only so.
        class_map: the network's name of a class -> the data set's, or None for no class of the data; where these are not the
            same.
        size: rows and columns that the network sees; None: those that it was trained at.
        batch_size: pictures at once; None: as it was trained, or one. No picture's answer depends on it.
        n_workers: processes that load pictures; 0 loads in this one.
        device: of a network that is loaded: "auto", "cpu", "cuda", "cuda:1", "mps".
        allow: ``python:package.module:factory`` of the card, to let that code run.
        progress: called with (samples done, samples in all).
        **options: of the data set, over those of the training run.

    Returns:
        Scores, the protocol that they were taken under as plain data, and what has to be known of it in words.

    Raises:
        SegdepthError: if the network, the data or the protocol cannot be used.

    Example:
        >>> import segdepth
        >>> net = segdepth.create_network("segnet", "depth", width=0.125)
        >>> found = segdepth.evaluate(net, dataset="synthetic", num_images=2, height=37, width=124, size=(32, 96))
        >>> found.protocol["images"], found.words[:10]
        (2, 'crop garg,')
    """
    loaded = network_of(net, device, allow)
    config = _config(loaded, dataset)
    task = pick(TASKS, loaded.card.task, kind="task")
    source = Source(
        dataset if isinstance(dataset, str) else None, None if path is None else Path(path), None, None, False, split, False,
        options,
    )  # fmt: skip
    if isinstance(dataset, Dataset):
        require_no_more(dataset, path=path, split=split, **options)
    named = dataset.reader if isinstance(dataset, Dataset) else source.name(config)
    ((truth, presets),) = protocols_of(named, [] if protocol is None else [protocol]).items()
    data = dataset if isinstance(dataset, Dataset) else source.open(config, task, truth)
    warn_of_leaks(training_names(loaded), data)
    answers = NetworkAnswers(
        loaded, data, task, size=input_size(loaded, size, config), n_workers=n_workers, progress=progress,
        batch_size=batch_size or (config.training.batch_size if config else 1), class_map=class_map,
    )  # fmt: skip
    makers = adjusted(presets, task, data, min_depth=min_depth, max_depth=max_depth, align=align)
    (evaluation,) = score(answers, makers, beside=metrics).values()
    return evaluation


def _config(net: Network, dataset: str | Dataset | None) -> Config | None:
    """The configuration that fills in what is not said.

    Raises:
        ConfigError: if the data are not said, and it does not say them either.
    """
    try:
        config = recorded_config(net)
    except ConfigError:  # of data that this process does not know
        if dataset is None:
            raise
        return None
    if config is None and dataset is None:
        raise ConfigError(
            f"the card of {net.card.arch} names no data set: give dataset=, and path= where it has a folder"
        )
    return config
