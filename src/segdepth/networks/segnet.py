"""SegNet: Badrinarayanan, Kendall and Cipolla 2015, arXiv:1511.00561."""

from typing import ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor, nn

from segdepth.layers.initialise import he_normal_, small_normal_
from segdepth.layers.vgg import VGG16_STAGES, conv_stage
from segdepth.layers.widths import Width, scale_channels

from .network import Network

__all__ = ["SegNet"]


class SegNet(Network):
    """VGG-16 with batch norm, mirrored: the decoder puts values back where the encoder's max-pooling took them.

    Args:
        out_channels: see :class:`Network`.
        output: see :class:`Network`.
        width: multiplies every channel count; 0.25 trains on a laptop.
    """

    backbone: ClassVar[str | None] = "vgg16_bn"

    def __init__(self, out_channels: int, output: str, *, width: Width = 1.0) -> None:
        super().__init__(out_channels, output)
        channels = [scale_channels(c, width) for c, _ in VGG16_STAGES]
        counts = [count for _, count in VGG16_STAGES]
        self.encoder = nn.ModuleList(
            conv_stage([inputs] + [outputs] * count, batch_norm=True)
            for inputs, outputs, count in zip([3, *channels], channels, counts, strict=False)
        )
        # stage 5 first; each stage keeps its width and hands the width of the stage above to it with its last unit
        self.decoder = nn.ModuleList(
            conv_stage([inputs] * count + [outputs], batch_norm=True)
            for inputs, outputs, count in zip(channels[:0:-1], channels[-2::-1], counts[:0:-1], strict=True)
        )
        self.last = conv_stage([channels[0]] * counts[0], batch_norm=True)
        self.head = self.make_head(channels[0])
        he_normal_(self)
        small_normal_(self.head)

    def make_head(self, in_channels: int) -> nn.Module:
        """The linear map that feeds the softmax."""
        return nn.Conv2d(in_channels, self.out_channels, 3, padding=1)

    def raw(self, x: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c h w"]:
        """The head's map."""
        poolings = []
        for stage in self.encoder:
            x = stage(x)
            size = x.shape
            x, indices = F.max_pool2d(x, 2, return_indices=True)
            poolings.append((indices, size))
        for stage in (*self.decoder, self.last):
            indices, size = poolings.pop()
            x = stage(_unpool(x, indices, size[-2:]))
        return self.head(x)  # type: ignore[no-any-return]


def _unpool(
    x: Float[Tensor, "b c h w"], indices: Int64[Tensor, "b c h w"], size: torch.Size
) -> Float[Tensor, "b c _h _w"]:
    """Each value back to the place of its window that it was taken from, zeros elsewhere."""
    if torch.are_deterministic_algorithms_enabled():  # which refuse max_unpool2d
        return scattered(x, indices, size)
    return F.max_unpool2d(x, indices, [2, 2], output_size=size)


def scattered(
    x: Float[Tensor, "b c h w"], indices: Int64[Tensor, "b c h w"], size: torch.Size
) -> Float[Tensor, "b c _h _w"]:
    """``max_unpool2d`` by an operation that PyTorch has a deterministic form of."""
    flat = x.new_zeros(*x.shape[:2], size[0] * size[1])
    return flat.scatter(2, indices.flatten(2), x.flatten(2)).view(*x.shape[:2], *size)
