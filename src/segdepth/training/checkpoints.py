"""Everything that a stopped run needs to go on: written whole, kept, verified, found again. Loading executes no code."""

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from segdepth.core.errors import CheckpointError
from segdepth.core.files import replacing
from segdepth.core.reading import as_kind
from segdepth.networks.torch_files import load_torch_file, require_plain
from segdepth.runs import Checkpoint, RunFolder, meant_by

__all__ = [
    "Checkpoints",
    "TrainingState",
    "checkpoint_to_resume",
    "find_checkpoint",
    "newest_whole_checkpoint",
    "read_checkpoint",
]

log = logging.getLogger(__name__)

#: Says that a state was kept to look at.
_APART = "only_to_look_at"

_KEYS = {"card", "model_state", "optimizer_state", "state"}


@dataclass
class TrainingState:
    """Where a run is.

    Attributes:
        step: updates done.
        best: the best value so far of the score that keeps a checkpoint.
        validated: the step of the last validation.
        since_best: validations since the one that gave ``best``.
        loss_total: sum of the losses since the last line of the log.
        loss_count: updates in it.
    """

    step: int = 0
    best: float | None = None
    validated: int = 0
    since_best: int = 0
    loss_total: float = 0.0
    loss_count: int = 0


class Checkpoints:
    """Writes the checkpoints of a run.

    Args:
        folder: of the run.
        keep: how many stay, the newest.
    """

    def __init__(self, folder: RunFolder, keep: int = 2) -> None:
        self._folder = folder
        self._keep = keep

    def save(self, state: TrainingState, content: Mapping[str, Any]) -> Path:
        """Write one, whole or not at all, then remove the oldest beyond those that stay.

        Args:
            state: where the run is.
            content: ``card`` (JSON), ``model_state``, ``optimizer_state`` and what else goes on with the run.
        """
        path = self._folder.checkpoint(state.step)
        with replacing(path) as temporary:
            torch.save({**content, "state": asdict(state)}, temporary)
        for old in self._folder.checkpoints()[self._keep :]:
            old.path.unlink()
        return path

    def save_not_finite(self, state: TrainingState, content: Mapping[str, Any]) -> None:
        """Write one to look at, which no run goes on from."""
        with replacing(self._folder.not_finite) as temporary:
            torch.save({**content, "state": asdict(state), _APART: True}, temporary)

    def set_aside_after(self, step: int) -> list[Path]:
        """Move the checkpoints of later updates away, where a run goes on from an older one; returns where they are now."""
        moved = []
        for later in [checkpoint for checkpoint in self._folder.checkpoints() if checkpoint.step > step]:
            self._folder.checkpoints_set_aside.mkdir(exist_ok=True)
            moved.append(later.path.replace(self._folder.checkpoints_set_aside / later.path.name))
        return moved


def read_checkpoint(path: Path) -> tuple[TrainingState, dict[str, Any]]:
    """A verified checkpoint: where the run was, and what it held.

    Raises:
        CheckpointError: if the file is missing, truncated, damaged or foreign; the message names the whole one before it.
    """
    try:
        return _read(path)
    except CheckpointError as error:
        before = _whole_one_before(path)
        offer = f"; the one before it is whole: training.resume={before}" if before is not None else ""
        raise CheckpointError(f"training.resume: {error}{offer}") from None


def _read(path: Path) -> tuple[TrainingState, dict[str, Any]]:
    if not path.is_file():
        raise CheckpointError(f"there is no checkpoint {str(path)!r}")
    if path.suffix == ".safetensors":
        raise CheckpointError(
            f"{str(path)!r} holds weights only, which training.init_from starts from; to go on, name the run's folder"
        )
    content = load_torch_file(path)
    if not isinstance(content, dict) or not content.keys() >= _KEYS:
        raise CheckpointError(f"{str(path)!r} is no checkpoint of a run")
    if _APART in content:
        raise CheckpointError(f"{str(path)!r} was kept to look at: its loss or weights are not finite")
    require_plain(content, path)
    where = f"{str(path)!r} is no checkpoint of a run: its state"
    state: TrainingState = as_kind(TrainingState, content["state"], where, error=CheckpointError, strict=True)
    return state, content


def _whole_one_before(path: Path) -> Path | None:
    if (broken := Checkpoint.at(path)) is None:
        return None
    before = (other.path for other in RunFolder.of(path).checkpoints() if other.step < broken.step)
    return next(filter(_is_whole, before), None)


def _is_whole(path: Path) -> bool:
    try:
        _read(path)
    except CheckpointError as error:
        log.warning("passed over: %s", error)
        return False
    return True


def checkpoint_to_resume(resume: Path | None, runs: Path) -> Path | None:
    """The checkpoint that ``training.resume`` means; None for a new run.

    Args:
        resume: of the configuration.
        runs: the folder of the configuration's runs, in which ``auto`` looks; what it finds is logged.

    Raises:
        CheckpointError: if a named one is not there.
    """
    if resume is None:
        return None
    if str(resume) != "auto":
        return find_checkpoint(resume)
    found = newest_whole_checkpoint(runs)
    log.info("resume auto: %s", found or f"nothing to go on with in {runs}, a new run begins")
    return found


def find_checkpoint(where: Path) -> Path:
    """The checkpoint that a user means: the file; a run folder's newest; or that of a configuration's newest run.

    Raises:
        CheckpointError: if there is none.
    """
    if where.is_file():
        return where
    for run in meant_by(where):
        for checkpoint in run.checkpoints():
            return checkpoint.path
    raise CheckpointError(
        f"training.resume: there is no run in {str(where)!r}; name a run folder, or a file of its checkpoints folder"
    )


def newest_whole_checkpoint(where: Path) -> Path | None:
    """The newest whole checkpoint of a configuration's newest run; None where that has none, or there is no run."""
    for run in meant_by(where):
        for checkpoint in run.checkpoints():
            if _is_whole(checkpoint.path):
                return checkpoint.path
        if run.config.is_file():
            log.info("resume auto: the newest run %s has no whole checkpoint", run)
            return None
    return None
