"""Which number is explained: one output value per target pixel."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from segdepth.core.errors import InputError

__all__ = [
    "Margin",
    "Pixel",
    "Target",
    "check_pixels",
    "fixed_targets",
    "output_function",
    "target_output",
    "target_value",
]

#: (row, column), counted from 0 at the top left.
Pixel = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Margin:
    """Why this class and not that one: the logit of ``a`` minus the logit of ``b``, train ids."""

    a: int
    b: int


#: What to explain at a pixel: the logit of the class predicted there ("predicted"), of a class by its train id, the
#: margin between two classes, depth in metres, its natural logarithm, disparity in inverse metres, or any function
#: from the output ``[1, c, h, w]`` and the pixel to a number.
Target = Literal["predicted", "depth", "log_depth", "disparity"] | int | Margin | Callable[[Tensor, Pixel], Tensor]


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


def output_function(net: nn.Module, target: Target) -> Callable[[Tensor], Tensor]:
    """The function of the picture in whose values the target stands.

    Raises:
        InputError: if the network has no such function.
    """
    if isinstance(target, str) and target == "disparity":
        if not hasattr(net, "disparity"):
            raise InputError("target 'disparity' needs a network with a method disparity(x)")
        return net.disparity  # type: ignore[return-value]
    return net


def target_output(net: nn.Module, x: Float[Tensor, "1 _ h w"], target: Target) -> Float[Tensor, "1 c h w"]:
    """The output map in which the target's values stand.

    Raises:
        InputError: if the network's output does not fit the target.
    """
    output = output_function(net, target)(x)
    check_output(output, x, target)
    return output


def check_output(output: Tensor, x: Tensor, target: Target) -> None:
    """Refuse an output in which the target does not stand.

    Raises:
        InputError: with what the network answers and what would be right.
    """
    if output.dim() != 4 or output.shape[0] != 1 or output.shape[-2:] != x.shape[-2:]:
        raise InputError(
            f"the network answers {list(output.shape)} to an input of {list(x.shape)}; "
            "per-pixel saliency needs an output [1, c, h, w] of the input's size"
        )
    channels = output.shape[1]
    if isinstance(target, str) and target in ("depth", "log_depth") and channels != 1:
        raise InputError(f"target {target!r} needs a network with one output channel; this one has {channels}")
    for number in _classes(target):
        if not 0 <= number < channels:
            raise InputError(f"target class {number} is outside 0..{channels - 1}")


def _classes(target: Target) -> tuple[int, ...]:
    """The class numbers that a target names."""
    if isinstance(target, Margin):
        return target.a, target.b
    return (target,) if isinstance(target, int) else ()


def fixed_targets(output: Float[Tensor, "c h w"], pixels: Sequence[Pixel], target: Target) -> list[Target]:
    """One target per pixel, with the predicted class named where there are several.

    A method that looks at changed pictures explains the class that was predicted for the original.
    """
    if target != "predicted" or len(output) == 1 or not pixels:
        return [target] * len(pixels)
    rows, columns = torch.tensor(pixels, device=output.device).T
    return list(output[:, rows, columns].argmax(0).tolist())


def target_value(output: Float[Tensor, "1 c h w"], pixel: Pixel, target: Target) -> Float[Tensor, ""]:
    """The number that is explained at one pixel."""
    row, col = pixel
    here = output[0, :, row, col]
    if isinstance(target, Margin):
        return here[target.a] - here[target.b]
    if isinstance(target, int):
        return here[target]
    if callable(target):
        return target(output, pixel)
    if target == "log_depth":
        return here[0].log()
    return here[torch.argmax(here.detach())]  # one channel: depth or disparity; many: the predicted class
