"""Everything that a run is made of, put together before its first update."""

import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import nn

from segdepth.config import Config, config_to_dict
from segdepth.core.errors import SegdepthError
from segdepth.core.files import remove_unfinished
from segdepth.core.locks import held
from segdepth.data import Dataset
from segdepth.data.cached import Cached
from segdepth.data.loading import Timed, TrainingView, batches, training_loader
from segdepth.networks import Network, device_of, require_tensors
from segdepth.runs import RunFolder, begin

from .build import build_learning_rate, build_loss, build_network_for, build_optimizer
from .distributed import from_first, launch, with_synchronised_batch_norm
from .journal import Journal
from .learning_rate import LearningRate
from .parameters import freeze, leave_idle, training_mode
from .precision import resolve_precision
from .run import record_config, recorded_precision, require_same_experiment
from .state import Run
from .update import Update, seed_step

__all__ = ["Assembly", "assemble", "training_stream"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Assembly:
    """A run that is ready for its next update.

    Attributes:
        run: its state.
        module: its network as Fabric set it up.
        frozen: the modules that stay in evaluation mode.
        learning_rate: to be set before each update.
        update: to be called for each update.
        journal: of the run, open.
        remark: what has to be said of its precision, mostly empty.
    """

    run: Run
    module: nn.Module
    frozen: list[nn.Module]
    learning_rate: LearningRate
    update: Update
    journal: Journal
    remark: str

    def to_training_mode(self) -> None:
        """All but what is frozen."""
        training_mode(self.module, self.frozen)


def assemble(
    config: Config,
    train_set: Dataset,
    source: Path | None,
    *,
    runs: Path,
    accelerator: str,
    until_the_end: ExitStack,
    given: Network | None = None,
) -> Assembly:
    """Make what a configuration describes, claim the run's folder, and go on from a checkpoint where there is one.

    Args:
        config: checked.
        train_set: that the network learns from.
        source: the checkpoint to go on from; None for a new run.
        runs: the folder of the configuration's runs.
        accelerator: "auto", "cpu", "cuda" or "mps".
        until_the_end: closes the journal, lets go of the folder, and ends determinism.
        given: is trained in place of the configured network.

    Raises:
        SegdepthError: if the configuration does not fit data, device or checkpoint, or another process is at work in the folder.
    """
    until_the_end.enter_context(_deterministic(config.training.deterministic))
    config, remark = _with_precision(config, source, accelerator)
    settings = config.training
    fabric = launch(config, accelerator)
    seed_step(config.seed, 0)
    net = build_network_for(config, train_set, source=source, given=given)
    loss = build_loss(config, net.out_channels)
    if settings.sync_batch_norm:
        with_synchronised_batch_norm(net)
    require_tensors(net)
    leave_idle(net, (config.data.img_rows, config.data.img_cols))
    frozen = freeze(net, backbone=settings.freeze_backbone, batch_norm=settings.freeze_batch_norm)
    optimizer = build_optimizer(config, net)
    if settings.channels_last:
        net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    folder = _claim(config, fabric, source, runs, until_the_end)
    module, optimizer = fabric.setup(net, optimizer)
    run = Run(config, folder, fabric, net, optimizer)
    if source is not None:
        run.resume(source)
        if fabric.is_global_zero:
            record_config(folder, config)
    rate = build_learning_rate(config, optimizer)
    update = Update(fabric, net, module, optimizer, loss, accumulation=settings.accumulation,
                    clip_grad_norm=settings.clip_grad_norm, seed=config.seed)  # fmt: skip
    journal = until_the_end.enter_context(_journal(run))
    return Assembly(run, module, frozen, rate, update, journal, remark)


def _with_precision(config: Config, source: Path | None, accelerator: str) -> tuple[Config, str]:
    """The configuration with the precision that the run computes in, and what has to be said about it."""
    begun = None if source is None else recorded_precision(RunFolder.of(source))
    precision, remark = resolve_precision(config.training.precision, _device_of(accelerator), begun)
    training = config.training.model_copy(update={"precision": precision})
    return config.model_copy(update={"training": training}), remark


def _device_of(accelerator: str) -> torch.device:
    """The device that an accelerator's name leads to."""
    return device_of("auto") if accelerator in ("auto", "gpu") else torch.device(accelerator)


def _claim(config: Config, fabric: Fabric, source: Path | None, runs: Path, until_the_end: ExitStack) -> RunFolder:
    """The run's folder, held by the first process. Why it is not to be had is raised in all, or they would wait for it."""
    found: RunFolder | Exception | None = None
    if fabric.is_global_zero:
        try:
            if source is None:
                found = begin(runs, config_to_dict(config), config.seed)
            else:
                found = RunFolder.of(source)
                require_same_experiment(found, config)
            until_the_end.enter_context(held(found.path))
            remove_unfinished(found.path)
        except (SegdepthError, OSError) as error:
            found = error
    folder = from_first(fabric, found)
    if isinstance(folder, Exception):
        raise folder
    assert folder is not None
    log.info("results: %s", folder)
    return folder


def _journal(run: Run) -> Journal:
    config, state = run.config, run.state
    return Journal(
        run.folder, {"train": state.step, "validation": state.validated},
        wandb=config.training.wandb, config=config_to_dict(config), recording=run.fabric.is_global_zero,
    )  # fmt: skip


@contextmanager
def _deterministic(asked: bool) -> Iterator[None]:
    """Only operations that give the same bits again, for the time of a run that asks for it."""
    if not asked:
        yield
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when CUDA starts
    before = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0])
        torch.backends.cudnn.benchmark = before[1]


def training_stream(run: Run, dataset: Dataset) -> Timed:
    """The batches of the updates that are left, on the run's device.

    Args:
        run: at its start, or where it goes on.
        dataset: that it learns from.
    """
    settings, data, fabric = run.config.training, run.config.data, run.fabric
    size = (data.img_rows, data.img_cols)
    source = dataset if data.cache is None else Cached(dataset, size, data.cache)
    loader = training_loader(
        TrainingView(source, size, settings.augmentations, run.config.seed, data.skip_bad),
        run.task.target,
        batch_size=settings.batch_size,
        n_workers=settings.n_workers,
        start=run.state.step,
        stop=settings.train_iters,
        pin_memory=fabric.device.type == "cuda",
        accumulation=settings.accumulation,
        rank=fabric.global_rank,
        processes=fabric.world_size,
    )
    return Timed(batches(loader, fabric.device))
