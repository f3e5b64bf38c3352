"""A run on disk as plain data: what was trained, how far it came, how it scored, and what is wrong with its files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from .layout import RunFolder
from .order import Beginning, beginning
from .plain import count, mapping, numbers, word
from .record import value_of
from .tasks import TASK_FACTS

__all__ = ["Best", "Run"]


class Best(NamedTuple):
    """The best validation.

    Attributes:
        score: its name.
        value: of that score.
        step: updates done then; None where only the checkpoint's card is left to tell.
        scores: all of that validation.
    """

    score: str
    value: float
    step: int | None
    scores: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Run:
    """What the files of a run say.

    Attributes:
        folder: where its files are.
        below: its path, from the folder of runs on.
        config: the configuration in force, nested; empty if unknown.
        provenance: command, versions, git revision; empty if unknown.
        log: the good lines of it.
        card: of the network that scored best; empty if there is none.
        checkpoint_step: of the newest checkpoint to go on from, by its name; 0 if there is none.
        problems: a sentence for each file that is missing or broken.
    """

    folder: RunFolder
    below: Path
    config: Mapping[str, Any]
    provenance: Mapping[str, Any]
    log: Sequence[Mapping[str, Any]]
    card: Mapping[str, Any]
    checkpoint_step: int
    problems: tuple[str, ...]

    @property
    def name(self) -> str:
        """How it is listed: its path below the folder of runs."""
        return str(self.below)

    def setting(self, key: str) -> Any:
        """The configuration's value of a dotted key; None if there is none."""
        return value_of(self.config, key)

    @property
    def task(self) -> str | None:
        """Name of the task."""
        return word(self.setting("task")) or word(self.card.get("task"))

    @property
    def network(self) -> str | None:
        """Name of the network, with its variant where it has one: ``frrnA``."""
        arch = word(self.setting("model.arch")) or word(self.card.get("arch"))
        variant = word(self.setting("model.model_type"))
        return f"{arch}{variant}" if arch and variant and not arch.endswith(variant) else arch

    @property
    def dataset(self) -> str | None:
        """Name of the data set."""
        return word(self.setting("data.dataset"))

    @property
    def step(self) -> int:
        """Updates that are known to have been done."""
        logged: int = max((line["step"] for line in self.log), default=0)
        return max(self.checkpoint_step, logged)

    @property
    def train_iters(self) -> int | None:
        """Updates that were to be done."""
        return count(self.setting("training.train_iters"))

    @property
    def state(self) -> str:
        """How it ended.

        ``finished``, ``finished early`` (no better score for long enough), ``not finite`` (a loss or a weight), ``stopped``
        (or still at work), ``unknown``.
        """
        if self.train_iters is None:
            return "unknown"
        if self.step >= self.train_iters:
            return "finished"
        if self._out_of_patience():
            return "finished early"
        return "not finite" if self._ended_in_a_nan() else "stopped"

    def _ended_in_a_nan(self) -> bool:
        """The state that was kept to look at is the last that was written."""
        kept, log = self.folder.not_finite, self.folder.log
        return kept.is_file() and (not log.is_file() or kept.stat().st_mtime >= log.stat().st_mtime)

    def _out_of_patience(self) -> bool:
        patience, best = count(self.setting("training.early_stop_patience")), self.best
        if patience is None or best is None or best.step is None:
            return False
        return sum(step > best.step for step, _ in self.validations) >= patience

    @property
    def validations(self) -> list[tuple[int, dict[str, float]]]:
        """Step and scores of every validation; scores that are undefined are left out."""
        return [(line["step"], numbers(line)) for line in self.log if line["event"] == "validation"]

    @property
    def losses(self) -> list[tuple[int, float]]:
        """Step and training loss."""
        lines = ((line["step"], numbers(line)) for line in self.log if line["event"] == "train")
        return [(step, values["train_loss"]) for step, values in lines if "train_loss" in values]

    @property
    def best(self) -> Best | None:
        """The best validation of the log, or else what the best checkpoint's card says; None if there is neither."""
        facts = TASK_FACTS.get(self.task or "")
        if facts is None:
            return None
        name = facts.best_score
        found = [Best(name, scores[name], step, scores) for step, scores in self.validations if name in scores]
        if not found:
            scores = numbers(mapping(self.card.get("scores")))
            return Best(name, scores[name], None, scores) if name in scores else None
        better = max if facts.higher_is_better(name) else min
        return better(found, key=lambda best: best.value)

    @property
    def started(self) -> datetime:
        """When the run began: as it says, as its folder is named, or when that was last written to."""
        said = {key: value for key, value in self.provenance.items() if key == "time"}  # of its clock, right or wrong
        return beginning(self.folder, said).time

    @property
    def place(self) -> Beginning:
        """In the order in which runs began."""
        return beginning(self.folder, self.provenance)

    @property
    def revision(self) -> str | None:
        """The git commit, short, with a ``+`` if files differed from it; None if unknown."""
        git = mapping(self.provenance.get("git"))
        commit = word(git.get("commit"))
        return commit[:8] + ("" if git.get("clean") else "+") if commit else None
