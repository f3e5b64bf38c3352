"""Saliency maps: which input pixels does the answer at a pixel depend on, and how strongly?"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from .reference import reference_gradients
from .target import Pixel, Target

__all__ = ["saliency_maps"]


def saliency_maps(
    net: nn.Module,
    image: Float[Tensor, "3 h w"],
    pixels: Sequence[Pixel],
    *,
    target: Target = "predicted",
) -> Float[Tensor, "p h w"]:
    """Absolute gradient of the output at each pixel with respect to the picture, maximum over the colours.

    Args:
        net: any module that maps ``[1, 3, h, w]`` to ``[1, c, h, w]``.
        image: in the network's input range (see ``Network.preprocessing``).
        pixels: (row, column) of the targets.
        target: the number that is explained; by default the logit of the class predicted at the pixel, or the depth.

    Returns:
        One map per pixel, >= 0, in output units per unit of the input range.

    Raises:
        InputError: if a pixel is outside the picture or the target does not fit the network.

    Source:
        Simonyan, Vedaldi and Zisserman 2014, arXiv:1312.6034, section 3.
    """
    gradients = reference_gradients(net, image, pixels, target)
    maps = [gradient.abs().amax(0) for gradient in gradients]
    return torch.stack(maps) if maps else image.new_zeros((0, *image.shape[-2:]))
