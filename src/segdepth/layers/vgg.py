"""VGG-16's convolution stages (Simonyan and Zisserman 2015, arXiv:1409.1556, configuration D)."""

from itertools import pairwise

from torch import nn

__all__ = ["VGG16_STAGES", "conv_stage", "conv_unit", "vgg16_convolution_indices"]

#: (channels, number of convolutions) of the five stages; each ends in a 2x2 max-pooling.
VGG16_STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))


def conv_unit(in_channels: int, out_channels: int, *, batch_norm: bool, padding: int = 1) -> list[nn.Module]:
    """A 3x3 convolution with bias, batch norm if asked for, and ReLU."""
    norm: list[nn.Module] = [nn.BatchNorm2d(out_channels)] if batch_norm else []
    conv = nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=padding)
    return [conv, *norm, nn.ReLU(inplace=True)]


def conv_stage(channels: list[int], *, batch_norm: bool, first_padding: int = 1) -> nn.Sequential:
    """Convolution units from each count of channels to the next, without pooling.

    Args:
        channels: of the input, then of each unit's output.
        batch_norm: whether units have it.
        first_padding: of the first convolution, pixels; the others have 1.
    """
    layers = conv_unit(channels[0], channels[1], batch_norm=batch_norm, padding=first_padding)
    for inputs, outputs in pairwise(channels[1:]):
        layers += conv_unit(inputs, outputs, batch_norm=batch_norm)
    return nn.Sequential(*layers)


def vgg16_convolution_indices(*, batch_norm: bool) -> list[list[int]]:
    """Where torchvision's ``features`` list holds the convolutions of each stage.

    Example:
        >>> vgg16_convolution_indices(batch_norm=False)[:3]
        [[0, 2], [5, 7], [10, 12, 14]]
        >>> vgg16_convolution_indices(batch_norm=True)[:2]
        [[0, 3], [7, 10]]
    """
    indices, position = [], 0
    step = 3 if batch_norm else 2
    for _, count in VGG16_STAGES:
        indices.append([position + step * k for k in range(count)])
        position += step * count + 1  # the pooling
    return indices
