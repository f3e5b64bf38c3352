"""Training, from top to bottom: validate if due, checkpoint if due, update, log."""

import logging
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from segdepth.config import Config
from segdepth.config.splits import open_split
from segdepth.core import group
from segdepth.data.loading import Timed
from segdepth.evaluation import Evaluation
from segdepth.networks import Network
from segdepth.runs import RunFolder

from .assemble import Assembly, assemble, training_stream
from .checkpoints import checkpoint_to_resume
from .distributed import Agreement
from .reporting import Report, introduce
from .state import kept_best
from .stopping import StopRequest
from .validation import Validation
from .watching import Progress

__all__ = ["TrainingResult", "train"]


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

    @property
    def checkpoint(self) -> Path:
        """The network that scored best, with its card; what :func:`segdepth.load` takes."""
        return RunFolder(self.folder).best

    @property
    def scores(self) -> dict[str, float | None]:
        """Those of the network that scored best; empty where nothing was validated."""
        return {} if self.best is None else dict(self.best.scores)


def train(
    config: Config,
    *,
    name: str,
    root: Path = Path("runs"),
    accelerator: str = "auto",
    progress: Progress | None = None,
    net: Network | None = None,
) -> TrainingResult:
    """Run a configuration. Under ``torchrun`` every process of the group calls this.

    Args:
        config: checked.
        name: of the configuration; the run's folder is ``root/name/<time>``.
        root: where runs are kept.
        accelerator: "auto", "cpu", "cuda" or "mps".
        progress: who watches.
        net: is trained itself in place of the configured network, whose section has to say what it is.

    Raises:
        SegdepthError: if the data, a checkpoint or the configuration cannot be used, or the loss is not finite.
    """
    if group.rank() != 0:
        progress = None
        logging.getLogger("segdepth").setLevel(logging.ERROR)
    train_set = open_split(config, config.data.train_split)
    val_set = open_split(config, config.data.val_split)
    runs = root / name
    source = checkpoint_to_resume(config.training.resume, runs)
    started = time.monotonic()
    with ExitStack() as until_the_end:
        made = assemble(
            config, train_set, source, runs=runs, accelerator=accelerator, until_the_end=until_the_end, given=net
        )
        run, stop = made.run, until_the_end.enter_context(StopRequest())
        introduce(run, train_set, val_set, remark=made.remark, resumed=source is not None)
        if progress is not None:
            progress.start(run.state.step, config.training.train_iters)
        validation = Validation(run, val_set, made.journal, progress, stop)
        stream = until_the_end.enter_context(closing(training_stream(run, train_set)))
        _loop(made, stream, validation, stop, progress)
        best = validation.best or kept_best(run.folder)
    return TrainingResult(run.folder.path, best, validation.last, time.monotonic() - started)


def _loop(made: Assembly, stream: Timed, validation: Validation, stop: StopRequest, progress: Progress | None) -> None:
    run, settings = made.run, made.run.config.training
    report, agreement = Report(run, made.journal, stream), Agreement(run.fabric, run.state.step)
    made.to_training_mode()
    with run.saved_when_stopped():
        while True:
            if validation.is_due():
                run.require_finite()  # a network of NaNs is not worth a validation
                with report.paused():
                    validation()
                    made.to_training_mode()
            step = run.state.step
            ended = step >= settings.train_iters or validation.gives_up()
            if ended or (step > 0 and step % settings.checkpoint_interval == 0):
                run.save()
            if ended:
                return

            made.learning_rate.set(step)
            made.update(stream, step, run.loss)
            run.advance()

            step, rate, mean = run.state.step, made.learning_rate.value, None
            if step % settings.print_interval == 0 or step == settings.train_iters:
                mean = report.write(rate)  # the only point at which updates wait for the device
            if progress is not None:
                progress.step(step, mean, rate)
            if agreement.reached(step, stop.requested):
                raise KeyboardInterrupt
