"""Training, from top to bottom: validate if due, update, log, checkpoint."""

import logging
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch.optim import Optimizer

from segdepth.config import Config, config_to_dict
from segdepth.core import group
from segdepth.core.errors import ConfigError, SegdepthError
from segdepth.core.files import remove_unfinished
from segdepth.core.run_folders import held
from segdepth.data import Dataset
from segdepth.data.cached import Cached
from segdepth.data.leakage import shared_scenes
from segdepth.data.loading import Batch, Timed, TrainingView, batches, training_loader
from segdepth.evaluation import Evaluation, evaluate
from segdepth.networks import Network, read_card, save_network
from segdepth.tasks import TASKS, Task

from .averaging import AveragedNetwork
from .build import build_learning_rate, build_loss, build_network_for, build_optimizer, open_split
from .checkpoints import Checkpoints, TrainingState, find_checkpoint, newest_whole_checkpoint, read_checkpoint
from .distributed import Agreement, from_first, launch, share_statistics, with_synchronised_batch_norm
from .journal import Journal
from .parameters import freeze, training_mode, warn_of_untrained_statistics
from .precision import resolve_precision
from .run import create_run_folder, record_config, recorded_precision, require_same_experiment
from .stopping import StopRequest
from .update import NotFiniteError, RunningLoss, Update, seed_step
from .watching import Progress, Samples, rate_text

__all__ = ["TrainingResult", "train"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingResult:
    """What a run left behind.

    Attributes:
        folder: of the run.
        best: the evaluation of the checkpoint that was kept as the best.
        last: the last evaluation.
        seconds: of training, validations included.
    """

    folder: Path
    best: Evaluation | None
    last: Evaluation | None
    seconds: float


def train(
    config: Config,
    *,
    name: str,
    root: Path = Path("runs"),
    accelerator: str = "auto",
    progress: Progress | None = None,
) -> TrainingResult:
    """Run a configuration. Under ``torchrun`` every process of the group calls this.

    Args:
        config: checked.
        name: of the configuration; the run's folder is ``root/name/<time>``.
        root: where runs are kept.
        accelerator: "auto", "cpu", "cuda" or "mps".
        progress: who watches.

    Raises:
        SegdepthError: if the data, a checkpoint or the configuration cannot be used, or the loss is not finite.
    """
    settings, task = config.training, TASKS[config.task]
    if group.rank() != 0:
        progress = None
        logging.getLogger("segdepth").setLevel(logging.ERROR)
    train_set = open_split(config, config.data.train_split)
    val_set = open_split(config, config.data.val_split)
    source = _checkpoint_to_resume(settings.resume, root / name)
    with _deterministic(settings.deterministic), ExitStack() as until_the_end:
        return _train(config, task, train_set, val_set, source, name, root, accelerator, progress, until_the_end)


def _train(
    config: Config,
    task: Task,
    train_set: Dataset,
    val_set: Dataset,
    source: Path | None,
    name: str,
    root: Path,
    accelerator: str,
    progress: Progress | None,
    until_the_end: ExitStack,
) -> TrainingResult:
    started = time.monotonic()
    config, of_precision = _with_precision(config, source, accelerator)
    settings = config.training
    fabric = launch(config, accelerator)
    seed_step(config.seed, 0)
    net = build_network_for(config, train_set, resumed=source is not None)
    loss = build_loss(config, net.out_channels)
    if settings.sync_batch_norm:
        with_synchronised_batch_norm(net)
    frozen = freeze(net, backbone=settings.freeze_backbone, batch_norm=settings.freeze_batch_norm)
    optimizer = build_optimizer(config, net)
    if settings.channels_last:
        net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    found = _claim(source, root, name, config, until_the_end) if fabric.is_global_zero else None
    folder = from_first(fabric, found)
    if isinstance(folder, Exception):  # in all processes, or the others would wait for the first
        raise folder
    assert folder is not None
    log.info("results: %s", folder)
    module, optimizer = fabric.setup(net, optimizer)
    averaged = None if settings.ema_decay is None else AveragedNetwork(net, settings.ema_decay)
    run = _Run(config, task, folder, fabric, net, optimizer, averaged)
    if source is not None:
        run.resume(source)
        if fabric.is_global_zero:
            record_config(folder, config)
    learning_rate = build_learning_rate(config, optimizer)
    update = Update(
        fabric, net, module, optimizer, loss,
        accumulation=settings.accumulation, clip_grad_norm=settings.clip_grad_norm, seed=config.seed,
    )  # fmt: skip
    journal = Journal(
        folder, {"train": run.state.step, "validation": run.state.validated},
        wandb=settings.wandb, config=config_to_dict(config), recording=fabric.is_global_zero,
    )  # fmt: skip
    with journal, StopRequest() as stop:
        _introduce(config, net, train_set, val_set, fabric)
        if of_precision:
            log.warning(of_precision)
        if run.state.step >= settings.train_iters:
            log.info(
                "nothing is left to do: %d updates are done, train_iters is %d", run.state.step, settings.train_iters
            )
        if settings.freeze_batch_norm and source is None:
            warn_of_untrained_statistics(config)
        if progress is not None:
            progress.start(run.state.step, settings.train_iters)
        stream = Timed(_stream(config, task, train_set, fabric, run.state.step))
        running = RunningLoss(fabric.device, run.state.step, run.state.loss_total, run.state.loss_count)
        best = last = None
        clock, since = time.monotonic(), run.state.step
        agreement = Agreement(fabric, run.state.step)
        training_mode(module, frozen)
        with run.saved_when_stopped(running):
            while True:
                step = run.state.step
                if run.validation_is_due():
                    run.require_finite(running)  # a network of NaNs is not worth a validation
                    validation_started = time.monotonic()
                    last = run.validate(val_set, journal, progress, stop)
                    best = last if run.state.since_best == 0 else best
                    training_mode(module, frozen)
                    clock += time.monotonic() - validation_started
                ended = step >= settings.train_iters or run.is_given_up()
                if ended or (step > 0 and step % settings.checkpoint_interval == 0):
                    run.save(running)
                if ended:
                    break
                learning_rate.set(step)
                update(stream, step, running)
                step = run.state.step = step + 1
                if averaged is not None:
                    averaged.update(net, step)

                mean = None
                if step % settings.print_interval == 0 or step == settings.train_iters:
                    mean = running.mean(fabric)  # the only point at which updates wait for the device
                    seconds = time.monotonic() - clock
                    speed, waiting = (step - since) * settings.batch_size / seconds, stream.seconds / seconds
                    journal.write("train", step, {"train_loss": mean, "lr": learning_rate.value}, prefix="loss")
                    journal.watch(step, {"images_per_second": speed, "waiting_share": waiting}, prefix="speed")
                    log.info("iteration %d: loss %.4f, lr %.3g, %s images/s, %.0f %% of it waiting for data",
                             step, mean, learning_rate.value, rate_text(speed), 100 * waiting)  # fmt: skip
                    clock, since, stream.seconds = time.monotonic(), step, 0.0
                if progress is not None:
                    progress.step(step, mean, learning_rate.value)
                if agreement.reached(step, stop.requested):
                    raise KeyboardInterrupt
    return TrainingResult(folder, best or _kept_best(folder), last, time.monotonic() - started)


def _kept_best(folder: Path) -> Evaluation | None:
    """What the best checkpoint says of itself, where it was kept before the run was resumed."""
    file = folder / "best.safetensors"
    if not file.is_file():
        return None
    card = read_card(file)
    return Evaluation(card.scores, card.protocol)


class _Run:
    """The state of a run, and what is done with all of it: validate, save, resume."""

    def __init__(
        self,
        config: Config,
        task: Task,
        folder: Path,
        fabric: Fabric,
        net: Network,
        optimizer: Optimizer,
        averaged: AveragedNetwork | None,
    ) -> None:
        self.config = config
        self.task = task
        self.folder = folder
        self.fabric = fabric
        self.net = net
        self.optimizer = optimizer
        self.averaged = averaged
        self.state = TrainingState()
        self.checkpoints = Checkpoints(folder, config.training.keep_checkpoints)
        self._saved = (0, 0)

    def resume(self, source: Path) -> None:
        """Go on from a checkpoint."""
        self.state, content = read_checkpoint(source)
        scaler = self.fabric.strategy.precision
        options = [{k: v for k, v in g.items() if k not in ("params", "lr")} for g in self.optimizer.param_groups]
        try:
            self.net.load_state_dict(content["model_state"])
            self.optimizer.load_state_dict(content["optimizer_state"])
            scaler.load_state_dict(content.get("precision_state", {}))
            if self.averaged is not None:
                self.averaged.load_state_dict(content["averaged_state"])
        except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
            said = (str(error).strip().splitlines() or [type(error).__name__])[-1].strip()
            raise ConfigError(f"training.resume: {str(source)!r} does not fit this configuration ({said})") from None
        for restored, own in zip(self.optimizer.param_groups, options, strict=True):
            restored.update(own)  # the configuration's, which may have changed
        self._saved = (self.state.step, self.state.validated)
        if source.parent == self.folder / "checkpoints":
            self._set_aside_what_came_later()

    def _set_aside_what_came_later(self) -> None:
        """A run that goes on from an older checkpoint leaves the later ones, and a later best, to themselves."""
        best = from_first(self.fabric, self._best_on_disk())
        if best is not None and best != self.state.best:  # its weights are of an update that will be done anew
            self.state.best, self.state.since_best = None, 0
        if self.fabric.is_global_zero:
            moved = self.checkpoints.set_aside_after(self.state.step)
            if moved:
                log.info("later checkpoints are set aside: %s", ", ".join(map(str, moved)))
            if best is not None and self.state.best is None:
                kept = (self.folder / "best.safetensors").replace(self.folder / "best-abandoned.safetensors")
                log.info("the best so far was found later than the checkpoint; it is set aside: %s", kept)

    def _best_on_disk(self) -> float | None:
        if not self.fabric.is_global_zero or (kept := _kept_best(self.folder)) is None:
            return None
        return kept.scores.get(self.task.best_score)

    def validation_is_due(self) -> bool:
        """Whether the network of this step should be scored and was not."""
        step, settings = self.state.step, self.config.training
        regular = step > 0 and step % settings.val_interval == 0
        return self.state.validated < step and (regular or step >= settings.train_iters)

    def is_given_up(self) -> bool:
        """Whether early stopping has run out of patience."""
        patience = self.config.training.early_stop_patience
        if patience is None or self.state.since_best < patience:
            return False
        log.info("stopped early: %d validations without a better %s", self.state.since_best, self.task.best_score)
        return True

    def validate(self, dataset: Dataset, journal: Journal, progress: Progress | None, stop: StopRequest) -> Evaluation:
        """Score the network (the averaged one where there is one), record it, keep it if it is the best."""
        self._share_statistics()
        net = self.net if self.averaged is None else self.averaged.net
        alone = self.fabric.world_size == 1

        def watch(done: int, count: int) -> None:
            if progress is not None:
                progress.validating(done, count)
            if alone:  # together they stop between updates
                stop.check()

        samples = Samples(dataset, self.task.target)
        settings, data = self.config.training, self.config.data
        evaluation = evaluate(
            net, dataset, self.task, size=(data.img_rows, data.img_cols), batch_size=settings.batch_size,
            n_workers=settings.n_workers, progress=watch, skip_bad=data.skip_bad, watch=samples.watch,
        )  # fmt: skip
        state = self.state
        journal.write("validation", state.step, evaluation.scores, prefix="val_metrics")
        journal.show(state.step, samples.pictures)
        log.info("iteration %d: %s", state.step, _summary(evaluation, self.task))
        net.card = net.card.model_copy(update={"scores": evaluation.scores, "protocol": evaluation.protocol})
        score = evaluation.scores[self.task.best_score]
        state.since_best += 1
        if self.task.is_better(score, state.best):
            state.best, state.since_best = score, 0
            if self.fabric.is_global_zero:
                save_network(net, self.folder / "best.safetensors")
        state.validated = state.step
        return evaluation

    @contextmanager
    def saved_when_stopped(self, running: RunningLoss) -> Iterator[None]:
        """Write the state down when the run is interrupted, or its data fails, or it is not finite."""
        try:
            try:
                yield
            except KeyboardInterrupt:
                self.save(running)
                log.info("interrupted at iteration %d; go on with training.resume=%s", self.state.step, self.folder)
                raise
            except (SegdepthError, OSError) as error:  # a picture that cannot be read, say
                if self.fabric.world_size == 1 and not isinstance(error, NotFiniteError):
                    self.save(running)
                    log.info("saved at iteration %d; go on with training.resume=%s", self.state.step, self.folder)
                raise
        except NotFiniteError as error:
            kept = self.save_apart("not-finite.pt")
            raise NotFiniteError(
                f"{error}. The state it was found in is {kept}; checkpoints are from before. "
                "Try a smaller training.optimizer.lr, or training.clip_grad_norm"
            ) from None

    def require_finite(self, running: RunningLoss) -> float:
        """The sum of the losses; waits for the device.

        Raises:
            NotFiniteError: if a loss since the last look, or a weight, is not finite.
        """
        total = running.total(self.fabric)
        if not torch.stack([p.detach().isfinite().all() for p in self.net.parameters()]).all():
            raise NotFiniteError(f"weights are not finite after iteration {self.state.step}, though its loss was")
        return total

    def save(self, running: RunningLoss) -> None:
        """Write a checkpoint, unless this very state is on disk.

        Raises:
            NotFiniteError: see :meth:`require_finite`.
        """
        position = (self.state.step, self.state.validated)
        if self._saved == position:
            return
        total = self.require_finite(running)
        self._share_statistics()
        self.state.loss_total, self.state.loss_count = total, running.count
        if self.fabric.is_global_zero:
            self.checkpoints.save(self.state, self._content())
        self._saved = position

    def _share_statistics(self) -> None:
        share_statistics(self.net)
        if self.averaged is not None:
            share_statistics(self.averaged.net)

    def save_apart(self, name: str) -> Path:
        """Write the state to look at, not to go on from."""
        path = self.folder / name
        if self.fabric.is_global_zero:
            self.checkpoints.save_apart(name, self.state, self._content())
        return path

    def _content(self) -> dict[str, Any]:
        content = {
            "card": self.net.card.model_dump_json(),
            "model_state": self.net.state_dict(),
            "optimizer_state": self.optimizer.state_dict(),
            "precision_state": self.fabric.strategy.precision.state_dict(),
        }
        return content if self.averaged is None else content | {"averaged_state": self.averaged.state_dict()}


def _checkpoint_to_resume(resume: Path | None, runs: Path) -> Path | None:
    if resume is None:
        return None
    if str(resume) != "auto":
        return find_checkpoint(resume)
    found = newest_whole_checkpoint(runs)
    log.info("resume auto: %s", found or f"nothing to go on with in {runs}, a new run begins")
    return found


def _folder_of(source: Path | None, root: Path, name: str, config: Config) -> Path:
    if source is None:
        return create_run_folder(root, name, config)
    folder = _run_of(source)
    require_same_experiment(folder, config)
    return folder


def _claim(
    source: Path | None, root: Path, name: str, config: Config, until_the_end: ExitStack
) -> Path | SegdepthError | OSError:
    """The run's folder, held; or why it is not to be had."""
    try:
        folder = _folder_of(source, root, name, config)
        until_the_end.enter_context(held(folder))
        remove_unfinished(folder)
    except (SegdepthError, OSError) as error:
        return error
    return folder


def _run_of(checkpoint: Path) -> Path:
    """The folder of a checkpoint's run."""
    return checkpoint.parent.parent if checkpoint.parent.name == "checkpoints" else checkpoint.parent


def _with_precision(config: Config, source: Path | None, accelerator: str) -> tuple[Config, str]:
    """The configuration with the precision that the run computes in, and what has to be said about it."""
    begun = None if source is None else recorded_precision(_run_of(source))
    precision, remark = resolve_precision(config.training.precision, _device_of(accelerator), begun)
    training = config.training.model_copy(update={"precision": precision})
    return config.model_copy(update={"training": training}), remark


def _device_of(accelerator: str) -> torch.device:
    """The device that an accelerator's name leads to."""
    if accelerator in ("auto", "gpu"):
        found = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
        return found or torch.device("cpu")
    return torch.device(accelerator)


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


def _stream(config: Config, task: Task, dataset: Dataset, fabric: Fabric, start: int) -> Iterator[Batch]:
    settings, data = config.training, config.data
    size = (data.img_rows, data.img_cols)
    source = dataset if data.cache is None else Cached(dataset, size, data.cache)
    loader = training_loader(
        TrainingView(source, size, settings.augmentations, config.seed, data.skip_bad),
        task.target,
        batch_size=settings.batch_size,
        n_workers=settings.n_workers,
        start=start,
        stop=settings.train_iters,
        pin_memory=fabric.device.type == "cuda",
        accumulation=settings.accumulation,
        rank=fabric.global_rank,
        processes=fabric.world_size,
    )
    return batches(loader, fabric.device)


def _introduce(config: Config, net: Network, train_set: Dataset, val_set: Dataset, fabric: Fabric) -> None:
    processes = f" x {fabric.world_size} processes" if fabric.world_size > 1 else ""
    log.info(
        "%s for %s: %d training and %d validation pictures, %.1f million parameters, %s%s, in %s",
        config.model.arch, config.task, len(train_set), len(val_set),
        sum(p.numel() for p in net.parameters()) / 1e6, fabric.device, processes, config.training.precision,
    )  # fmt: skip
    if shared := shared_scenes(train_set.names, val_set.names):
        log.warning("LEAK: %d validation pictures are from drives of the training split (%s)",
                    sum(shared.values()), ", ".join(sorted(shared)[:3]))  # fmt: skip


def _summary(evaluation: Evaluation, task: Task) -> str:
    values = ((name, evaluation.scores.get(name)) for name in task.table_scores)
    return ", ".join(f"{name} {value:.4f}" for name, value in values if value is not None)
