"""DispNet as the ancestor has it."""

from typing import ClassVar

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from ..dispnet import DispNet
from ..outputs import DepthOutput, InverseDepth
from .network import LegacyNetwork

__all__ = ["LegacyDispNet"]


class LegacyDispNet(LegacyNetwork, DispNet):
    """The class logits of every level are 10 times a ReLU. Disparity is the paper's."""

    depth_output: ClassVar[type[DepthOutput]] = InverseDepth

    def raw(self, x: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c h w"]:
        """The finest level's map, for classes as a level hands it on."""
        raw = super().raw(x)
        return raw if self.output.kind == "depth" else self.prediction(raw)

    def prediction(self, raw: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Disparity, or what the ReLU leaves of the logits."""
        prediction = super().prediction(raw)
        return prediction if self.output.kind == "depth" else InverseDepth.ALPHA * F.relu(prediction)
