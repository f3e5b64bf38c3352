"""FCRN as the ancestor has it."""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from ..fcrn import FCRN
from .network import LegacyNetwork

__all__ = ["LegacyFCRN"]


class LegacyFCRN(LegacyNetwork, FCRN):
    """A ReLU after the head for both tasks; the paper has it for depth only."""

    def half_size(self, x: Float[Tensor, "b 3 _h _w"]) -> Float[Tensor, "b c h w"]:
        """The head's map after a ReLU."""
        return F.relu(super().half_size(x))
