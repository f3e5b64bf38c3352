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
from .outputs import OutputKind

__all__ = ["FCN8s"]


class FCN8s(Network):
    """VGG-16 with its classifier as convolutions; coarse scores are refined by scores of pool4 and pool3.

    The paper pads the picture by 100 pixels because fc6, a 7x7 convolution without padding, takes 6 of pool5's rows
    and columns, and crops the scores back into place. Padding pool5 by 3 instead puts every score over the middle of
    its pixels and spares the border's work: 2.2 times the picture's at 256x832, 13 times at 64x96. Sizes that are no
    multiple of 32 are padded with zeros and cropped.

    The last upsampling is fixed to bilinear interpolation and the two before it are learned, as in section 4.3.

    Args:
        out_channels: number of classes, or 1 for depth.
        output: ``"logits"`` or ``"depth"``.
        legacy: as the reference has it: the border of 100 pixels; a learned last upsampling that mixes classes;
            channel dropout; for depth 64 score channels, fewer channels before them, ReLUs after them, no dropout.
        dropout: rate of the dropout after fc6 and fc7, in [0, 1).
        width: multiplies every channel count; 0.25 trains on a laptop.
    """

    backbone: ClassVar[str | None] = "vgg16"

    def __init__(
        self,
        out_channels: int,
        output: OutputKind,
        *,
        legacy: bool = False,
        dropout: DropoutRate = 0.5,
        width: Width = 1.0,
    ) -> None:
        super().__init__(out_channels, output, legacy=legacy)
        legacy_depth = legacy and output == "depth"
        channels = [scale_channels(c, width) for c, _ in VGG16_STAGES]
        self.encoder = nn.ModuleList(
            conv_stage([inputs] + [outputs] * count, batch_norm=False, first_padding=padding)
            for inputs, outputs, (_, count), padding in zip(
                [3, *channels], channels, VGG16_STAGES, (100 if legacy else 1, 1, 1, 1, 1), strict=False
            )
        )
        fc6, fc7 = (scale_channels(c, width) for c in ((2048, 1024) if legacy_depth else (4096, 4096)))
        scores = scale_channels(64, width) if legacy_depth else out_channels
        self.fc6 = nn.Conv2d(channels[4], fc6, 7, padding=0 if legacy else 3)
        self.fc7 = nn.Conv2d(fc6, fc7, 1)
        self.dropout: nn.Module = nn.Dropout2d(dropout) if legacy else nn.Dropout(dropout)
        self.score = nn.Conv2d(fc7, scores, 1)
        self.score_pool4 = nn.Conv2d(channels[3], scores, 1)
        self.score_pool3 = nn.Conv2d(channels[2], scores, 1)
        padding = 0 if legacy else 1
        self.up_to_pool4 = nn.ConvTranspose2d(scores, scores, 4, stride=2, padding=padding, bias=False)
        self.up_to_pool3 = nn.ConvTranspose2d(scores, scores, 4, stride=2, padding=padding, bias=False)
        he_normal_(self)
        small_normal_(self.score)
        for skip in (self.score_pool4, self.score_pool3):  # they start by adding nothing, section 4.2
            nn.init.zeros_(skip.weight)
        if legacy:
            self.up_to_image = nn.ConvTranspose2d(scores, scores, 16, stride=8, bias=False)
        if legacy_depth:
            self.dropout = nn.Identity()
            self.head = nn.Conv2d(scores, out_channels, 1)
        for layer in self.modules():
            if isinstance(layer, nn.ConvTranspose2d):
                bilinear_(layer)

    def raw(self, x: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c h w"]:
        """The scores, upsampled from an eighth of the input's size."""
        size = x.shape[-2:]
        if not self.legacy:
            x = pad_to_multiple(x, 2 ** len(self.encoder))
        pools = []
        for stage in self.encoder:
            x = F.max_pool2d(stage(x), 2, ceil_mode=True)
            pools.append(x)
        x = self.dropout(F.relu(self.fc6(x), inplace=True))
        x = self.dropout(F.relu(self.fc7(x), inplace=True))
        if self.legacy:
            return self._legacy_upsampling(self.score(x), pools[2], pools[3], size)
        x = self.up_to_pool4(self.score(x)) + self.score_pool4(pools[3])
        x = self.up_to_pool3(x) + self.score_pool3(pools[2])
        # a score lies in the middle of its 8x8 pixels, so it is the pixels' edges that have to be aligned
        return _crop(F.interpolate(x, scale_factor=8, mode="bilinear", align_corners=False), size)

    def _legacy_upsampling(
        self,
        x: Float[Tensor, "b s _h _w"],
        pool3: Float[Tensor, "b c3 _h3 _w3"],
        pool4: Float[Tensor, "b c4 _h4 _w4"],
        size: Sequence[int],
    ) -> Float[Tensor, "b c h w"]:
        """The offsets 5, 9 and 31 undo what the border of 100 pixels shifted."""
        if self.output.kind == "depth":
            x = F.relu(x)
        x = self.up_to_pool4(x)
        x = x + self.score_pool4(_crop(pool4, x.shape[-2:], offset=5))
        x = self.up_to_pool3(x)
        x = x + self.score_pool3(_crop(pool3, x.shape[-2:], offset=9))
        x = _crop(self.up_to_image(x), size, offset=31)
        return F.relu(self.head(x)) if self.output.kind == "depth" else x


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


def _crop(x: Float[Tensor, "b c _h _w"], size: Sequence[int], offset: int = 0) -> Float[Tensor, "b c h w"]:
    """The window of a size whose top left corner is at row and column ``offset``."""
    return x[..., offset : offset + size[0], offset : offset + size[1]]
