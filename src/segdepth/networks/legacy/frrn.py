"""FRRN A and B as the ancestor has them."""

from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from ..frrn import FRRN, Counts, Stage
from .network import LegacyNetwork

__all__ = ["LegacyFRRN", "UnchainedStage"]


class UnchainedStage(Stage):
    """Every unit reads the pooling stream that entered the stage; only what the last one makes of it goes on."""

    @staticmethod
    def unit_inputs(count: int, in_channels: int, out_channels: int) -> list[int]:
        """All alike."""
        del out_channels
        return [in_channels] * count

    def forward(
        self, y: Float[Tensor, "b _ h w"], pooled: Float[Tensor, "b r h w"]
    ) -> tuple[Float[Tensor, "b _ h w"], Float[Tensor, "b r h w"]]:
        """See :meth:`Stage.forward`."""
        first, *others = self
        out, added = first(y, pooled)
        for unit in others:
            out, change = unit(y, pooled + added)
            added = added + change
        return out, added


class LegacyFRRN(LegacyNetwork, FRRN):
    """Unchained stages, a bias in the stem, a 1x1 convolution that merges the streams, a 3x3 head; A ends with 48 channels."""

    STAGES: ClassVar[dict[str, tuple[Counts, Counts]]] = FRRN.STAGES | {
        "A": (FRRN.STAGES["A"][0], ((2, 48), *FRRN.STAGES["A"][1][1:]))
    }
    STAGE: ClassVar[type[Stage]] = UnchainedStage

    def first_convolution(self, channels: int) -> nn.Conv2d:
        """The stem's, with a bias."""
        return nn.Conv2d(3, channels, 5, padding=2)

    def make_end(self, in_channels: int, channels: int) -> None:
        """The two streams are merged before the residual units."""
        self.merge = nn.Conv2d(in_channels, channels, 1, bias=False)
        super().make_end(channels, channels)

    def make_head(self, channels: int) -> nn.Conv2d:
        """A 3x3 convolution."""
        return nn.Conv2d(channels, self.out_channels, 3, padding=1)

    def end(self, x: Float[Tensor, "b _ h w"]) -> Float[Tensor, "b _ h w"]:
        """The head's map, from the merged streams."""
        return super().end(self.merge(x))
