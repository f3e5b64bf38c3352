"""Pixels that are explained, a bounded number at a time: as maps, as signed gradients, or as the engine makes them."""

import logging
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import get_args

from jaxtyping import Float
from torch import Tensor

from segdepth.core.errors import InputError
from segdepth.core.tables import pick

from .engine import Chunk, Engine
from .engines import Prepared
from .graph import Box
from .methods import METHODS, Gradient, InputXGradient, Method, MethodName, Question
from .modes import step_by_step
from .strongest import strongest, write_strongest
from .target import Pixel, Target, fixed_targets

__all__ = ["BLOCK_BYTES", "Request", "ZeroReport", "as_method", "maps_in_block"]

log = logging.getLogger(__name__)

#: Bytes of maps, or of a method's sums, that streaming holds at a time.
BLOCK_BYTES = 256 << 20

#: How many of the pixels without a gradient a warning names.
NAMED = 5

#: Told the numbers of the pixels whose maps are zero everywhere.
ZeroReport = Callable[[list[int]], None]


def as_method(method: MethodName | Method) -> Method:
    """A method by its name, or with its own settings.

    Raises:
        ConfigError: if there is none of that name.
        InputError: if it is no method.
    """
    if isinstance(method, str):
        return pick(METHODS, method, kind="saliency method")
    if not any(isinstance(method, one) for one in get_args(Method)):
        raise InputError(
            f"{method!r} is no saliency method; give {', '.join(map(repr, METHODS))}, or SmoothGrad(samples=50)"
        )
    return method


def maps_in_block(size: tuple[int, int], value_bytes: int) -> int:
    """Maps that streaming holds at a time; no engine shares work between those of two blocks.

    Args:
        size: rows and columns of a map.
        value_bytes: of all that is held of a pixel.
    """
    return max(1, BLOCK_BYTES // (size[0] * size[1] * value_bytes))


@dataclass(frozen=True, eq=False)
class Request:
    """Pixels of an answer that are explained.

    Attributes:
        prepared: the network's function at the picture.
        engine: name of the engine, or "auto".
        pixels: (row, column) of the targets.
        target: what is explained at each.
        method: how.
    """

    prepared: Prepared
    engine: str
    pixels: Sequence[Pixel]
    target: Target
    method: Method

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of a map."""
        (top, bottom), (left, right) = self.prepared.window
        return bottom - top, right - left

    @property
    def keys(self) -> list[Hashable] | None:
        """What is asked for at each pixel; None where the next answer may be another one."""
        if callable(self.target) or not isinstance(self.method, Gradient):
            return None
        return [(*pixel, self.target) for pixel in self.pixels]

    def of(self, indices: Sequence[int]) -> "Request":
        """The same of some pixels."""
        return replace(self, pixels=[self.pixels[index] for index in indices])

    def engine_at(self, image: Float[Tensor, "_ h w"]) -> Engine:
        """An engine that is ready for this picture, or another one of its size."""
        prepared = self.prepared if image is self.prepared.image else self.prepared.at(image)
        return prepared.fastest(self.engine, self.pixels)

    def maps(self, report: ZeroReport | None) -> Float[Tensor, "p _h _w"]:
        """All maps in the window."""
        maps = self.prepared.image.new_zeros((len(self.pixels), *self.size))
        self._fill(maps, range(len(self.pixels)))
        self.report_zeros(maps, report)
        return maps

    def report_zeros(self, maps: Float[Tensor, "p _h _w"], report: ZeroReport | None) -> None:
        """Say which of all maps are zero everywhere, if there are any."""
        if found := _zeros(range(len(maps)), maps):
            (report or self._warn)(found)

    def blocks(self, report: ZeroReport | None) -> Iterator[Float[Tensor, "_p _h _w"]]:
        """All maps, a bounded number at a time."""
        zeros: list[int] = []
        for indices in self._blocks_of(1):
            maps = self.prepared.image.new_zeros((len(indices), *self.size))
            self._fill(maps, indices)
            zeros += _zeros(indices, maps)
            yield maps
        if zeros:
            (report or self._warn)(zeros)

    def chunks(self, report: ZeroReport | None) -> Iterator[tuple[list[int], Box, Float[Tensor, "_p _h _w"]]]:
        """Maps over boxes, as the engine makes them."""
        zeros: list[int] = []
        for indices, box, signed in self._stepped(range(len(self.pixels))):
            maps = strongest(signed)
            zeros += _zeros(indices, maps)
            yield indices, box, maps
        if zeros:
            (report or self._warn)(sorted(zeros))

    def signed(self, indices: range | None = None) -> Float[Tensor, "p _ _h _w"]:
        """The signed numbers of some pixels, or of all, in the window."""
        indices = range(len(self.pixels)) if indices is None else indices
        image, ((top, _), (left, _)) = self.prepared.image, self.prepared.window
        found = image.new_zeros((len(indices), len(image), *self.size))
        for numbers, (rows, columns), signed in self._stepped(indices):
            inside = found[:, :, rows[0] - top : rows[1] - top, columns[0] - left : columns[1] - left]
            inside[numbers] = signed
        return found

    def signed_blocks(self) -> Iterator[Float[Tensor, "_p _ _h _w"]]:
        """The signed numbers of all pixels, a bounded number at a time."""
        yield from map(self.signed, self._blocks_of(len(self.prepared.image)))

    def attributions(self, indices: range) -> Iterator[Chunk]:
        """Of some pixels, numbered from 0; not more at a time than memory holds."""
        image = self.prepared.image
        alone = isinstance(self.method, (Gradient, InputXGradient))
        size = max(1, len(indices)) if alone else self._block(len(image))
        for start in range(indices.start, indices.stop, size):
            pixels = self.pixels[start : min(start + size, indices.stop)]
            targets = fixed_targets(self.prepared.output, pixels, self.target)
            asked = Question(image, self.prepared.window, pixels, targets, self.engine_at)
            for numbers, box, signed in self.method.attributions(asked):
                yield Chunk([start - indices.start + n for n in numbers], box, signed)

    def _stepped(self, indices: range) -> Iterator[Chunk]:
        return step_by_step(self.attributions(indices), self.prepared.function.net, self.prepared.precision)

    def _fill(self, maps: Float[Tensor, "p _h _w"], indices: range) -> None:
        """Write the maps of some pixels into zeros."""
        (top, _), (left, _) = self.prepared.window
        for numbers, box, signed in self._stepped(indices):
            write_strongest(maps, numbers, signed, box, (top, left))

    def _blocks_of(self, channels: int) -> Iterator[range]:
        size = self._block(channels)
        for start in range(0, len(self.pixels), size):
            yield range(start, min(start + size, len(self.pixels)))

    def _block(self, channels: int) -> int:
        """How many maps of so many channels fit into a block."""
        return maps_in_block(self.size, channels * self.prepared.image.element_size())

    def _warn(self, zeros: list[int]) -> None:
        """One line for all of them."""
        places = ", ".join(str(tuple(self.pixels[index])) for index in zeros[:NAMED])
        log.warning(
            "saliency: %d of %d maps are zero everywhere: the output has no gradient (a dead ReLU?) at %s%s",
            len(zeros), len(self.pixels), places, ", ..." if len(zeros) > NAMED else "",
        )  # fmt: skip


def _zeros(indices: Sequence[int], maps: Float[Tensor, "p _h _w"]) -> list[int]:
    """Those whose maps are zero everywhere; one synchronisation for all of them."""
    if not maps.numel():
        return list(indices)
    return [index for index, zero in zip(indices, (maps.amax((1, 2)) == 0).tolist(), strict=True) if zero]
