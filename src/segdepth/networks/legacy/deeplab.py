"""DeepLab v2 as the ancestor has it."""

from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from segdepth.layers.resnet import RESNET101, ResNet

from ..deeplab import DeepLab
from .network import LegacyNetwork

__all__ = ["LegacyDeepLab"]


class LegacyDeepLab(LegacyNetwork, DeepLab):
    """Strides in the first 1x1 convolutions, although torchvision's weights were trained with them in the 3x3 ones.

    Pooling rounds up; the map is stretched to the picture's size; the affine parameters of the batch norms are frozen, their
    running statistics are not.

    Args:
        out_channels: see :class:`Network`.
        output: see :class:`Network`.
        **options: the paper's.
    """

    def __init__(self, out_channels: int, output: str, **options: Any) -> None:
        super().__init__(out_channels, output, **options)
        for layer in self.encoder.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.requires_grad_(False)

    def make_encoder(self, width: float) -> ResNet:
        """The paper's, with other strides and another pooling."""
        return ResNet(RESNET101, dilations=self.DILATIONS, stride_in_1x1=True, ceil_mode=True, width=width)

    def padded(self, x: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """The picture as it is."""
        return x
