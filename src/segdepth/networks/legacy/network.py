"""What the ancestor's networks share."""

from collections.abc import Mapping
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from ..network import Network
from ..outputs import DepthOutput, Output

__all__ = ["LegacyNetwork", "Metres"]


class Metres(DepthOutput):
    """Metres, as they come."""

    def forward(self, raw: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h w"]:
        """Metres, unchanged."""
        return raw


class LegacyNetwork(Network):
    """A network that computes what the ancestor's code computed. Stands before the paper's class among the bases."""

    own_outputs: ClassVar[Mapping[str, type[Output]]] = {"depth": Metres}
