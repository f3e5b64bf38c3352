"""The processes of a run: started by ``torchrun``, or one."""

import logging
import time
import warnings
from typing import Any, TypeVar

import torch.distributed as dist
from lightning_fabric import Fabric
from torch import nn

from segdepth.config import Config
from segdepth.core import group
from segdepth.core.errors import ConfigError

__all__ = [
    "Agreement",
    "from_first",
    "gather",
    "launch",
    "require_even_parts",
    "share_statistics",
    "with_synchronised_batch_norm",
]

T = TypeVar("T")


def launch(config: Config, accelerator: str) -> Fabric:
    """Join the group that ``torchrun`` describes, or be alone.

    Args:
        config: checked, its precision resolved.
        accelerator: "auto", "cpu", "cuda" or "mps".

    Raises:
        ConfigError: if the configuration does not fit the number of processes or the device.
    """
    precision = config.training.precision
    assert precision != "auto"
    require_even_parts(config, group.world_size())
    strategy = "ddp" if group.world_size() > 1 else "auto"
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # we say ourselves what is run where
    with warnings.catch_warnings():  # it warns that it was told what it was told
        warnings.simplefilter("ignore")
        fabric = Fabric(
            accelerator=accelerator,
            devices=group.local_size(),
            num_nodes=group.nodes(),
            strategy=strategy,
            precision=precision,
        )
        fabric.launch()
    if precision == "16-mixed" and fabric.device.type == "cpu":
        raise ConfigError("training.precision: 16-mixed is for GPUs; on a CPU write auto or 32-true")
    if len(chosen := set(gather(fabric, precision))) > 1:
        raise ConfigError(
            f"training.precision: the processes' devices differ, some would compute in {' and some in '.join(sorted(chosen))}; "
            "write 32-true"
        )
    if config.training.sync_batch_norm and fabric.device.type != "cuda":
        raise ConfigError(
            "training.sync_batch_norm: PyTorch synchronises batch norm on GPUs only, and this run is on "
            f"{fabric.device.type}; leave it out"
        )
    return fabric


def require_even_parts(config: Config, processes: int) -> None:
    """Refuse a batch that does not divide.

    Raises:
        ConfigError: naming the sizes that would.
    """
    settings = config.training
    parts = processes * settings.accumulation
    if settings.batch_size % parts:
        fitting = max(parts, settings.batch_size // parts * parts)
        raise ConfigError(
            f"training.batch_size is {settings.batch_size}, the pictures of one update; they cannot be shared evenly by "
            f"{processes} processes x {settings.accumulation} parts (training.accumulation). {fitting} could"
        )


def with_synchronised_batch_norm(net: nn.Module) -> nn.Module:
    """The network with batch norms that use the pictures of all processes."""
    converted: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(net)
    return converted


class Agreement:
    """Processes ask each other now and then whether to stop: often enough to stop well before ``torchrun`` kills them.

    Args:
        fabric: the processes.
        step: updates done so far.
    """

    #: At most so many updates, and about so many seconds, pass between two questions; torchrun waits 30 seconds.
    UPDATES, SECONDS = 10, 5.0

    def __init__(self, fabric: Fabric, step: int) -> None:
        self._fabric = fabric
        self._updates = 1
        self._next = step + self._updates
        self._asked = time.monotonic()

    def reached(self, step: int, flag: bool) -> bool:
        """Whether the flag is set in any process, if it is time to ask; may wait for all of them."""
        if self._fabric.world_size == 1:
            return flag
        if step < self._next:
            return False
        now = time.monotonic()
        votes = gather(self._fabric, (flag, now - self._asked))
        self._asked = now
        longest = max(seconds for _, seconds in votes)  # of the updates since the last question; the same everywhere
        self._updates = max(1, min(self.UPDATES, int(self.SECONDS * self._updates / max(longest, 1e-3))))
        self._next = step + self._updates
        return any(flag for flag, _ in votes)


def gather(fabric: Fabric, value: T) -> list[T]:
    """What every process has, in their order. Waits for all of them."""
    if fabric.world_size == 1:
        return [value]
    values: list[Any] = [None] * fabric.world_size
    dist.all_gather_object(values, value)
    return values


def from_first(fabric: Fabric, value: T) -> T:
    """What process 0 has."""
    return value if fabric.world_size == 1 else fabric.broadcast(value)


def share_statistics(net: nn.Module) -> None:
    """Give every process the running statistics of process 0, so that all score and save one network."""
    if dist.is_available() and dist.is_initialized():
        for buffer in net.buffers():
            dist.broadcast(buffer, 0)
