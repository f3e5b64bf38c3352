"""The state of a run, and what is done with all of it: advance, save, resume."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch.optim import Optimizer

from segdepth.config import Config
from segdepth.core.errors import ConfigError, SegdepthError
from segdepth.evaluation import Evaluation
from segdepth.networks import Network, read_card
from segdepth.runs import RunFolder
from segdepth.tasks import TASKS

from .averaging import AveragedNetwork
from .checkpoints import Checkpoints, TrainingState, read_checkpoint
from .distributed import from_first, share_statistics
from .update import NotFiniteError, RunningLoss

__all__ = ["Run", "kept_best"]

log = logging.getLogger(__name__)


class Run:
    """The state of a run, and what is done with all of it: advance, save, resume.

    Args:
        config: in force, its precision resolved.
        folder: of the run.
        fabric: devices, precision and processes.
        net: that learns, on its device.
        optimizer: as ``fabric`` set it up.

    Attributes:
        config, folder, fabric, net: as given.
        task: that the network learns.
        state: where the run is.
        loss: the running loss.
        averaged: the averaged network, where one is asked for.
        scored: the network that is validated and kept: the averaged one where there is one.
    """

    def __init__(self, config: Config, folder: RunFolder, fabric: Fabric, net: Network, optimizer: Optimizer) -> None:
        settings = config.training
        self.config = config
        self.task = TASKS[config.task]
        self.folder = folder
        self.fabric = fabric
        self.net = net
        self.averaged = None if settings.ema_decay is None else AveragedNetwork(net, settings.ema_decay)
        self.scored = net if self.averaged is None else self.averaged.net
        self.state = TrainingState()
        self.loss = RunningLoss(fabric.device, step=0)
        self._optimizer = optimizer
        self._checkpoints = Checkpoints(folder, settings.keep_checkpoints)
        self._saved = (0, 0)

    def advance(self) -> None:
        """Count the update that was done; the averaged weights follow it."""
        self.state.step += 1
        if self.averaged is not None:
            self.averaged.update(self.net, self.state.step)

    def resume(self, source: Path) -> None:
        """Go on from a checkpoint.

        Raises:
            CheckpointError: if it is missing, damaged or foreign.
            ConfigError: if it does not fit the configuration.
        """
        self.state, content = read_checkpoint(source)
        try:
            self._load(content)
        except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
            said = (str(error).strip().splitlines() or [type(error).__name__])[-1].strip()
            raise ConfigError(f"training.resume: {str(source)!r} does not fit this configuration ({said})") from None
        state = self.state
        self.loss = RunningLoss(self.fabric.device, state.step, state.loss_total, state.loss_count)
        self._saved = (state.step, state.validated)
        if source.parent == self.folder.checkpoint_folder:
            self._set_aside_what_came_later()

    def _load(self, content: Mapping[str, Any]) -> None:
        options = [{k: v for k, v in g.items() if k not in ("params", "lr")} for g in self._optimizer.param_groups]
        self.net.load_state_dict(content["model_state"])
        _require_memories(content["optimizer_state"])
        self._optimizer.load_state_dict(content["optimizer_state"])
        _require_whole(self._optimizer)
        self.fabric.strategy.precision.load_state_dict(content.get("precision_state", {}))
        if self.averaged is not None:
            self.averaged.load_state_dict(content["averaged_state"])
        for restored, own in zip(self._optimizer.param_groups, options, strict=True):
            restored.update(own)  # the configuration's, which may have changed

    def _set_aside_what_came_later(self) -> None:
        """A run that goes on from an older checkpoint leaves the later ones, and a later best, to themselves."""
        best = from_first(self.fabric, self._best_on_disk())
        if best is not None and best != self.state.best:  # its weights are of an update that will be done anew
            self.state.best, self.state.since_best = None, 0
        if self.fabric.is_global_zero:
            moved = self._checkpoints.set_aside_after(self.state.step)
            if moved:
                log.info("later checkpoints are set aside: %s", ", ".join(map(str, moved)))
            if best is not None and self.state.best is None:
                kept = self.folder.best.replace(self.folder.best_set_aside)
                log.info("the best so far was found later than the checkpoint; it is set aside: %s", kept)

    def _best_on_disk(self) -> float | None:
        if not self.fabric.is_global_zero or (kept := kept_best(self.folder)) is None:
            return None
        return kept.scores.get(self.task.best_score)

    @contextmanager
    def saved_when_stopped(self) -> Iterator[None]:
        """Write the state down when the run is interrupted, or its data fails, or it is not finite."""
        try:
            try:
                yield
            except KeyboardInterrupt:
                self.save()
                log.info("interrupted at iteration %d; go on with training.resume=%s", self.state.step, self.folder)
                raise
            except (SegdepthError, OSError) as error:  # a picture that cannot be read, say
                if self.fabric.world_size == 1 and not isinstance(error, NotFiniteError):
                    self.save()
                    log.info("saved at iteration %d; go on with training.resume=%s", self.state.step, self.folder)
                raise
        except NotFiniteError as error:
            if self.fabric.is_global_zero:
                self._checkpoints.save_not_finite(self.state, self._content())
            raise NotFiniteError(
                f"{error}. The state it was found in is {self.folder.not_finite}; checkpoints are from before. "
                "Try a smaller training.optimizer.lr, or training.clip_grad_norm"
            ) from None

    def require_finite(self) -> float:
        """The sum of the losses; waits for the device.

        Raises:
            NotFiniteError: if a loss since the last look, or a weight, is not finite.
        """
        total = self.loss.total(self.fabric)
        if not torch.stack([p.detach().isfinite().all() for p in self.net.parameters()]).all():
            raise NotFiniteError(f"weights are not finite after iteration {self.state.step}, though its loss was")
        return total

    def save(self) -> None:
        """Write a checkpoint, unless this very state is on disk.

        Raises:
            NotFiniteError: see :meth:`require_finite`.
        """
        position = (self.state.step, self.state.validated)
        if self._saved == position:
            return
        self.state.loss_total, self.state.loss_count = self.require_finite(), self.loss.count
        self.share_statistics()
        if self.fabric.is_global_zero:
            self._checkpoints.save(self.state, self._content())
        self._saved = position

    def share_statistics(self) -> None:
        """Give every process the running statistics of process 0, so that all score and save one network."""
        share_statistics(self.net)
        if self.averaged is not None:
            share_statistics(self.averaged.net)

    def _content(self) -> dict[str, Any]:
        content = {
            "card": self.net.card.model_dump_json(),
            "model_state": self.net.state_dict(),
            "optimizer_state": self._optimizer.state_dict(),
            "precision_state": self.fabric.strategy.precision.state_dict(),
        }
        return content if self.averaged is None else content | {"averaged_state": self.averaged.state_dict()}


def _require_memories(optimizer_state: Any) -> None:
    """Refuse what PyTorch would try to make an optimizer's memory of, with warnings, before it does.

    Raises:
        ValueError: if a parameter's memory is no mapping, or holds tensors that are no plain real numbers.
    """
    for memory in optimizer_state["state"].values():
        if not isinstance(memory, Mapping):
            raise ValueError(f"the optimizer's memory of a parameter is a {type(memory).__name__}")
        for name, value in memory.items():
            if isinstance(value, torch.Tensor) and not (value.is_floating_point() and value.layout == torch.strided):
                raise ValueError(f"the optimizer's {name} is {value.dtype} ({value.layout})")


def _require_whole(optimizer: Optimizer) -> None:
    """Refuse an optimizer whose memory of its parameters is not of one kind, or not of their shapes, before it is used.

    PyTorch takes many parameters in one step, and does not look: what is too small is written beyond.

    Raises:
        ValueError: if so.
    """
    names = {frozenset(map(str, memory)) for memory in optimizer.state.values()}
    if len(names) > 1:
        some = sorted(frozenset.union(*names) - frozenset.intersection(*names))
        raise ValueError(f"the optimizer knows {some} of some parameters only")
    kinds: dict[str, set[str]] = {}
    for parameter, memory in optimizer.state.items():
        for name, value in memory.items():
            kind = _kind(value, parameter)
            if (
                parameter.dim() or kind != "a number"
            ):  # of a parameter that is one itself, a number is of its shape, too
                kinds.setdefault(str(name), set()).add(kind)
    for name, found in kinds.items():
        if len(found) > 1:
            raise ValueError(f"the optimizer's {name} is {' or '.join(sorted(found))}, from one parameter to the next")
        if "of another shape" in found:
            raise ValueError(f"the optimizer's {name} is of another shape than the parameters")


def _kind(value: Any, parameter: torch.Tensor) -> str:
    if not isinstance(value, torch.Tensor):
        return f"a {type(value).__name__}"
    if value.dim() == 0:
        return "a number"
    return "of its shape" if value.shape == parameter.shape else "of another shape"


def kept_best(folder: RunFolder) -> Evaluation | None:
    """What the best checkpoint of a run's folder says of itself; None where none was kept."""
    if not folder.best.is_file():
        return None
    card = read_card(folder.best)
    return Evaluation(card.scores, card.protocol)
