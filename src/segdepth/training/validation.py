"""Validations: when they are due, what they say, and whether the run goes on after them."""

import logging

from segdepth.data import Dataset
from segdepth.evaluation import Evaluation, evaluate
from segdepth.networks import save_network
from segdepth.tasks import Task

from .journal import Journal
from .state import Run
from .stopping import StopRequest
from .watching import Progress, Samples

__all__ = ["Validation"]

log = logging.getLogger(__name__)


class Validation:
    """Scores the network of a run (the averaged one where there is one), records it, keeps it if it is the best.

    Args:
        run: whose network.
        dataset: the validation split.
        journal: of the run.
        progress: who watches.
        stop: whether the run was asked to stop.

    Attributes:
        best: the best evaluation of this call of the program; None where an older one stays the best.
        last: the last evaluation.
    """

    def __init__(
        self, run: Run, dataset: Dataset, journal: Journal, progress: Progress | None, stop: StopRequest
    ) -> None:
        self._run = run
        self._dataset = dataset
        self._journal = journal
        self._progress = progress
        self._stop = stop
        self.best: Evaluation | None = None
        self.last: Evaluation | None = None

    def is_due(self) -> bool:
        """Whether the network of this step should be scored and was not."""
        state, settings = self._run.state, self._run.config.training
        regular = state.step > 0 and state.step % settings.val_interval == 0
        return state.validated < state.step and (regular or state.step >= settings.train_iters)

    def gives_up(self) -> bool:
        """Whether early stopping has run out of patience; that is logged."""
        since, patience = self._run.state.since_best, self._run.config.training.early_stop_patience
        if patience is None or since < patience:
            return False
        log.info("stopped early: %d validations without a better %s", since, self._run.task.best_score)
        return True

    def __call__(self) -> None:
        """Score, record, and keep what is the best.

        Raises:
            KeyboardInterrupt: if a run of one process was asked to stop meanwhile.
        """
        run, settings, data = self._run, self._run.config.training, self._run.config.data
        run.share_statistics()
        samples = Samples(self._dataset, run.task.target)
        self.last = evaluate(
            run.scored, self._dataset, run.task, size=(data.img_rows, data.img_cols), batch_size=settings.batch_size,
            n_workers=settings.n_workers, progress=self._watch, skip_bad=data.skip_bad, watch=[samples.watch],
            beside=settings.metrics,
        )  # fmt: skip
        self._journal.write("validation", run.state.step, self.last.scores, prefix="val_metrics")
        self._journal.show(run.state.step, samples.pictures)
        log.info("iteration %d: %s", run.state.step, _summary(self.last, run.task))
        self._keep_if_best(self.last)
        run.state.validated = run.state.step

    def _watch(self, done: int, count: int) -> None:
        if self._progress is not None:
            self._progress.validating(done, count)
        if self._run.fabric.world_size == 1:  # together they stop between updates
            self._stop.check()

    def _keep_if_best(self, evaluation: Evaluation) -> None:
        run, net, state = self._run, self._run.scored, self._run.state
        net.card = net.card.model_copy(update={"scores": evaluation.scores, "protocol": evaluation.protocol})
        score = evaluation.scores[run.task.best_score]
        if not run.task.is_better(score, state.best):
            state.since_best += 1
            return
        if run.fabric.is_global_zero:
            save_network(net, run.folder.best)
        # only now: a state that is saved because this could not be written does not say that it was
        state.best, state.since_best, self.best = score, 0, evaluation


def _summary(evaluation: Evaluation, task: Task) -> str:
    values = ((name, evaluation.scores.get(name)) for name in (*task.table_scores, *evaluation.beside))
    return ", ".join(f"{name} {value:.4f}" for name, value in values if value is not None)
