"""What a run says of itself: once, what it is, and now and then how its updates go."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from segdepth.core.words import counted
from segdepth.data import Dataset
from segdepth.data.leakage import shared_scenes
from segdepth.data.loading import Timed

from .journal import Journal
from .parameters import warn_of_untrained_statistics
from .state import Run
from .watching import rate_text

__all__ = ["Report", "introduce"]

log = logging.getLogger(__name__)


def introduce(run: Run, train_set: Dataset, val_set: Dataset, *, remark: str, resumed: bool) -> None:
    """Say what is trained on what, and what its user has to be told before the first update.

    Args:
        run: at its start, or where it goes on.
        train_set: that it learns from.
        val_set: that it is scored on.
        remark: on its precision, mostly empty.
        resumed: whether it goes on.
    """
    config, fabric = run.config, run.fabric
    processes = f" x {fabric.world_size} processes" if fabric.world_size > 1 else ""
    log.info(
        "%s for %s: %d training and %d validation pictures, %.1f million parameters, %s%s, in %s",
        config.model.arch, config.task, len(train_set), len(val_set),
        sum(p.numel() for p in run.net.parameters()) / 1e6, fabric.device, processes, config.training.precision,
    )  # fmt: skip
    if shared := shared_scenes(train_set.names, val_set.names):
        log.warning("LEAK: %s from drives of the training split (%s)",
                    counted(sum(shared.values()), "validation picture"), ", ".join(sorted(shared)[:3]))  # fmt: skip
    if remark:
        log.warning(remark)
    done, wanted = run.state.step, config.training.train_iters
    if done >= wanted:
        log.info("nothing is left to do: %d updates are done, train_iters is %d", done, wanted)
    if config.training.freeze_batch_norm and not resumed:
        warn_of_untrained_statistics(config)


class Report:
    """Says how updates go: their loss, the learning rate, their speed, and its share of waiting for data.

    Args:
        run: whose updates.
        journal: of the run.
        stream: that updates take their batches from.
    """

    def __init__(self, run: Run, journal: Journal, stream: Timed) -> None:
        self._run = run
        self._journal = journal
        self._stream = stream
        self._clock, self._since = time.monotonic(), run.state.step

    @contextmanager
    def paused(self) -> Iterator[None]:
        """For what is no update: its time does not count."""
        started = time.monotonic()
        yield
        self._clock += time.monotonic() - started

    def write(self, rate: float) -> float:
        """Record the updates since the last call; waits for the device.

        Args:
            rate: the learning rate of the last one.

        Returns:
            The mean of their losses, over all processes.

        Raises:
            NotFiniteError: if one of them is not finite.
        """
        run, step = self._run, self._run.state.step
        mean = run.loss.mean(run.fabric)
        seconds = time.monotonic() - self._clock
        speed, waiting = (step - self._since) * run.config.training.batch_size / seconds, self._stream.seconds / seconds
        self._journal.write("train", step, {"train_loss": mean, "lr": rate}, prefix="loss")
        self._journal.watch(step, {"images_per_second": speed, "waiting_share": waiting}, prefix="speed")
        log.info("iteration %d: loss %.4f, lr %.3g, %s images/s, %.0f %% of it waiting for data",
                 step, mean, rate, rate_text(speed), 100 * waiting)  # fmt: skip
        self._clock, self._since, self._stream.seconds = time.monotonic(), step, 0.0
        return mean
