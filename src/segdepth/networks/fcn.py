"""FCN-8s: Long, Shelhamer and Darrell 2015, arXiv:1411.4038."""

from collections.abc import Sequence
from typing import ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from segdepth.layers.dropout import DropoutRate
from segdepth.layers.initialise import he_normal_, small_normal_
from segdepth.layers.padding import pad_to_multiple
from segdepth.layers.vgg import VGG16_STAGES, conv_stage
from segdepth.layers.widths import Width, scale_channels

from .network import Network

__all__ = ["FCN8s"]


class FCN8s(Network):
    """VGG-16 with its classifier as convolutions; coarse scores are refined by scores of pool4 and pool3.

    The paper pads the picture by 100 pixels because fc6, a 7x7 convolution without padding, takes 6 of pool5's rows
    and columns, and crops the scores back into place. Padding pool5 by 3 instead puts every score over the middle of
    its pixels and spares the border's work: 2.2 times the picture's at 256x832, 13 times at 64x96. Sizes that are no
    multiple of 32 are padded with zeros and cropped.

    The last upsampling is fixed to bilinear interpolation and the two before it are learned, as in section 4.3.

    Args:
        out_channels: see :class:`Network`.
        output: see :class:`Network`.
        dropout: rate of the dropout after fc6 and fc7, in [0, 1).
        width: multiplies every channel count; 0.25 trains on a laptop.
    """

    backbone: ClassVar[str | None] = "vgg16"

    #: Zeros around the picture, around pool5, and taken off around each enlarged map of scores.
    PADDINGS: ClassVar[tuple[int, int, int]] = (1, 3, 1)
    DROPOUT: ClassVar[type[nn.Module]] = nn.Dropout

    def __init__(self, out_channels: int, output: str, *, dropout: DropoutRate = 0.5, width: Width = 1.0) -> None:
        super().__init__(out_channels, output)
        at_picture, at_pool5, at_scores = self.PADDINGS
        channels = [scale_channels(c, width) for c, _ in VGG16_STAGES]
        self.encoder = nn.ModuleList(
            conv_stage([inputs] + [outputs] * count, batch_norm=False, first_padding=padding)
            for inputs, outputs, (_, count), padding in zip(
                [3, *channels], channels, VGG16_STAGES, (at_picture, 1, 1, 1, 1), strict=False
            )
        )
        fc6, fc7, scores = self.classifier_channels(width)
        self.fc6 = nn.Conv2d(channels[4], fc6, 7, padding=at_pool5)
        self.fc7 = nn.Conv2d(fc6, fc7, 1)
        self.dropout = self.DROPOUT(dropout)
        self.score = nn.Conv2d(fc7, scores, 1)
        self.score_pool4 = nn.Conv2d(channels[3], scores, 1)
        self.score_pool3 = nn.Conv2d(channels[2], scores, 1)
        self.up_to_pool4 = nn.ConvTranspose2d(scores, scores, 4, stride=2, padding=at_scores, bias=False)
        self.up_to_pool3 = nn.ConvTranspose2d(scores, scores, 4, stride=2, padding=at_scores, bias=False)
        he_normal_(self)
        small_normal_(self.score)
        for skip in (self.score_pool4, self.score_pool3):  # they start by adding nothing, section 4.2
            nn.init.zeros_(skip.weight)
        for up in (self.up_to_pool4, self.up_to_pool3):
            bilinear_(up)

    def classifier_channels(self, width: float) -> tuple[int, ...]:
        """Channels of fc6, of fc7, and of the scores."""
        return scale_channels(4096, width), scale_channels(4096, width), self.out_channels

    def raw(self, x: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c h w"]:
        """The scores, upsampled from an eighth of the input's size."""
        size = x.shape[-2:]
        x = self.padded(x)
        pools = []
        for stage in self.encoder:
            x = F.max_pool2d(stage(x), 2, ceil_mode=True)
            pools.append(x)
        x = self.dropout(F.relu(self.fc6(x), inplace=True))
        x = self.dropout(F.relu(self.fc7(x), inplace=True))
        return self.upsampled(self.score(x), pools[2], pools[3], size)

    def padded(self, x: Float[Tensor, "b 3 _h _w"]) -> Float[Tensor, "b 3 h w"]:
        """The picture at a size that every pooling halves."""
        return pad_to_multiple(x, 2 ** len(self.encoder))

    def upsampled(
        self,
        x: Float[Tensor, "b s _h _w"],
        pool3: Float[Tensor, "b c3 _h3 _w3"],
        pool4: Float[Tensor, "b c4 _h4 _w4"],
        size: Sequence[int],
    ) -> Float[Tensor, "b c h w"]:
        """The scores refined by those of the finer poolings, at the picture's size."""
        x = self.up_to_pool4(x) + self.score_pool4(pool4)
        x = self.up_to_pool3(x) + self.score_pool3(pool3)
        # a score lies in the middle of its 8x8 pixels, so it is the pixels' edges that have to be aligned
        return crop(F.interpolate(x, scale_factor=8, mode="bilinear", align_corners=False), size)


def bilinear_(layer: nn.ConvTranspose2d) -> None:
    """Make a transposed convolution of kernel ``2 s`` and stride ``s`` interpolate bilinearly, channel by channel."""
    kernel = layer.kernel_size[0]
    factor = (kernel + 1) // 2
    centre = factor - 1 if kernel % 2 else factor - 0.5
    ramp = 1 - (torch.arange(kernel) - centre).abs() / factor
    nn.init.zeros_(layer.weight)
    with torch.no_grad():
        for channel in range(min(layer.weight.shape[:2])):
            layer.weight[channel, channel] = torch.outer(ramp, ramp)


def crop(x: Float[Tensor, "b c _h _w"], size: Sequence[int], offset: int = 0) -> Float[Tensor, "b c h w"]:
    """The window of a size whose top left corner is at row and column ``offset``."""
    return x[..., offset : offset + size[0], offset : offset + size[1]]
