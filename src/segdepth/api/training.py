"""``segdepth.train``."""

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch

from segdepth.config import Config, apply_overrides, check_config, config_to_dict, read_values
from segdepth.core.words import as_file_name
from segdepth.networks import Network, device_of
from segdepth.training import Progress, TrainingResult
from segdepth.training import train as train_config

__all__ = ["train"]


def train(
    config: str | PathLike[str] | Mapping[str, Any] | Config,
    *overrides: str,
    net: Network | None = None,
    name: str | None = None,
    runs: str | PathLike[str] = "runs",
    device: str = "auto",
    progress: Progress | None = None,
    **sections: Any,
) -> TrainingResult:
    """Train a network, as ``segdepth train`` does: the same run folder, which every verb takes.

    Lines go to the logger ``segdepth``: ``logging.basicConfig(level=logging.INFO)`` shows them, and writes them to the run's
    ``train.log``. Ctrl-C, or the notebook's stop, is a ``KeyboardInterrupt`` after the update at hand, with a checkpoint to go
    on from (``training={"resume": "auto"}``).

    Args:
        config: a YAML file, its sections as a mapping, or a checked configuration.
        *overrides: values over those of ``config``, as on the command line: ``"training.optimizer.lr=3e-4"``.
        net: is trained, from the weights that it has, in place of ``model``: of :func:`segdepth.wrap`,
            :func:`segdepth.create_network` or :func:`segdepth.load`. It is trained itself, not a copy, and is left in evaluation
            mode on the device, with the last update's weights; the best are the result's ``checkpoint``. What its card says of
            it is recorded as ``model``. Such a run goes on with a network of the same form:
            ``segdepth.train(config, net=net, training={"resume": folder})``.
        name: of the folder in ``runs``; None: the file's, or network, data set and task.
        runs: folder of all runs.
        device: "auto", "cpu", "cuda" or "mps".
        progress: who watches, see :class:`segdepth.training.Progress`.
        **sections: parts of sections over those of ``config`` and its overrides, key by key: ``training={"train_iters": 500}``,
            ``seed=1``.

    Returns:
        Folder, scores, checkpoint, and the best and last evaluations of the run.

    Raises:
        SegdepthError: if the configuration, the data, the network or a checkpoint cannot be used, or the loss is not finite.

    Example:
        >>> import segdepth, tempfile
        >>> config = {
        ...     "model": {"arch": "segnet", "width": 0.125},
        ...     "task": "depth",
        ...     "data": {"dataset": "synthetic", "img_rows": 32, "img_cols": 64, "num_images": 2, "height": 37, "width": 124},
        ...     "training": {"train_iters": 1, "batch_size": 2, "n_workers": 0},
        ... }
        >>> result = segdepth.train(config, "training.optimizer.lr=0.01", seed=1, device="cpu", runs=tempfile.mkdtemp())
        >>> sorted(result.scores)[:2], result.checkpoint.name
        (['a1', 'a2'], 'best.safetensors')
        >>> segdepth.load(result.folder).card.task
        'depth'
    """
    values, where = _values(config)
    values = _over(apply_overrides(values, overrides), sections)
    if net is not None:
        values = {"task": net.card.task} | values | {"model": _model_of(net)}
    checked = check_config(values, where=where, unchecked=() if net is None else ("model",))
    accelerator = device if device == "auto" else device_of(device).type
    with _as_it_was(net):
        return train_config(
            checked,
            name=name or _name(config, checked),
            root=Path(runs),
            accelerator=accelerator,
            progress=progress,
            net=net,
        )


def _values(config: str | PathLike[str] | Mapping[str, Any] | Config) -> tuple[Mapping[str, Any], str]:
    """The sections of a configuration, and where they stand."""
    if isinstance(config, Config):
        return config_to_dict(config), "configuration"
    if isinstance(config, Mapping):
        return config, "configuration"
    return read_values(Path(config)), str(config)


def _over(values: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """Nested mappings with the values of others in place of their own."""
    merged = dict(values)
    for key, value in others.items():
        own = merged.get(key)
        merged[key] = _over(own, value) if isinstance(own, Mapping) and isinstance(value, Mapping) else value
    return merged


def _model_of(net: Network) -> dict[str, Any]:
    """The section ``model`` that describes a network."""
    card = net.card
    return {**card.options, "arch": card.arch, "preprocessing": card.preprocessing.model_dump(mode="json")}


def _name(config: str | PathLike[str] | Mapping[str, Any] | Config, checked: Config) -> str:
    if isinstance(config, Mapping | Config):
        return as_file_name(f"{checked.model.arch}_{checked.data.dataset}_{checked.task}")
    return Path(config).stem


@contextmanager
def _as_it_was(net: Network | None) -> Iterator[None]:
    """The caller's random numbers go on as if no run had drawn any, and a network of his is frozen no longer than the run."""
    learning = [] if net is None else [(parameter, parameter.requires_grad) for parameter in net.parameters()]
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    of_python, of_numpy = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        random.setstate(of_python)
        np.random.set_state(of_numpy)
        for parameter, learns in learning:
            parameter.requires_grad_(learns)
        if net is not None:
            net.eval()
