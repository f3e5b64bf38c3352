"""What the ancestor's networks share."""

from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from ..network import Network
from ..outputs import DepthOutput

__all__ = ["LegacyNetwork", "Metres"]


class Metres(DepthOutput):
    """Metres, as they come."""

    def forward(self, raw: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h w"]:
        """Metres, unchanged."""
        return raw


class LegacyNetwork(Network):
    """A network that computes what the ancestor's code computed. Stands before the paper's class among the bases."""

    depth_output: ClassVar[type[DepthOutput]] = Metres
