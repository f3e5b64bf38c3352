"""The learning rate: a function of the updates done, and the one who writes it to an optimizer."""

from collections.abc import Sequence

from torch.optim import Optimizer

from segdepth.optim import Rate

__all__ = ["LearningRate"]


class LearningRate:
    """What the groups of an optimizer learn with. Nobody else writes their ``lr``.

    It follows from the updates done, so nothing of it is restored: the rates that a checkpoint brings are written over.

    Args:
        optimizer: whose groups have their base rates from now on.
        base_rates: one for each group.
        schedule: rate of a base rate and the updates done.

    Attributes:
        value: the rate of the last group, which is the head's; the one that is logged.

    Raises:
        ValueError: if the optimizer has not one group for each base rate.
    """

    def __init__(self, optimizer: Optimizer, base_rates: Sequence[float], schedule: Rate) -> None:
        self._optimizer = optimizer
        self._base_rates = tuple(base_rates)
        self._schedule = schedule
        self._write(self._base_rates)

    def set(self, step: int) -> None:
        """The rates of update number ``step`` (from 0)."""
        self._write([self._schedule(base, step) for base in self._base_rates])

    def _write(self, rates: Sequence[float]) -> None:
        for group, rate in zip(self._optimizer.param_groups, rates, strict=True):
            group["lr"] = self.value = rate
