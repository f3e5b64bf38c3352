"""An exponential moving average of the weights, which answers better than the weights of any one step."""

from copy import deepcopy

import torch
from torch import Tensor

from segdepth.networks import Network

__all__ = ["AveragedNetwork"]


class AveragedNetwork:
    """A copy of a network whose weights follow the network's slowly.

    After update ``t`` (from 1) each averaged weight moves by ``1 - d`` of its distance to the weight, with
    ``d = min(decay, t / (9 + t))``: short memory at the start, so that the random start is soon forgotten. Running
    statistics are copied.

    Args:
        net: to follow; on its device.
        decay: 0 < decay < 1.

    Attributes:
        net: the copy.

    Source:
        Polyak and Juditsky 1992; the warm-up is that of TensorFlow's ``ExponentialMovingAverage``.
    """

    def __init__(self, net: Network, decay: float) -> None:
        self.net = deepcopy(net).requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, net: Network, step: int) -> None:
        """Follow the network after update ``step``."""
        weight = 1 - min(self.decay, step / (9 + step))
        torch._foreach_lerp_(tuple(self.net.parameters()), tuple(net.parameters()), weight)
        for own, new in zip(self.net.buffers(), net.buffers(), strict=True):
            own.copy_(new)

    def state_dict(self) -> dict[str, Tensor]:
        """The averaged weights."""
        return self.net.state_dict()

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Go on from averaged weights."""
        self.net.load_state_dict(state)
