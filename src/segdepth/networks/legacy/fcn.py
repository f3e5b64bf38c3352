"""FCN-8s as the ancestor has it."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from segdepth.layers.widths import scale_channels

from ..fcn import FCN8s, bilinear_, crop
from ..outputs import Output
from .network import LegacyNetwork, Metres

__all__ = ["LegacyFCN8s"]


class HeadedMetres(Metres):
    """Metres behind a head, from a classifier of other widths."""

    CLASSIFIER_CHANNELS = (2048, 1024, 64)


class LegacyFCN8s(LegacyNetwork, FCN8s):
    """A border of 100 pixels, a learned last upsampling that mixes classes, channel dropout.

    For depth 64 score channels, fewer channels before them, ReLUs after them, no dropout.

    Args:
        out_channels: see :class:`Network`.
        output: see :class:`Network`.
        **options: the paper's.
    """

    PADDINGS: ClassVar[tuple[int, int, int]] = (100, 0, 0)
    DROPOUT: ClassVar[type[nn.Module]] = nn.Dropout2d
    own_outputs: ClassVar[Mapping[str, type[Output]]] = {"depth": HeadedMetres}

    def __init__(self, out_channels: int, output: str, **options: Any) -> None:
        super().__init__(out_channels, output, **options)
        scores = self.score.out_channels
        self.up_to_image = nn.ConvTranspose2d(scores, scores, 16, stride=8, bias=False)
        bilinear_(self.up_to_image)
        if self.own_channels:
            self.dropout = nn.Identity()
            self.head = nn.Conv2d(scores, out_channels, 1)

    @property
    def own_channels(self) -> tuple[int, ...]:
        """Channels of the classifier of an output that has a head and a classifier of its own."""
        return getattr(self.output, "CLASSIFIER_CHANNELS", ())

    def classifier_channels(self, width: float) -> tuple[int, ...]:
        """The paper's, or the output's own."""
        own = tuple(scale_channels(channels, width) for channels in self.own_channels)
        return own or super().classifier_channels(width)

    def padded(self, x: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """The picture as it is: the border is part of the first convolution."""
        return x

    def upsampled(
        self,
        x: Float[Tensor, "b s _h _w"],
        pool3: Float[Tensor, "b c3 _h3 _w3"],
        pool4: Float[Tensor, "b c4 _h4 _w4"],
        size: Sequence[int],
    ) -> Float[Tensor, "b c h w"]:
        """The offsets 5, 9 and 31 undo what the border of 100 pixels shifted."""
        if self.own_channels:
            x = F.relu(x)
        x = self.up_to_pool4(x)
        x = x + self.score_pool4(crop(pool4, x.shape[-2:], offset=5))
        x = self.up_to_pool3(x)
        x = x + self.score_pool3(crop(pool3, x.shape[-2:], offset=9))
        x = crop(self.up_to_image(x), size, offset=31)
        return F.relu(self.head(x)) if self.own_channels else x
