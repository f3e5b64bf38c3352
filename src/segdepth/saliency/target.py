"""Which number is explained: one output value per target pixel."""

import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from segdepth.core.errors import InputError, reason
from segdepth.core.tables import did_you_mean

from .answers import Answer

__all__ = [
    "NAMED_TARGETS",
    "Margin",
    "Pixel",
    "Pixels",
    "Target",
    "Weighted",
    "as_pixels",
    "as_target",
    "call_target",
    "check_pixels",
    "fixed_targets",
    "function_for",
    "mean_of",
    "meant",
    "require_tensor",
    "run_network",
    "target_value",
]

#: (row, column), counted from 0 at the top left.
Pixel = tuple[int, int]

#: Several: pairs, or whole numbers ``[p, 2]``.
Pixels = Sequence[Pixel] | Tensor | ndarray


@dataclass(frozen=True, slots=True)
class Margin:
    """Why this class and not that one: the logit of ``a`` minus the logit of ``b``, train ids."""

    a: int
    b: int


@dataclass(frozen=True, slots=True)
class Weighted:
    """A weighted sum of the output's channels, one weight each."""

    weights: tuple[float, ...]


#: What to explain at a pixel: the logit of the class predicted there ("predicted"), of a class (or a channel) by its number, the
#: margin between two classes, depth in metres, its natural logarithm, disparity in inverse metres, the length of a vector along
#: the direction predicted there ("direction"), a weighted sum of channels, or any function from the output ``[1, c, h, w]`` and
#: the pixel to a number. A network may say of itself what "predicted" means, by a name in its attribute ``explained``, and in
#: ``unknown_targets`` (a frozenset) which names do not follow from its answer.
Target = (
    Literal["predicted", "depth", "log_depth", "disparity", "direction"]
    | int
    | Margin
    | Weighted
    | Callable[[Tensor, Pixel], Tensor]
)


#: The targets that are the one number of an answer.
_OF_ONE_CHANNEL = frozenset({"depth", "log_depth"})

#: The targets that have a name.
NAMED_TARGETS = ("predicted", "depth", "log_depth", "disparity", "direction")


def as_target(target: Any) -> Target:
    """The target, with a class number of any type of whole number as an int.

    Raises:
        InputError: if it is none.

    Example:
        >>> as_target(np.int64(3))
        3
    """
    if isinstance(target, str):
        if target not in NAMED_TARGETS:
            raise InputError(f"no target {target!r} {did_you_mean(target, NAMED_TARGETS)}")
        return target  # type: ignore[return-value]
    if isinstance(target, Margin):
        return Margin(_whole(target.a, "class"), _whole(target.b, "class"))
    if isinstance(target, Weighted):
        return Weighted(tuple(map(float, target.weights)))
    if callable(target) and not isinstance(target, (Tensor, type)):
        return target  # type: ignore[no-any-return]
    try:
        return _whole(target, "class")
    except InputError:
        raise InputError(
            f"target {target!r} is none: give {', '.join(map(repr, NAMED_TARGETS))}, a class's train id, a Margin of two, "
            "Weighted channels, or a function of the output and the pixel"
        ) from None


def as_pixels(pixels: Any) -> list[Pixel]:
    """Pairs of ints from pairs of any type of whole number, or from an array ``[p, 2]``.

    Raises:
        InputError: if they are none.

    Example:
        >>> as_pixels(torch.tensor([[3, 4], [5, 6]]))
        [(3, 4), (5, 6)]
    """
    if isinstance(pixels, (Tensor, ndarray)):
        if pixels.ndim != 2 or pixels.shape[1] != 2:
            raise InputError(f"the pixels have the shape {list(pixels.shape)}; give (row, column) pairs [p, 2]")
        pixels = pixels.tolist()
    if not isinstance(pixels, Iterable) or isinstance(pixels, str):
        raise InputError(f"the pixels are {pixels!r}; give a list of (row, column) pairs")
    return [_pixel(pixel) for pixel in pixels]


def _pixel(pixel: Any) -> Pixel:
    if not isinstance(pixel, (Sequence, ndarray, Tensor)) or isinstance(pixel, str) or len(pixel) != 2:
        raise InputError(f"{pixel!r} is no pixel; give a list of (row, column) pairs, such as [(120, 400)]")
    return _whole(pixel[0], "row of a pixel"), _whole(pixel[1], "column of a pixel")


def _whole(value: Any, what: str) -> int:
    if isinstance(value, (bool, np.bool_)) or (isinstance(value, Tensor) and value.dtype == torch.bool):
        raise InputError(f"{value!r} is no {what}; give a whole number")
    try:
        return operator.index(value)
    except TypeError:
        raise InputError(f"{value!r} is no {what}; give a whole number") from None


def check_pixels(pixels: Sequence[Pixel], size: tuple[int, int], picture: tuple[int, int] | None = None) -> None:
    """Refuse pixels outside a picture, or outside an answer of another size.

    Args:
        pixels: (row, column).
        size: rows and columns of what they are pixels of.
        picture: rows and columns of the picture, where they are an answer's.

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
                f"pixel ({row}, {col}) is outside the {height}x{width} {_of_what(size, picture)}: "
                f"row must be 0..{height - 1}, column 0..{width - 1}"
            )


def _of_what(size: tuple[int, int], picture: tuple[int, int] | None) -> str:
    if picture is None or tuple(picture) == tuple(size):
        return "picture"
    return f"answer to a {picture[0]}x{picture[1]} picture (resize='bilinear' makes it that size)"


def function_for(answer: Answer, target: Target) -> Answer:
    """The function of the picture in whose values the target stands: a network's answer, or its method ``disparity``.

    Raises:
        InputError: if the network has no such function.
    """
    if not (isinstance(target, str) and target == "disparity"):
        return answer
    if not callable(getattr(answer.net, "disparity", None)):
        raise InputError("target 'disparity' needs a network with a method disparity(x)")
    if answer.layer is not None:
        raise InputError(f"target 'disparity' is of the network's answer, not of its layer {answer.layer!r}")
    return replace(answer, method="disparity")


def meant(answer: Answer, target: Target) -> Target:
    """What a target says of this network: of a whole answer "predicted" is what the network's ``explained`` names.

    Raises:
        InputError: if that is no target, or one of the network's ``unknown_targets``.
    """
    whole = answer.output is None and answer.layer is None
    unknown = getattr(answer.net, "unknown_targets", None)
    if whole and isinstance(target, str) and isinstance(unknown, frozenset) and target in unknown:
        raise InputError(
            f"the target {target!r} does not follow from what this network answers: its answer itself is 'predicted'"
        )
    if not (isinstance(target, str) and target == "predicted" and whole):
        return target
    own = getattr(answer.net, "explained", None)
    return as_target(own) if isinstance(own, str) else target


def run_network(function: Callable[[Tensor], Tensor], x: Float[Tensor, "1 _ h w"]) -> Tensor:
    """The function's answer.

    Raises:
        InputError: if the network does not run on this picture, or answers something else than one tensor.
    """
    try:
        return require_tensor(function(x.clone()))  # which it may write to
    except (torch.OutOfMemoryError, InputError):
        raise
    except (RuntimeError, ValueError, AssertionError) as error:  # libraries refuse sizes by any of these
        raise InputError(
            f"the network cannot take a picture of {list(x.shape[1:])}, {x.dtype} on {x.device} ({reason(error)}); "
            "channels, size, type and device have to be what its weights expect"
        ) from error


def require_tensor(output: Any) -> Tensor:
    """Refuse an answer that is no tensor.

    Raises:
        InputError: with what it is.
    """
    if not isinstance(output, Tensor):
        raise InputError(
            f"the function answers a {type(output).__name__}; per-pixel saliency needs one tensor [1, c, h, w]"
        )
    return output


def check_output(output: Tensor, x: Tensor, target: Target) -> None:
    """Refuse an output in which the target does not stand.

    Args:
        output: of any size, the picture's or another.
        x: the picture.
        target: what is explained.

    Raises:
        InputError: with what the network answers and what would be right.
    """
    if output.dim() != 4 or output.shape[0] != 1 or not output.numel():
        raise InputError(
            f"the network answers {list(output.shape)} to an input of {list(x.shape)}; "
            "per-pixel saliency needs an output [1, c, h, w]"
        )
    channels = output.shape[1]
    if isinstance(target, str) and target in _OF_ONE_CHANNEL and channels != 1:
        raise InputError(f"target {target!r} needs a network with one output channel; this one has {channels}")
    if isinstance(target, str) and target == "direction" and channels == 1:
        raise InputError("target 'direction' needs a network with several output channels; this one has one")
    if isinstance(target, Weighted) and len(target.weights) != channels:
        raise InputError(f"the target weighs {len(target.weights)} channels; this network has {channels}")
    for number in _classes(target):
        if not 0 <= number < channels:
            raise InputError(f"target class {number} is outside 0..{channels - 1}")


def _classes(target: Target) -> tuple[int, ...]:
    """The class numbers that a target names."""
    if isinstance(target, Margin):
        return target.a, target.b
    return (target,) if isinstance(target, int) else ()


def fixed_targets(output: Float[Tensor, "c h w"], pixels: Sequence[Pixel], target: Target) -> list[Target]:
    """One target per pixel, with the predicted class named where there are several, and the predicted direction.

    A method that looks at changed pictures explains what was predicted for the original.
    """
    if target not in ("predicted", "direction") or not pixels or (target == "predicted" and len(output) == 1):
        return [target] * len(pixels)
    rows, columns = torch.tensor(pixels, device=output.device).T
    values = output[:, rows, columns]
    if target == "predicted":
        return list(values.argmax(0).tolist())
    return [Weighted(tuple(unit)) for unit in torch.nn.functional.normalize(values, dim=0).T.tolist()]


def call_target(
    target: Callable[[Tensor, Pixel], Tensor], output: Float[Tensor, "1 c h w"], pixel: Pixel
) -> Float[Tensor, ""]:
    """The value of a user's function.

    Raises:
        InputError: if it is not one number, or has no gradient although the output has.
    """
    value = target(output, pixel)
    if not isinstance(value, Tensor) or value.numel() != 1:
        what = f"the shape {list(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"
        raise InputError(f"the target function gives {what} at pixel {pixel}; it has to give a tensor with one number")
    if output.requires_grad and not value.requires_grad:
        raise InputError(
            f"the target function's value at pixel {pixel} has no gradient; compute it from the output, without detach() "
            "or item()"
        )
    return value.reshape(())


def target_value(output: Float[Tensor, "1 c h w"], pixel: Pixel, target: Target) -> Float[Tensor, ""]:
    """The number that is explained at one pixel."""
    row, col = pixel
    here = output[0, :, row, col]
    if isinstance(target, Margin):
        return here[target.a] - here[target.b]
    if isinstance(target, int):
        return here[target]
    if isinstance(target, Weighted):
        return here @ here.new_tensor(target.weights)
    if callable(target):
        return call_target(target, output, pixel)
    if target == "log_depth":
        return here[0].log()
    return here[torch.argmax(here.detach())]  # one channel: depth or disparity; many: the predicted class


def mean_of(
    output: Float[Tensor, "c h w"], pixels: Sequence[Pixel], target: Target
) -> Callable[[Tensor, Pixel], Tensor]:
    """The mean over some pixels of the number that a target names at each, as a target of its own.

    Args:
        output: which classes, and which directions, are predicted.
        pixels: at least one.
        target: no function.
    """
    rows, columns = torch.tensor(pixels, device=output.device).T
    if target == "log_depth":
        return lambda answer, _: answer[0, 0, rows, columns].log().mean()
    weights = torch.stack([_weights(output, one) for one in fixed_targets(output, pixels, target)], dim=1)
    return lambda answer, _: (answer[0][:, rows, columns] * weights).sum() / len(pixels)


def _weights(output: Float[Tensor, "c h w"], target: Target) -> Float[Tensor, " c"]:
    """Of the channels, in a target that is a sum of them."""
    if isinstance(target, Weighted):
        return output.new_tensor(target.weights)
    weights = output.new_zeros(len(output))
    if isinstance(target, Margin):
        weights[target.a] += 1
        weights[target.b] -= 1
    else:
        weights[target if isinstance(target, int) else 0] = 1
    return weights
