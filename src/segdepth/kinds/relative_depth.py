"""Answers that say which pixel is farther, but not how many metres: no truth is of these kinds."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Shaped
from numpy import ndarray

from segdepth.core.arrays import write_npy
from segdepth.core.errors import DataError
from segdepth.drawing import colour_depth

from .depth import Depth
from .kind import Colours, Picture, Value

__all__ = ["RelativeDepth", "RelativeInverseDepth"]


class RelativeDepth(Depth):
    """Depth up to a factor that differs from picture to picture, float32 ``[h, w]``."""

    units = ("relative depth",)
    endings = ("relative_depth",)
    symbol = ""
    is_relative = True

    def answer_from(
        self, values: Shaped[ndarray, "..."], where: str, size: tuple[int, int], unit: str
    ) -> Float32[ndarray, "h w"]:
        """See :meth:`Kind.answer_from`: numbers as they are; they have no unit, so 16-bit integers are taken as they are too.

        Raises:
            DataError: if some are not above zero.
        """
        answer = super().answer_from(_numbers(values), where, size, unit)
        if not (answer > 0).all():
            raise DataError(
                f"{where} has values that are 0 or less, which no depth is up to a factor (of inverse depth: --inverse)"
            )
        return answer

    def words(self, value: Value, names: Sequence[str], *, exact: bool = False) -> str:
        """See :meth:`Kind.words`."""
        return super().words(value, names, exact=exact) if exact else f"{value:.3g} ({self.units[0]})"

    def save(self, answer: Float32[ndarray, "h w"], stem: Path) -> list[Path]:
        """See :meth:`Kind.save`: the numbers, and no integers, which would need a unit."""
        (ending,) = self.endings
        file = stem.with_name(f"{stem.name}_{ending}.npy")
        write_npy(file, answer)
        return [file]


class RelativeInverseDepth(RelativeDepth):
    """Inverse depth up to a factor above zero and a shift that differ from picture to picture, float32 ``[h, w]``."""

    units = ("relative inverse depth",)
    endings = ("relative_inverse_depth",)
    is_inverse = True

    def answer_from(
        self, values: Shaped[ndarray, "..."], where: str, size: tuple[int, int], unit: str
    ) -> Float32[ndarray, "h w"]:
        """See :meth:`Kind.answer_from`: numbers as they are, of any sign, resized as they are."""
        return Depth.answer_from(self, _numbers(values), where, size, unit)

    def answer_over(self, image: Picture, answer: Float32[ndarray, "h w"], colours: Colours) -> Picture:
        """See :meth:`Kind.answer_over`: near is bright, on the picture's own scale."""
        del image, colours
        known = np.isfinite(answer)
        if not known.any():
            return colour_depth(np.zeros_like(answer))
        values = answer.astype(np.float64)
        low, high = values[known].min(), values[known].max()
        # only differences count, so the least is put just above zero, where the farthest is drawn
        return colour_depth(np.where(known, 1 / (values - low + 1e-6 * max(high - low, 1e-9)), 0))


def _numbers(values: Shaped[ndarray, "..."]) -> Shaped[ndarray, "..."]:
    """Integers as numbers without a unit."""
    return values.astype(np.float32) if values.dtype.kind in "iu" else values
