"""One backward pass per pixel: slow, plain, right. What every faster engine is compared with."""

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from .target import Pixel, Target, check_pixels, target_output, target_value

__all__ = ["reference_gradients"]


def reference_gradients(
    net: nn.Module, image: Float[Tensor, "3 h w"], pixels: Sequence[Pixel], target: Target
) -> Iterator[Float[Tensor, "3 h w"]]:
    """The gradient of the target's value at each pixel with respect to the picture, one after the other.

    The network is in eval mode meanwhile and left as it was; its parameters' gradients are not touched.

    Raises:
        InputError: if a pixel is outside the picture or the target does not fit the network.
    """
    check_pixels(pixels, (image.shape[-2], image.shape[-1]))
    modes = [(module, module.training) for module in net.modules()]
    net.eval()
    try:
        with torch.enable_grad():
            x = image.detach()[None].clone().requires_grad_()
            output = target_output(net, x, target)
            for pixel in pixels:
                value = target_value(output, pixel, target)
                (gradient,) = torch.autograd.grad(value, x, retain_graph=True)
                yield gradient[0]
    finally:
        for module, mode in modes:
            module.training = mode
