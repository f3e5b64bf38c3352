"""One update of a network, and the loss as it goes on: nothing here waits for the device but what says so."""

import math
import random
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.wrappers import _FabricModule, _FabricOptimizer
from torch import Tensor

from segdepth.core.errors import SegdepthError
from segdepth.data.loading import Batch
from segdepth.networks import Network

from .convolutions import FasterGradients
from .distributed import gather

__all__ = ["NotFiniteError", "RunningLoss", "Update"]


class NotFiniteError(SegdepthError):
    """The loss, or a weight, became NaN or infinite."""


class RunningLoss:
    """The sum of the updates' losses, and the first update whose loss was not finite: both on the device.

    Args:
        device: of the losses.
        step: updates done so far.
        total: the sum so far, where a run goes on.
        count: updates in it.
    """

    def __init__(self, device: torch.device, step: int, total: float = 0.0, count: int = 0) -> None:
        self._total = torch.tensor(total, dtype=torch.float64, device=device)
        self._first_bad = torch.zeros((), dtype=torch.int64, device=device)
        self._names: dict[int, list[str]] = {}
        self._step = step
        self.count = count

    def add(self, loss: Tensor, names: Sequence[str]) -> None:
        """The loss of the next update, and the pictures it came from."""
        self._step += 1
        self.count += 1
        self._names[self._step] = list(names)
        self._total += loss
        bad = (self._first_bad == 0) & ~torch.isfinite(loss)
        self._first_bad.copy_(torch.where(bad, self._step, self._first_bad))

    def total(self, fabric: Fabric) -> float:
        """The sum of this process; waits for the device, and for the other processes.

        Raises:
            NotFiniteError: in every process, naming the first update whose loss was not finite in any, and its pictures
                there.
        """
        total, first_bad = torch.stack([self._total, self._first_bad.double()]).tolist()
        found = gather(fabric, (int(first_bad), math.isfinite(total), self._names.get(int(first_bad), ["?"])))
        if bad := [(step, names) for step, _, names in found if step]:
            first = min(step for step, _ in bad)
            pictures = ", ".join(name for step, names in bad if step == first for name in names)
            raise NotFiniteError(f"the loss is not finite at iteration {first} (its pictures: {pictures})")
        if not all(finite for _, finite, _ in found):
            raise NotFiniteError(f"the loss is not finite at or before iteration {self._step}")
        self._names.clear()
        return float(total)

    def mean(self, fabric: Fabric) -> float:
        """The mean since the last call, over all processes; begins anew. Waits for the device.

        Raises:
            NotFiniteError: as :meth:`total`.
        """
        mean = self.total(fabric) / max(1, self.count)
        self._total.zero_()
        self.count = 0
        if fabric.world_size == 1:
            return mean
        means = torch.tensor(mean, dtype=torch.float64, device=fabric.device)
        reduced = fabric.all_reduce(means, reduce_op="mean")
        assert isinstance(reduced, Tensor)
        return reduced.item()


class Update:
    """One update: forward and backward of all parts of a batch, gradient clipping, the optimizer's step.

    Args:
        fabric: devices, precision and processes.
        net: whose preprocessing is used.
        module: the same network as ``fabric`` set it up.
        optimizer: as ``fabric`` set it up; its rates are the update's.
        loss: of output and target.
        accumulation: parts per update.
        clip_grad_norm: longest gradient; None: any.
        seed: of the run; what a part draws (dropout) follows from it, the step and the part's number alone.
    """

    def __init__(
        self,
        fabric: Fabric,
        net: Network,
        module: _FabricModule,
        optimizer: _FabricOptimizer,
        loss: Callable[[Tensor, Tensor], Tensor],
        *,
        accumulation: int = 1,
        clip_grad_norm: float | None = None,
        seed: int = 0,
    ) -> None:
        self._fabric = fabric
        self._net = net
        self._module = module
        self._optimizer = optimizer
        self._loss = loss
        self._accumulation = accumulation
        self._clip_grad_norm = clip_grad_norm
        self._seed = seed

    def __call__(self, batches: Iterator[Batch], step: int, running: RunningLoss) -> None:
        """Do update number ``step`` (from 0) with the next ``accumulation`` batches.

        Raises:
            StopIteration: if the batches have come to their end.
        """
        self._optimizer.zero_grad(set_to_none=True)
        losses, names = [], []
        for part in range(self._accumulation):
            batch = next(batches)  # before the seed: a loader that starts draws a number
            seed_step(self._seed, step, part * self._fabric.world_size + self._fabric.global_rank)
            with self._fabric.no_backward_sync(self._module, enabled=part < self._accumulation - 1):
                with FasterGradients():
                    output = self._module(self._net.preprocessing(batch.image))
                loss = self._loss(output, batch.target) / self._accumulation  # type: ignore[arg-type]
                self._fabric.backward(loss)
            losses.append(loss.detach())
            names += batch.names
        if self._clip_grad_norm is not None:
            self._fabric.clip_gradients(
                self._module, self._optimizer, max_norm=self._clip_grad_norm, error_if_nonfinite=False
            )
        self._optimizer.step()
        running.add(torch.stack(losses).sum() if len(losses) > 1 else losses[0], names)


def seed_step(seed: int, step: int, part: int = 0) -> None:
    """What a part of an update draws follows from the seed, the step and the part's number alone, whoever is asked."""
    drawn = int(np.random.SeedSequence((seed, step, part)).generate_state(1, np.uint64)[0])
    torch.manual_seed(drawn)
    random.seed(drawn)  # somebody else's network may draw from these two
    np.random.seed(drawn % 2**32)
