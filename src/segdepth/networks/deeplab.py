"""DeepLab v2: Chen, Papandreou, Kokkinos, Murphy and Yuille 2016, arXiv:1606.00915."""

from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from segdepth.layers.initialise import he_normal_, small_normal_
from segdepth.layers.padding import pad_to_multiple
from segdepth.layers.resize import resize_bilinear
from segdepth.layers.resnet import RESNET101, ResNet
from segdepth.layers.widths import Width

from .network import Network

__all__ = ["DeepLab"]


class DeepLab(Network):
    """ResNet-101 at an eighth of the resolution by dilation, and atrous spatial pyramid pooling; without the CRF.

    Where a side has 8 k + 1 pixels, as the paper's crops of 321 have, the map's first and last points lie exactly on
    the picture's first and last pixels, and pooling has nothing to round up or down. Other sizes are padded with
    zeros to the next such size and cropped, so that enlarging the map shifts nothing.

    Args:
        out_channels: see :class:`Network`.
        output: see :class:`Network`.
        width: multiplies every channel count; 0.25 trains on a laptop.
    """

    backbone: ClassVar[str | None] = "resnet101"

    DILATIONS: ClassVar[tuple[int, int, int, int]] = (1, 1, 2, 4)
    RATES: ClassVar[tuple[int, ...]] = (6, 12, 18, 24)

    def __init__(self, out_channels: int, output: str, *, width: Width = 1.0) -> None:
        super().__init__(out_channels, output)
        self.encoder = self.make_encoder(width)
        self.head = nn.ModuleList(
            nn.Conv2d(self.encoder.out_channels, out_channels, 3, padding=rate, dilation=rate) for rate in self.RATES
        )
        he_normal_(self.encoder, mode="fan_out")
        small_normal_(self.head)

    def make_encoder(self, width: float) -> ResNet:
        """ResNet-101, dilated from the third stage on."""
        return ResNet(RESNET101, dilations=self.DILATIONS, width=width)

    def padded(self, x: Float[Tensor, "b 3 _h _w"]) -> Float[Tensor, "b 3 h w"]:
        """The picture at a size of 8 k + 1 pixels."""
        return pad_to_multiple(x, 8, remainder=1)

    def raw(self, x: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c h w"]:
        """The sum of the four branches, resized from an eighth of the input's size."""
        height, width = x.shape[-2:]
        x = self.padded(x)
        features = self.encoder(x)
        first, *others = self.head
        out = first(features)
        for branch in others:
            out = out + branch(features)
        return resize_bilinear(out, x.shape[-2:])[..., :height, :width]
