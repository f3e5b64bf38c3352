"""DispNet as the ancestor has it."""

from collections.abc import Mapping
from typing import ClassVar

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from ..dispnet import DispNet
from ..outputs import InverseDepth, Logits, Output
from .network import LegacyNetwork

__all__ = ["LegacyDispNet"]


class CutLogits(Logits):
    """10 times what a ReLU leaves of the logits, at every level."""

    def forward(self, raw: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """The finest level's, as a level hands them on."""
        return self.coarse(raw)

    def coarse(self, raw: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """See :meth:`Output.coarse`."""
        return InverseDepth.ALPHA * F.relu(raw)


class LegacyDispNet(LegacyNetwork, DispNet):
    """The class logits of every level are 10 times a ReLU. Disparity is the paper's."""

    own_outputs: ClassVar[Mapping[str, type[Output]]] = {"depth": InverseDepth, "logits": CutLogits}
