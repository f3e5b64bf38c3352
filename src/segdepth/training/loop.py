"""Training, from top to bottom: batch, step, log, validation, checkpoint."""

import logging
import math
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor

from segdepth.config import Config, config_to_dict
from segdepth.core.errors import ConfigError, SegdepthError
from segdepth.core.provenance import provenance
from segdepth.data import Dataset, open_dataset
from segdepth.data.cached import Cached
from segdepth.data.leakage import shared_scenes
from segdepth.data.loading import Timed, TrainingView, batches, training_loader
from segdepth.evaluation import Evaluation, evaluate
from segdepth.losses import LOSSES
from segdepth.networks import Classes, Network, load_network, save_network
from segdepth.optim import OPTIMIZERS, SCHEDULES, Rate, WarmUp, warmed_up
from segdepth.tasks import TASKS, Task, create_network

from .parameters import freeze, parameter_groups, training_mode
from .run import Journal, create_run_folder, find_run, require_same_experiment
from .state import TrainingState, load_training_state, save_training_state
from .stopping import StopRequest

__all__ = ["Progress", "TrainingResult", "build_loss", "build_network_for", "open_split", "train"]

log = logging.getLogger(__name__)


@runtime_checkable
class Progress(Protocol):
    """Who watches a run; the command line draws a bar."""

    def start(self, step: int, total: int) -> None:
        """Called once, before the first update."""

    def step(self, step: int, loss: float | None, rate: float) -> None:
        """Called after every update; the loss is None where it was not read from the device."""

    def validating(self, done: int, total: int) -> None:
        """Called as a validation goes on."""


@dataclass(frozen=True)
class TrainingResult:
    """What a run left behind.

    Attributes:
        folder: of the run.
        best: the evaluation of the checkpoint that was kept as the best.
        last: the evaluation after the last update.
        seconds: of training, validations included.
    """

    folder: Path
    best: Evaluation | None
    last: Evaluation | None
    seconds: float


def open_split(config: Config, split: str) -> Dataset:
    """A split of the configured data set, with the task's truth."""
    section = config.data
    target = TASKS[config.task].target
    return open_dataset(section.dataset, path=section.path, split=split, target=target, **section.options)


def build_network_for(config: Config, dataset: Dataset) -> Network:
    """The configured network with the data set's classes; its start is ``init_from``, the backbone's weights, or chance.

    Backbone weights are not fetched when a checkpoint is loaded over them anyway.
    """
    model, training = config.model, config.training
    overwritten = training.init_from is not None or training.resume is not None
    net = create_network(
        model.arch,
        config.task,
        num_classes=len(dataset.classes) if dataset.classes else 2,
        pretrained=False if overwritten else model.pretrained,
        preprocessing=model.preprocessing,
        **model.options,
    )
    classes = dataset.classes
    net.card = net.card.model_copy(
        update={
            "input_size": (config.data.img_rows, config.data.img_cols),
            "classes": None
            if net.card.output != "logits" or classes is None
            else Classes(names=classes.names, colours=classes.colours, label_ids=classes.label_ids),
            "config": config_to_dict(config),
            "provenance": provenance(config.seed),
        }
    )
    if training.init_from is not None:
        _start_from(net, training.init_from)
    return net


def _start_from(net: Network, source: Path) -> None:
    """Copy the weights of a checkpoint; tensors of another shape (a head with other classes) are left at their start."""
    other = load_network(source)
    own, theirs = net.state_dict(), other.state_dict()
    fitting = {name: value for name, value in theirs.items() if name in own and own[name].shape == value.shape}
    if not fitting:
        raise ConfigError(f"training.init_from: no tensor of {str(source)!r} fits {net.card.arch}")
    net.load_state_dict(fitting, strict=False)
    left = sorted(set(own) - set(fitting))
    log.info(
        "init_from: %d of %d tensors; left at their start: %s",
        len(fitting),
        len(own),
        ", ".join(left) or "none",
    )


def build_loss(config: Config) -> Callable[[Tensor, Tensor], Tensor]:
    """The configured loss as a function of output and target."""
    section = config.training.loss
    assert section is not None  # check_config names the default
    function = LOSSES[TASKS[config.task].target][section.name]
    return lambda output, target: function(output, target, **section.options)


def _build_rate(config: Config) -> Rate:
    section = config.training.lr_schedule
    assert section is not None  # check_config names the default
    rate = SCHEDULES[section.name](config.training.train_iters, **section.options)
    return warmed_up(rate, WarmUp(section.warmup_iters, section.warmup_mode, section.warmup_factor))


def _seed_step(seed: int, step: int) -> None:
    """What a step draws (dropout) follows from the seed and the step's number alone."""
    torch.manual_seed(int(np.random.SeedSequence((seed, step)).generate_state(1, np.uint64)[0]))


def train(
    config: Config,
    *,
    name: str,
    root: Path = Path("runs"),
    accelerator: str = "auto",
    progress: Progress | None = None,
) -> TrainingResult:
    """Run a configuration.

    Args:
        config: checked.
        name: of the configuration; the run's folder is ``root/name/<time>``.
        root: where runs are kept.
        accelerator: "auto", "cpu", "cuda" or "mps".
        progress: who watches.

    Raises:
        SegdepthError: if the data, a checkpoint or the configuration cannot be used, or the loss is not finite.
    """
    started = time.monotonic()
    settings, task = config.training, TASKS[config.task]
    train_set = open_split(config, config.data.train_split)
    val_set = open_split(config, config.data.val_split)
    size = (config.data.img_rows, config.data.img_cols)

    fabric = _fabric(accelerator, settings.precision)
    _seed_step(config.seed, 0)
    net = build_network_for(config, train_set)
    frozen = freeze(net, backbone=settings.freeze_backbone, batch_norm=settings.freeze_batch_norm)
    groups = parameter_groups(net, settings.optimizer.options["lr"], settings.lr_factors)
    optimizer = OPTIMIZERS[settings.optimizer.name](groups, **settings.optimizer.options)
    base_rates = [group["lr"] for group in optimizer.param_groups]
    state = TrainingState()
    if settings.resume is None:
        folder = create_run_folder(root, name, config)
    else:
        last = find_run(settings.resume)
        folder = last.parent
        require_same_experiment(folder, config)
        state = load_training_state(last, net, optimizer)
    if settings.channels_last:
        net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    module, optimizer = fabric.setup(net, optimizer)
    loss_of, rate_of = build_loss(config), _build_rate(config)
    device = fabric.device

    with Journal(folder, state.step) as journal, StopRequest() as stop:
        log.info(
            "%s for %s: %d training and %d validation pictures, %.1f million parameters, %s, %s",
            config.model.arch, task.name, len(train_set), len(val_set),
            sum(p.numel() for p in net.parameters()) / 1e6, device, folder,
        )  # fmt: skip
        if shared := shared_scenes(train_set.names, val_set.names):
            log.warning("LEAK: %d validation pictures are from drives of the training split (%s)",
                        sum(shared.values()), ", ".join(sorted(shared)[:3]))  # fmt: skip
        if progress is not None:
            progress.start(state.step, settings.train_iters)
        loader = training_loader(
            TrainingView(
                train_set if config.data.cache is None else Cached(train_set, size, config.data.cache),
                size,
                settings.augmentations,
                config.seed,
                config.data.skip_bad,
            ),
            task.target,
            batch_size=settings.batch_size,
            n_workers=settings.n_workers,
            start=state.step,
            stop=settings.train_iters,
            pin_memory=device.type == "cuda",
        )
        best: Evaluation | None = None
        last_evaluation: Evaluation | None = None
        total, since, interval_started = torch.zeros((), device=device), 0, time.monotonic()
        try:
            training_mode(module, frozen)
            stream = Timed(batches(loader, device))
            for batch in stream:
                _seed_step(config.seed, state.step)
                rate = 0.0
                for group, base in zip(optimizer.param_groups, base_rates, strict=True):
                    group["lr"] = rate = rate_of(base, state.step)
                optimizer.zero_grad(set_to_none=True)
                loss = loss_of(module(net.preprocessing(batch.image)), batch.target)  # type: ignore[arg-type]
                fabric.backward(loss)
                optimizer.step()
                state.step += 1
                total += loss.detach()
                since += 1

                mean = None
                if state.step % settings.print_interval == 0 or state.step == settings.train_iters:
                    mean = total.item() / since  # the only point at which the step waits for the device
                    _require_finite(mean, state.step, batch.names, folder)
                    speed = since * settings.batch_size / (time.monotonic() - interval_started)
                    journal.write("train", state.step, {"train_loss": mean, "lr": rate}, prefix="loss")
                    waiting = 100 * stream.seconds / (time.monotonic() - interval_started)
                    log.info("iteration %d: loss %.4f, lr %.3g, %.1f images/s, %.0f %% of it waiting for data",
                             state.step, mean, rate, speed, waiting)  # fmt: skip
                    total.zero_()
                    since, stream.seconds, interval_started = 0, 0.0, time.monotonic()
                if progress is not None:
                    progress.step(state.step, mean, rate)
                stop.check()

                if state.step % settings.val_interval == 0 or state.step == settings.train_iters:
                    _require_finite(total.item(), state.step, batch.names, folder)  # before anything is overwritten
                    last_evaluation = evaluate(
                        net, val_set, task, size=size, batch_size=settings.batch_size,
                        n_workers=settings.n_workers, progress=lambda done, count: _watch(progress, stop, done, count),
                        skip_bad=config.data.skip_bad,
                    )  # fmt: skip
                    journal.write("validation", state.step, last_evaluation.scores, prefix="val_metrics")
                    log.info("iteration %d: %s", state.step, _summary(last_evaluation, task))
                    net.card = net.card.model_copy(
                        update={"scores": last_evaluation.scores, "protocol": last_evaluation.protocol}
                    )
                    score = last_evaluation.scores[task.best_score]
                    if task.is_better(score, state.best):
                        state.best, best = score, last_evaluation
                        save_network(net, folder / "best.safetensors")
                    save_training_state(folder / "last.pt", state, net, optimizer)
                    training_mode(module, frozen)
                    stream.seconds, interval_started = 0.0, time.monotonic()
        except KeyboardInterrupt:
            save_training_state(folder / "last.pt", state, net, optimizer)
            log.info("interrupted at iteration %d; go on with training.resume=%s", state.step, folder)
            raise
    return TrainingResult(folder, best, last_evaluation, time.monotonic() - started)


def _require_finite(loss: float, step: int, names: Sequence[str], folder: Path) -> None:
    if not math.isfinite(loss):
        raise SegdepthError(
            f"the loss is {loss} at iteration {step} (last batch: {', '.join(names)}); "
            f"checkpoints from before it are in {folder}. Try a smaller training.optimizer.lr"
        )


def _watch(progress: Progress | None, stop: StopRequest, done: int, count: int) -> None:
    if progress is not None:
        progress.validating(done, count)
    stop.check()


def _fabric(accelerator: str, precision: Any) -> Fabric:
    with warnings.catch_warnings():  # it warns that it was told what it was told
        warnings.simplefilter("ignore")
        fabric = Fabric(accelerator=accelerator, devices=1, precision=precision)
        fabric.launch()
    return fabric


def _summary(evaluation: Evaluation, task: Task) -> str:
    values = ((name, evaluation.scores.get(name)) for name in task.table_scores)
    return ", ".join(f"{name} {value:.4f}" for name, value in values if value is not None)
