"""DispNet, in its simple form DispNetS: Mayer et al. 2016, arXiv:1512.02134."""

from collections.abc import Mapping
from typing import ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from segdepth.layers.initialise import he_normal_, small_normal_
from segdepth.layers.resize import resize_bilinear
from segdepth.layers.widths import Width, scale_channels

from .network import Network
from .outputs import InverseDepth, Output

__all__ = ["DispNet"]

#: (kernel, channels down, channels up) of the seven levels, finest first.
LEVELS = ((7, 32, 16), (5, 64, 32), (3, 128, 64), (3, 256, 128), (3, 512, 256), (3, 512, 512), (3, 512, 512))
#: How many of the finest levels predict.
PREDICTING = 4


class DispNet(Network):
    """Seven levels down and up again; the four finest predict, and each hands its prediction to the next.

    For depth it predicts disparity (inverse metres), from which :class:`InverseDepth` makes metres.

    Args:
        out_channels: see :class:`Network`.
        output: see :class:`Network`.
        width: multiplies every channel count; 0.25 trains on a laptop.
    """

    own_outputs: ClassVar[Mapping[str, type[Output]]] = {"depth": InverseDepth}

    def __init__(self, out_channels: int, output: str, *, width: Width = 1.0) -> None:
        super().__init__(out_channels, output)
        kernels = [kernel for kernel, _, _ in LEVELS]
        down = [scale_channels(c, width) for _, c, _ in LEVELS]
        up = [scale_channels(c, width) for _, _, c in LEVELS]
        skips = [0, *down[:-1]]  # the finest level has none: the picture itself is not handed over
        predictions = [out_channels if level < PREDICTING - 1 else 0 for level in range(len(LEVELS))]
        self.down = nn.ModuleList(
            _down(inputs, outputs, kernel) for inputs, outputs, kernel in zip([3, *down], down, kernels, strict=False)
        )
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1)
            for inputs, outputs in zip([*up[1:], down[-1]], up, strict=True)
        )
        self.fuse = nn.ModuleList(
            nn.Conv2d(own + skip + prediction, own, 3, padding=1)
            for own, skip, prediction in zip(up, skips, predictions, strict=True)
        )
        self.heads = nn.ModuleList(nn.Conv2d(c, out_channels, 1) for c in up[:PREDICTING])
        he_normal_(self)  # Xavier weights would halve the variance in each of 28 layers
        small_normal_(self.heads)
        for layer in self.heads:
            nn.init.constant_(layer.bias, self.output.start)  # type: ignore[arg-type]

    def raw(self, x: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c h w"]:
        """The finest level's map."""
        skips = [x]
        for block in self.down:
            skips.append(block(skips[-1]))
        y = skips.pop()
        raw: Tensor | None = None
        for level in reversed(range(len(LEVELS))):
            skip = skips.pop()
            height, width = skip.shape[-2:]
            parts = [F.relu(self.up[level](y), inplace=True)]
            if level > 0:
                parts.append(skip)
            if raw is not None:
                parts.append(resize_bilinear(self.output.coarse(raw), (2 * raw.shape[-2], 2 * raw.shape[-1])))
            y = torch.cat([part[..., :height, :width] for part in parts], dim=1)
            y = F.relu(self.fuse[level](y), inplace=True)
            if level < PREDICTING:
                raw = self.heads[level](y)
        assert raw is not None
        return raw


def _down(in_channels: int, out_channels: int, kernel: int) -> nn.Sequential:
    """Two convolutions, the first with stride 2."""
    padding = kernel // 2
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel, stride=2, padding=padding),
        nn.ReLU(inplace=True),
        nn.Conv2d(out_channels, out_channels, kernel, padding=padding),
        nn.ReLU(inplace=True),
    )
