"""Surface normals: which way does the surface at this pixel face?"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
from jaxtyping import Float, Float32, Float64, Shaped
from numpy import ndarray

from segdepth.core.arrays import write_npy
from segdepth.core.errors import DataError
from segdepth.drawing import colour_map, overlay

from .kind import Colours, Kind, LegendEntry, Picture, Value

__all__ = ["Normals"]

#: A plane is fitted to the depths in windows of so many rows and columns; the first one in which it fits counts: a large one,
#: because sensors measure depth in steps (of 3 % of it in eight bits), or a small one.
_WINDOWS = (15, 5)
#: Depths that are off the plane by more than this share of themselves, root mean square, are no plane: an edge.
_OFF = 0.012
#: Fewer measurements than this share of the window fit no plane; a corner of the picture has nine of 25.
_MEASURED = 1 / 3
#: Determinant of the equations of a plane, at least; it is a whole number, and 0 where all measurements lie on a line.
_SOLVABLE = 0.5
#: An answer that is wrong by this angle is drawn in the brightest colour.
_WORST_DEGREES = 60.0
_FACING = np.array([0, 0, -1], np.float32)


class Normals(Kind):
    """Unit vectors towards the camera's side, float32 ``[h, w, 3]``: x right, y down, z forward; (0, 0, 0) = not known.

    They come from depth: in a small window the inverse depth of a plane is an affine function of row and column, whose slopes say
    how the plane lies. Where no plane fits (edges of things, few measurements) nothing is known.
    """

    name = "normals"
    void = 0
    dtype = np.float32
    derived_from: ClassVar[str | None] = "depth"
    units = ("unit vectors",)
    resizing = "bilinearly"
    endings = ("normals",)

    def derive(
        self, depth: Float32[ndarray, "h w"], focal_px: float, centre: tuple[float, float]
    ) -> Float32[ndarray, "h w 3"]:
        """See :meth:`Kind.derive`."""
        column, row = (np.arange(n, dtype=np.float64) - c for n, c in zip(depth.shape[::-1], centre, strict=True))
        measured = (depth > 0).astype(np.float64)
        inverse = np.divide(1.0, depth, out=np.zeros(depth.shape), where=depth > 0)
        found = np.zeros((*depth.shape, 3), np.float32)
        for window in _WINDOWS:
            (at, right, down), off, count = _fitted_planes(inverse, measured, window)
            normal = np.stack([right * focal_px, down * focal_px, at - column * right - row[:, None] * down], axis=-1)
            length = np.linalg.norm(normal, axis=-1)
            fits = (count >= _MEASURED * window**2) & (off <= _OFF * np.abs(at)) & (depth > 0) & (length > 0)
            new = fits & ~found.any(-1)
            found[new] = -normal[new] / length[new, None]
        return found

    def turned(self, truth: Float32[ndarray, "h w 3"], turn: Float64[ndarray, "2 2"]) -> Float32[ndarray, "h w 3"]:
        """See :meth:`Kind.turned`: x and y turn with the picture, a mirror changes a sign."""
        return np.concatenate([truth[..., :2] @ turn.T.astype(np.float32), truth[..., 2:]], axis=-1)

    def target(self, truth: Float32[ndarray, "h w 3"]) -> Float32[ndarray, "3 h w"]:
        """See :meth:`Kind.target`."""
        return np.ascontiguousarray(truth.transpose(2, 0, 1))

    def guesses(self, truths: Float32[ndarray, "n h w 3"]) -> dict[str, Float32[ndarray, "h w 3"]]:
        """See :meth:`Kind.guesses`: the mean direction; a place where none is known takes that of all."""
        overall = _unit(truths.sum((0, 1, 2), dtype=np.float64))
        constant = np.broadcast_to(overall if overall.any() else _FACING, truths.shape[1:]).astype(np.float32)
        position = _unit(truths.sum(0, dtype=np.float64)).astype(np.float32)
        return {"constant": constant, "position": np.where(position.any(-1, keepdims=True), position, constant)}

    def answer_from(
        self, values: Shaped[ndarray, "..."], where: str, size: tuple[int, int], unit: str
    ) -> Float32[ndarray, "h w 3"]:
        """See :meth:`Kind.answer_from`: three numbers a pixel, of any length."""
        del unit
        stored = values
        values = values[0] if values.ndim == 4 and len(values) == 1 else values
        if values.ndim != 3 or values.shape[2] != 3 or values.dtype.kind != "f":
            raise DataError(
                f"{where} holds {stored.dtype} of shape {stored.shape}; normals are [rows, columns, 3] floats"
            )
        if not np.isfinite(values).all():
            raise DataError(f"{where} has values that are not finite (NaN or infinity)")
        resized = cv2.resize(values.astype(np.float32), (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
        return _unit(np.asarray(resized)).astype(np.float32)

    def painter(
        self, truth: Float[ndarray, "h w 3"] | None, colours: Colours
    ) -> Callable[[Shaped[ndarray, "_h _w 3"]], Picture]:
        """See :meth:`Kind.painter`."""
        del truth, colours
        return _painted

    def legend(self, names: Sequence[str], colours: Colours) -> list[LegendEntry]:
        """See :meth:`Kind.legend`: the three directions that colours are mixed of."""
        del names, colours
        ways = {"faces right": (1, 0, 0), "faces up": (0, -1, 0), "faces the camera": (0, 0, -1)}
        painted = _painted(np.array([list(ways.values())], np.float32))[0].tolist()
        return [LegendEntry(text, [tuple(rgb)]) for text, rgb in zip(ways, painted, strict=True)]

    def laid_over(self, image: Picture, truth: Float32[ndarray, "h w 3"], colours: Colours) -> Picture:
        """See :meth:`Kind.laid_over`: red faces right, green up, blue the camera."""
        del colours
        return overlay(image, _painted(truth), alpha=0.8, where=np.asarray(truth.any(-1)))

    def answer_over(self, image: Picture, answer: Float32[ndarray, "h w 3"], colours: Colours) -> Picture:
        """See :meth:`Kind.answer_over`: without the picture."""
        del image, colours
        return _painted(answer)

    def panels(
        self, image: Picture, answer: Float[ndarray, "h w 3"], truth: Float[ndarray, "h w 3"], colours: Colours
    ) -> dict[str, Picture]:
        """See :meth:`Kind.panels`."""
        del colours
        known = np.asarray(truth.any(-1))
        angle = np.degrees(np.arccos(np.clip((_unit(answer) * truth).sum(-1), -1, 1)))
        steps = np.rint(255 * np.clip(angle / _WORST_DEGREES, 0, 1)).astype(np.uint8)
        return {
            "truth: red faces right, green up, blue the camera": _painted(truth),
            "answer, in the same colours": _painted(answer),
            f"error, yellow: {_WORST_DEGREES:g} degrees or more": overlay(
                image // 2, colour_map("plasma")[steps], alpha=0.9, where=known
            ),
        }

    def words(self, value: Value, names: Sequence[str], *, exact: bool = False) -> str:
        """See :meth:`Kind.words`."""
        del names
        x, y, z = np.asarray(value, np.float64).tolist()
        if not exact and not np.any(value):
            return "not known"
        if exact:
            return f"{x:.6g} {y:.6g} {z:.6g}"
        return f"faces ({x:+.2f} right, {-y:+.2f} up, {-z:+.2f} the camera)"

    def save(self, answer: Float32[ndarray, "h w 3"], stem: Path) -> list[Path]:
        """See :meth:`Kind.save`."""
        file = stem.with_name(f"{stem.name}_{self.endings[0]}.npy")
        write_npy(file, answer)
        return [file]


def _fitted_planes(
    values: Float64[ndarray, "h w"], measured: Float64[ndarray, "h w"], window: int
) -> tuple[tuple[ndarray, ndarray, ndarray], Float64[ndarray, "h w"], Float64[ndarray, "h w"]]:
    """The affine function that fits the measured values around each pixel best.

    Returns:
        Its value at the pixel, its slope along the row, its slope down the column; the root mean square of what it misses,
        infinite where the measurements lie on a line; their number.
    """
    reach = window // 2
    step = np.arange(-reach, reach + 1, dtype=np.float64)
    one = np.ones_like(step)

    def moment(array: Float64[ndarray, "h w"], across: int, down: int) -> Float64[ndarray, "h w"]:
        """Sum over the window of the array times powers of the steps to the right and down."""
        kernels = step**across * one, step**down * one
        return np.asarray(cv2.sepFilter2D(array, cv2.CV_64F, *kernels, borderType=cv2.BORDER_CONSTANT))

    n, x, y, xx, xy, yy = (moment(measured, *power) for power in ((0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2)))
    weighted = values * measured
    a, b, c = (moment(weighted, *power) for power in ((0, 0), (1, 0), (0, 1)))
    # the normal equations by their cofactors: the matrix is symmetric
    nn, nx, ny = xx * yy - xy * xy, xy * y - x * yy, x * xy - xx * y
    determinant = n * nn + x * nx + y * ny
    solvable = determinant > _SOLVABLE
    scale = np.divide(1, determinant, out=np.zeros_like(n), where=solvable)
    at = (nn * a + nx * b + ny * c) * scale
    right = (nx * a + (n * yy - y * y) * b + (x * y - n * xy) * c) * scale
    down = (ny * a + (x * y - n * xy) * b + (n * xx - x * x) * c) * scale
    square = moment(weighted * values, 0, 0) - (at * a + right * b + down * c)
    off = np.sqrt(np.maximum(square, 0) / np.maximum(n, 1))
    return (at, right, down), np.where(solvable, off, np.inf), n


def _unit(vectors: Float[ndarray, "*n 3"]) -> Float[ndarray, "*n 3"]:
    """Vectors of length 1; zero stays zero."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(length > 0, length, 1))


def _painted(normals: Float[ndarray, "_h _w 3"]) -> Picture:
    """Red faces right, green up, blue the camera; black where nothing is known."""
    unit = _unit(normals) * np.array([1, -1, -1])
    return np.where(normals.any(-1, keepdims=True), np.rint(127.5 * (unit + 1)), 0).astype(np.uint8)
