"""SegNet as the ancestor has it."""

from torch import nn

from segdepth.layers.vgg import conv_unit

from ..segnet import SegNet
from .network import LegacyNetwork

__all__ = ["LegacySegNet"]


class LegacySegNet(LegacyNetwork, SegNet):
    """Batch norm and a ReLU after the last convolution too.

    The ReLU cuts negative logits and with them the gradients of the pixels concerned.
    """

    def make_head(self, in_channels: int) -> nn.Module:
        """A unit like all others."""
        super().make_head(in_channels)  # drawn and put aside, so that a seed gives the weights that it always gave
        return nn.Sequential(*conv_unit(in_channels, self.out_channels, batch_norm=True))
