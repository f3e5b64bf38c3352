"""FCRN: Laina et al. 2016, arXiv:1606.00373."""

from collections.abc import Sequence
from typing import ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from segdepth.layers.dropout import DropoutRate
from segdepth.layers.initialise import he_normal_, small_normal_
from segdepth.layers.resize import resize_bilinear
from segdepth.layers.resnet import RESNET50, ResNet
from segdepth.layers.widths import Width, scale_channels

from .network import Network

__all__ = ["FCRN", "UpProjection"]


class UpProjection(nn.Module):
    """Twice the size by four interleaved convolutions, with a shortcut (section 3.2 and figure 4 of the paper).

    A 5x5 convolution of a map with zeros between its pixels sees, at an output of given parity, only 3x3, 2x3, 3x2 or 2x2 of
    its weights, so four convolutions of those sizes do a quarter of the work. Which of them stands at which parity, and that
    those of two taps look up and to the left, is as in the published code: no single 5x5 convolution has the same numbers.
    Main branch and shortcut read the same input, so their convolutions are computed together: the first half of the
    channels is the main branch.

    Args:
        in_channels: of the input.
        out_channels: of the output.
    """

    KERNELS: ClassVar[tuple[tuple[int, int], ...]] = ((3, 3), (2, 3), (3, 2), (2, 2))

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv2d(in_channels, 2 * out_channels, kernel, padding=1) for kernel in self.KERNELS
        )
        self.bn1 = nn.BatchNorm2d(2 * out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(out_channels)

    def forward(self, x: Float[Tensor, "b _ h w"]) -> Float[Tensor, "b c h2 w2"]:
        """The up-projected map, ``h2 = 2 h``, ``w2 = 2 w``."""
        height, width = x.shape[-2:]
        # a kernel of 2 rows with padding 1 on both sides gives one row too many, at the bottom
        both = self.bn1(interleave([conv(x)[..., :height, :width] for conv in self.convs]))
        main, shortcut = both.chunk(2, dim=1)
        return F.relu(self.bn2(self.conv2(F.relu(main))) + shortcut)


def interleave(quarters: Sequence[Float[Tensor, "b c h w"]]) -> Float[Tensor, "b c h2 w2"]:
    """Four maps as one of twice the size: at even rows and even columns, even and odd, odd and even, odd and odd.

    Moves whole pixels, which lie together in channels-last memory. Pixel shuffling, which takes the channels apart, made the
    four up-projections' forward pass 1.3 times slower, and strided writes into an empty map 1.2 times.
    """
    pixels = torch.stack([quarter.permute(0, 2, 3, 1) for quarter in quarters], dim=3)
    batch, height, width, _, channels = pixels.shape
    rows_of_pixels = pixels.view(batch, height, width, 2, 2, channels).transpose(2, 3)
    return rows_of_pixels.reshape(batch, 2 * height, 2 * width, channels).permute(0, 3, 1, 2)


class FCRN(Network):
    """ResNet-50 and four up-projections.

    The paper's ReLU on depth is left out: our depth output is positive.

    Args:
        out_channels: see :class:`Network`.
        output: see :class:`Network`.
        dropout: rate of the channel dropout before the head, in [0, 1).
        width: multiplies every channel count; 0.25 trains on a laptop.
    """

    backbone: ClassVar[str | None] = "resnet50"

    def __init__(self, out_channels: int, output: str, *, dropout: DropoutRate = 0.5, width: Width = 1.0) -> None:
        super().__init__(out_channels, output)
        self.encoder = ResNet(RESNET50, width=width)
        bridge, *ups = (scale_channels(c, width) for c in (1024, 512, 256, 128, 64))
        self.bridge = nn.Conv2d(self.encoder.out_channels, bridge, 1, bias=False)
        self.bridge_bn = nn.BatchNorm2d(bridge)
        self.decoder = nn.Sequential(*(UpProjection(i, o) for i, o in zip([bridge, *ups], ups, strict=False)))
        self.dropout = nn.Dropout2d(dropout)
        self.head = nn.Conv2d(ups[-1], out_channels, 3, padding=1)
        he_normal_(self, mode="fan_out")
        small_normal_(self.head)

    def raw(self, x: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c h w"]:
        """The head's map, resized from half the input's size."""
        return resize_bilinear(self.half_size(x), x.shape[-2:])

    def half_size(self, x: Float[Tensor, "b 3 _h _w"]) -> Float[Tensor, "b c h w"]:
        """The head's map, at half the input's size."""
        features = self.bridge_bn(self.bridge(self.encoder(x)))
        return self.head(self.dropout(self.decoder(features)))  # type: ignore[no-any-return]
