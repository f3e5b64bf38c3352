"""Saliency maps: which input pixels does the answer at a pixel depend on, and how strongly?"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args, overload

import torch
from jaxtyping import Float
from torch import Tensor, nn

from segdepth.core.errors import InputError
from segdepth.core.tables import pick
from segdepth.geometry.crops import crop_window

from .engine import Chunk, Explainer
from .engines import EngineName, explain_with
from .graph import Box
from .methods import METHODS, Gradient, InputXGradient, Method, MethodName
from .modes import Precision, step_by_step
from .strongest import strongest, write_strongest
from .target import Pixel, Pixels, Target, as_pixels, as_target, check_pixels, fixed_targets

__all__ = ["saliency_chunks", "saliency_maps"]

log = logging.getLogger(__name__)

#: Bytes of maps, or of a method's sums, that streaming holds at a time.
BLOCK_BYTES = 256 << 20

#: Channels of our networks' pictures.
COLOURS = 3

#: How many of the pixels without a gradient a warning names.
NAMED = 5

Crop = str | tuple[slice, slice] | None

#: Told the numbers of the pixels whose maps are zero everywhere.
ZeroReport = Callable[[list[int]], None]


@overload
def saliency_maps(
    net: nn.Module, image: Float[Tensor, "_ h w"], pixels: Pixels, *, target: Target = ...,
    method: MethodName | Method = ..., engine: EngineName = ..., iterate: Literal[False] = ..., crop: Crop = ...,
    precision: Precision = ..., zeros: ZeroReport | None = ...,
) -> Float[Tensor, "p _h _w"]: ...  # fmt: skip
@overload
def saliency_maps(
    net: nn.Module, image: Float[Tensor, "_ h w"], pixels: Pixels, *, target: Target = ...,
    method: MethodName | Method = ..., engine: EngineName = ..., iterate: Literal[True], crop: Crop = ...,
    precision: Precision = ..., zeros: ZeroReport | None = ...,
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
) -> Float[Tensor, "p _h _w"] | Iterator[Float[Tensor, "_p _h _w"]]:
    """Absolute gradient of the output at each pixel with respect to the picture, maximum over the colours.

    All engines give the same numbers, up to rounding. The network is left as it was.

    Args:
        net: any module that maps ``[1, ., h, w]`` to ``[1, c, h, w]``.
        image: in the network's input range (see ``Network.preprocessing``).
        pixels: (row, column) of the targets: pairs, or a tensor or array of whole numbers ``[p, 2]``.
        target: the number that is explained; by default the logit of the class predicted at the pixel, or the depth.
        method: "gradient", "input_x_gradient", "integrated_gradients", "smoothgrad", or one with its own settings,
            such as ``SmoothGrad(samples=50)``.
        engine: "auto" takes the fastest that can; "sparse", "windowed", "batched" or "reference".
        iterate: give an iterator over blocks of maps, in the pixels' order and in bounded memory, not one tensor.
        crop: compute and give the maps in this window only: a name (see ``segdepth.geometry.crops``), or row and column
            slices.
        precision: "full" is float32 (or the picture's type) throughout, also where PyTorch would take TF32 by itself; "tf32"
            and "bf16" are faster on a GPU and less exact (see :func:`~segdepth.saliency.precision.precision_error`).
        zeros: called once, when the last map is made, with the numbers of the pixels whose map is zero everywhere, if
            there are any: the answer has no gradient there, as behind a dead ReLU. By default a warning names them.

    Returns:
        One map per pixel, >= 0, in output units per unit of the input range (times the input's for the methods that
        multiply by it).

    Raises:
        InputError: if the picture is not one picture of finite numbers, a pixel is outside it, the target does not fit
            the network, or the engine, asked for by name, does not know an operation of it. A picture of another size
            than the network was trained at is a warning.
        ConfigError: if there is no such method, engine or crop.

    Source:
        Simonyan, Vedaldi and Zisserman 2014, arXiv:1312.6034, section 3.
    """
    request = _Request.of(net, image, pixels, target, method, engine, crop, precision)
    report = zeros or request.warn
    if iterate:
        return request.blocks(report)
    maps = image.new_zeros((len(pixels), *request.size))
    if found := request.fill(maps, range(len(pixels))):
        report(found)
    return maps


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
) -> Iterator[tuple[list[int], Box, Float[Tensor, "_p _h _w"]]]:
    """The same maps as the engine makes them: which pixels, where in the picture, and the maps over that box.

    Outside its box a map is 0. This is the cheapest form: for statistics that need no whole maps.

    Args:
        net: see :func:`saliency_maps`, as for all arguments.
        image: see there.
        pixels: see there.
        target: see there.
        method: see there.
        engine: see there.
        crop: see there; boxes count from the picture's corner, not the crop's.
        precision: see there.
        zeros: see there.
    """
    request = _Request.of(net, image, pixels, target, method, engine, crop, precision)
    found: list[int] = []
    for indices, box, signed in step_by_step(request.attributions(range(len(pixels))), precision):
        maps = strongest(signed)
        found += [index for index, zero in zip(indices, _are_zero(maps), strict=True) if zero]
        yield indices, box, maps
    if found:
        (zeros or request.warn)(sorted(found))


@dataclass(frozen=True, eq=False)
class _Request:
    """A checked call."""

    net: nn.Module
    image: Tensor
    pixels: Sequence[Pixel]
    target: Target
    method: Method
    engine: str
    precision: Precision
    window: Box
    first: Explainer

    @staticmethod
    def of(
        net: nn.Module, image: Tensor, pixels: Pixels, target: Target, method: MethodName | Method,
        engine: str, crop: Crop, precision: Precision = "full",
    ) -> "_Request":  # fmt: skip
        _check_image(net, image)
        height, width = image.shape[-2:]
        pixels = as_pixels(pixels)
        check_pixels(pixels, (height, width))
        target = as_target(target)
        window = _window(crop, height, width)
        chosen = pick(METHODS, method, kind="saliency method") if isinstance(method, str) else method
        if not isinstance(chosen, get_args(Method)):
            raise InputError(
                f"{method!r} is no saliency method; give {', '.join(map(repr, METHODS))}, or SmoothGrad(samples=50)"
            )
        pick(dict.fromkeys(get_args(Precision)), precision, kind="precision")
        if precision == "tf32" and image.device.type != "cuda":
            raise InputError(f"precision 'tf32' is of NVIDIA GPUs; the picture is on {image.device.type!r}")
        first = explain_with(engine, net, image, target, window, len(pixels), precision)
        return _Request(net, image.detach(), pixels, target, chosen, engine, precision, window, first)

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of a map."""
        (top, bottom), (left, right) = self.window
        return bottom - top, right - left

    def prepare(self, picture: Tensor) -> Explainer:
        """The picture itself has been looked at already."""
        if picture is self.image:
            return self.first
        return explain_with(
            self.engine, self.net, picture, self.target, self.window, len(self.pixels), self.precision, check=False
        )

    def attributions(self, indices: range) -> Iterator[Chunk]:
        """Of some pixels, numbered from 0; not more at a time than memory holds."""
        size = len(indices) if isinstance(self.method, (Gradient, InputXGradient)) else self._block(len(self.image))
        for start in range(indices.start, indices.stop, max(1, size)):
            stop = min(start + max(1, size), indices.stop)
            pixels = self.pixels[start:stop]
            targets = fixed_targets(self.first.output, pixels, self.target)
            for numbers, box, signed in self.method.attributions(
                self.prepare, self.image, self.window, pixels, targets
            ):
                yield Chunk([start - indices.start + n for n in numbers], box, signed)

    def fill(self, maps: Float[Tensor, "p _h _w"], indices: range) -> list[int]:
        """Write the maps of some pixels into zeros; returns the numbers of those that stay zero everywhere."""
        (top, _), (left, _) = self.window
        for numbers, box, signed in step_by_step(self.attributions(indices), self.precision):
            write_strongest(maps, numbers, signed, box, (top, left))
        return [index for index, zero in zip(indices, _are_zero(maps), strict=True) if zero]

    def blocks(self, report: ZeroReport) -> Iterator[Float[Tensor, "_p _h _w"]]:
        """All maps, a bounded number at a time."""
        size = self._block(1)
        zeros: list[int] = []
        for start in range(0, len(self.pixels), size):
            indices = range(start, min(start + size, len(self.pixels)))
            maps = self.image.new_zeros((len(indices), *self.size))
            zeros += self.fill(maps, indices)
            yield maps
        if zeros:
            report(zeros)

    def warn(self, zeros: list[int]) -> None:
        """One line for all of them."""
        places = ", ".join(str(tuple(self.pixels[index])) for index in zeros[:NAMED])
        log.warning(
            "saliency: %d of %d maps are zero everywhere: the output has no gradient (a dead ReLU?) at %s%s",
            len(zeros), len(self.pixels), places, ", ..." if len(zeros) > NAMED else "",
        )  # fmt: skip

    def _block(self, channels: int) -> int:
        rows, columns = self.size
        return max(1, BLOCK_BYTES // (channels * rows * columns * self.image.element_size()))


def _are_zero(maps: Float[Tensor, "p _h _w"]) -> list[bool]:
    """Of each map, whether it is zero everywhere; one synchronisation for all of them."""
    return (maps.amax((1, 2)) == 0).tolist() if maps.numel() else [True] * len(maps)


def _window(crop: Crop, height: int, width: int) -> Box:
    rows, columns = crop_window(crop, height, width) if isinstance(crop, str) else _slices(crop)
    for span, size, what in ((rows, height, "rows"), (columns, width, "columns")):
        if any(edge is not None and not -size <= edge <= size for edge in (span.start, span.stop)):
            raise InputError(f"crop {(rows, columns)} is beyond the {height}x{width} picture: it has {size} {what}")
    (top, bottom, row_step), (left, right, column_step) = rows.indices(height), columns.indices(width)
    if (row_step, column_step) != (1, 1) or top >= bottom or left >= right:
        raise InputError(f"crop {(rows, columns)} has no pixel of the {height}x{width} picture, or has a step")
    return (top, bottom), (left, right)


def _slices(crop: tuple[slice, slice] | None) -> tuple[slice, slice]:
    if crop is None:
        return slice(None), slice(None)
    if not isinstance(crop, tuple) or len(crop) != 2 or not all(isinstance(span, slice) for span in crop):
        raise InputError(f"crop {crop!r} is none: give a name, or (slice(top, bottom), slice(left, right))")
    return crop


def _check_image(net: nn.Module, image: Tensor) -> None:
    if not isinstance(image, Tensor):
        raise InputError(
            f"the picture is a {type(image).__name__}; give a tensor in the network's input range, as net.preprocessing makes it"
        )
    if image.dim() != 3 or not image.numel():
        raise InputError(f"the picture has the shape {list(image.shape)}; give one picture [channels, rows, columns]")
    card = getattr(net, "card", None)
    if card is not None and len(image) != COLOURS:
        raise InputError(f"the picture has {len(image)} channels; the network sees {COLOURS} (RGB)")
    if not image.is_floating_point():
        raise InputError(
            f"the picture is {image.dtype}; give it in the network's input range, as net.preprocessing makes it"
        )
    if not torch.isfinite(image).all():
        raise InputError("the picture holds values that are not finite")
    trained = getattr(card, "input_size", None)
    if trained is not None and tuple(trained) != tuple(image.shape[-2:]):
        log.warning(
            "saliency: the picture is %dx%d, but the network was trained at %dx%d",
            *image.shape[-2:],
            *trained,
        )
