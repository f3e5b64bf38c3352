"""Saliency maps in one call; whoever asks more often about a picture takes :class:`~segdepth.saliency.Explainer`."""

from collections.abc import Iterator, Sequence
from typing import Literal, overload

from jaxtyping import Float
from torch import Tensor, nn

from .answers import Output, Resize
from .checks import Crop
from .engines import EngineName
from .explainer import Explainer, remembered
from .graph import Box
from .methods import Method, MethodName
from .modes import Precision
from .request import ZeroReport
from .target import Pixel, Pixels, Target

__all__ = ["reference_gradients", "saliency_chunks", "saliency_maps"]


@overload
def saliency_maps(
    net: nn.Module, image: Float[Tensor, "_ h w"], pixels: Pixels, *, target: Target = ...,
    method: MethodName | Method = ..., engine: EngineName = ..., iterate: Literal[False] = ..., crop: Crop = ...,
    precision: Precision = ..., zeros: ZeroReport | None = ..., output: Output | None = ..., resize: Resize | None = ...,
) -> Float[Tensor, "p _h _w"]: ...  # fmt: skip
@overload
def saliency_maps(
    net: nn.Module, image: Float[Tensor, "_ h w"], pixels: Pixels, *, target: Target = ...,
    method: MethodName | Method = ..., engine: EngineName = ..., iterate: Literal[True], crop: Crop = ...,
    precision: Precision = ..., zeros: ZeroReport | None = ..., output: Output | None = ..., resize: Resize | None = ...,
) -> Iterator[Float[Tensor, "_p _h _w"]]: ...  # fmt: skip
def saliency_maps(
    net: nn.Module,
    image: Float[Tensor, "_ h w"],
    pixels: Pixels,
    *,
    target: Target = "predicted",
    method: MethodName | Method = "gradient",
    engine: EngineName = "auto",
    iterate: bool = False,
    crop: Crop = None,
    precision: Precision = "full",
    zeros: ZeroReport | None = None,
    output: Output | None = None,
    resize: Resize | None = None,
) -> Float[Tensor, "p _h _w"] | Iterator[Float[Tensor, "_p _h _w"]]:
    """Absolute gradient of the output at each pixel with respect to the picture, maximum over the colours.

    Args:
        net: see :class:`~segdepth.saliency.Explainer`, also for ``engine``, ``output`` and ``resize``; it is taken
            apart once per size (where ``output`` is a function, at every call: keep an explainer).
        image: see :meth:`Explainer.at`, also for ``crop`` and ``precision``.
        pixels: see :meth:`ExplainedPicture.maps`, also for ``target``, ``method`` and ``zeros``.
        target: see there.
        method: see there.
        engine: see there.
        iterate: give an iterator over blocks of maps, in the pixels' order and in bounded memory, not one tensor.
        crop: see there.
        precision: see there.
        zeros: see there.
        output: see there.
        resize: see there.

    Returns:
        One map per pixel, >= 0.

    Raises:
        InputError: see there.
        ConfigError: see there.
    """
    at = remembered(net, engine=engine, output=output, resize=resize).at(image, crop=crop, precision=precision)
    return (at.blocks if iterate else at.maps)(pixels, target=target, method=method, zeros=zeros)


def saliency_chunks(
    net: nn.Module,
    image: Float[Tensor, "_ h w"],
    pixels: Pixels,
    *,
    target: Target = "predicted",
    method: MethodName | Method = "gradient",
    engine: EngineName = "auto",
    crop: Crop = None,
    precision: Precision = "full",
    zeros: ZeroReport | None = None,
    output: Output | None = None,
    resize: Resize | None = None,
) -> Iterator[tuple[list[int], Box, Float[Tensor, "_p _h _w"]]]:
    """The same maps as the engine makes them: see :meth:`ExplainedPicture.chunks`, and :func:`saliency_maps`."""
    at = remembered(net, engine=engine, output=output, resize=resize).at(image, crop=crop, precision=precision)
    return at.chunks(pixels, target=target, method=method, zeros=zeros)


def reference_gradients(
    net: nn.Module, image: Float[Tensor, "_ h w"], pixels: Sequence[Pixel], target: Target
) -> Iterator[Float[Tensor, "_ h w"]]:
    """The picture's gradient for the target at each pixel, by one backward pass after the other.

    Raises:
        InputError: if a pixel is outside the answer or the target does not fit the network.
    """
    for block in Explainer(net, engine="reference").at(image).jacobian_blocks(pixels, target=target):
        yield from block
