"""Which number is explained: one output value per target pixel."""

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from segdepth.core.errors import InputError

__all__ = ["Pixel", "Target", "check_pixels", "target_output", "target_value"]

#: (row, column), counted from 0 at the top left.
Pixel = tuple[int, int]

#: What to explain at a pixel: the logit of the class predicted there ("predicted"), of a class by its train id, depth in
#: metres, disparity in inverse metres, or any function from the output ``[1, c, h, w]`` and the pixel to a number.
Target = Literal["predicted", "depth", "disparity"] | int | Callable[[Tensor, Pixel], Tensor]


def check_pixels(pixels: Sequence[Pixel], size: tuple[int, int]) -> None:
    """Refuse pixels outside a picture.

    Raises:
        InputError: with the pixel and the valid range.

    Example:
        >>> check_pixels([(300, 40)], (256, 832))
        Traceback (most recent call last):
        ...
        segdepth.core.errors.InputError: pixel (300, 40) is outside the 256x832 picture: row must be 0..255, column 0..831
    """
    height, width = size
    for row, col in pixels:
        if not (0 <= row < height and 0 <= col < width):
            raise InputError(
                f"pixel ({row}, {col}) is outside the {height}x{width} picture: "
                f"row must be 0..{height - 1}, column 0..{width - 1}"
            )


def target_output(net: nn.Module, x: Float[Tensor, "1 3 h w"], target: Target) -> Float[Tensor, "1 c h w"]:
    """The output map in which the target's values stand.

    Raises:
        InputError: if the network's output does not fit the target.
    """
    if target == "disparity":
        if not hasattr(net, "disparity"):
            raise InputError("target 'disparity' needs a network with a method disparity(x)")
        output: Tensor = net.disparity(x)  # type: ignore[operator]
    else:
        output = net(x)
    if output.dim() != 4 or output.shape[0] != 1 or output.shape[-2:] != x.shape[-2:]:
        raise InputError(
            f"the network answers {list(output.shape)} to an input of {list(x.shape)}; "
            "per-pixel saliency needs an output [1, c, h, w] of the input's size"
        )
    channels = output.shape[1]
    if target == "depth" and channels != 1:
        raise InputError(f"target 'depth' needs a network with one output channel; this one has {channels}")
    if isinstance(target, int) and not 0 <= target < channels:
        raise InputError(f"target class {target} is outside 0..{channels - 1}")
    return output


def target_value(output: Float[Tensor, "1 c h w"], pixel: Pixel, target: Target) -> Float[Tensor, ""]:
    """The number that is explained at one pixel."""
    row, col = pixel
    if callable(target):
        return target(output, pixel)
    if isinstance(target, int):
        return output[0, target, row, col]
    here = output[0, :, row, col]
    return here[torch.argmax(here.detach())]  # one channel: depth or disparity; many: the predicted class
