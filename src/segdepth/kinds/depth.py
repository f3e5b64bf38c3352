"""Depth: how far is this pixel, along the camera's axis, in metres?"""

import warnings
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Shaped
from numpy import ndarray

from segdepth.core.arrays import as_float32, write_npy
from segdepth.core.errors import DataError
from segdepth.drawing import (
    colour_depth,
    colour_distance,
    colour_map,
    enlarge_points,
    overlay,
    write_depth_png16,
)
from segdepth.geometry.projection import nearest_point

from .kind import Colours, Kind, LegendEntry, Picture, Value

__all__ = ["Depth"]

#: Edges of the bands of distance by which statistics are told apart.
_BANDS_M = (0.0, 10.0, 20.0, 40.0, 80.0)

#: An answer that is wrong by this factor, either way, is drawn in the brightest colour.
_WORST_FACTOR = 2.0
_PNG_UNITS_PER_METRE = 256
#: The nearest and the farthest depth in colours that are the same in all pictures.
_STREET_M = (3.0, 50.0)
#: Colours of a legend's ramp.
_RAMP = 6
#: Where fewer pixels are measured, they are single points.
_DENSE = 0.3


class Depth(Kind):
    """Metres, float32 ``[h, w]``; 0 = no measurement."""

    name = "depth"
    void = 0
    dtype = np.float32
    #: "inverse": one over metres, up to a factor that median scaling takes away.
    units: ClassVar[tuple[str, ...]] = ("metres", "inverse")
    resizing = "bilinearly"
    endings: ClassVar[tuple[str, ...]] = ("depth_metres", "depth_x256")
    symbol: ClassVar[str] = "m"
    column = "depth_m"

    def resized(
        self, truth: Float32[ndarray, "_h _w"], size: tuple[int, int], *, points: bool = False
    ) -> Float32[ndarray, "rows columns"]:
        """See :meth:`Kind.resized`. Metres stay what they are; of single points each pixel keeps its nearest."""
        return nearest_point(truth, size) if points and truth.shape != size else super().resized(truth, size)

    def nearer(self, truth: Float32[ndarray, "h w"], factor: float) -> Float32[ndarray, "h w"]:
        """See :meth:`Kind.nearer`."""
        return truth / np.float32(factor)

    def target(self, truth: Float32[ndarray, "h w"]) -> Float32[ndarray, "1 h w"]:
        """See :meth:`Kind.target`."""
        return np.ascontiguousarray(truth)[None]

    def guesses(self, truths: Float32[ndarray, "n h w"]) -> dict[str, Float32[ndarray, "h w"]]:
        """See :meth:`Kind.guesses`: the median. A place without a measurement takes its row's, or that of all."""
        measured = np.where(truths > 0, truths, np.nan)
        with warnings.catch_warnings():  # a place that was never measured has no median; it is filled below
            warnings.simplefilter("ignore", RuntimeWarning)
            overall = np.nanmedian(measured)
            rows = np.nanmedian(measured, axis=(0, 2))
            places = np.nanmedian(measured, axis=0)
        rows = np.where(np.isnan(rows), overall, rows)
        position = np.where(np.isnan(places), rows[:, None], places)
        return {"constant": np.full(truths.shape[1:], overall, np.float32), "position": position.astype(np.float32)}

    def answer_from(
        self, values: Shaped[ndarray, "..."], where: str, size: tuple[int, int], unit: str
    ) -> Float32[ndarray, "h w"]:
        """See :meth:`Kind.answer_from`: numbers as they are, or 16-bit integers of metres x 256."""
        stored = values.squeeze()
        if stored.ndim != 2 or stored.dtype.kind not in "fiu":
            raise DataError(
                f"{where} holds {values.dtype} of shape {values.shape}; a depth map is [rows, columns] of numbers"
            )
        if stored.dtype == np.uint8:
            raise DataError(
                f"{where} is an 8-bit picture, which cannot hold metres; .npy in metres or 16-bit PNG (x 256) can"
            )
        if stored.dtype == np.uint16:
            stored = stored.astype(np.float64) / _PNG_UNITS_PER_METRE
        resized = cv2.resize(as_float32(stored), (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
        if not np.isfinite(resized).all():
            raise DataError(f"{where} has values that are not finite (NaN or infinity)")
        return 1 / np.maximum(resized, 1e-6) if unit == "inverse" else np.asarray(resized)

    def tabled(self, values: Float32[ndarray, " n"]) -> Float32[ndarray, " n"]:
        """See :meth:`Kind.tabled`: metres, nan where nothing was measured."""
        return np.where(values > 0, values, np.nan).astype(np.float32)

    def strata(self, values: Float32[ndarray, " n"], names: Sequence[str]) -> dict[str, Bool[ndarray, " n"]]:
        """See :meth:`Kind.strata`: bands of distance."""
        del names
        return {f"{low:g}-{high:g} m": (values > low) & (values <= high) for low, high in pairwise(_BANDS_M)}

    def painter(
        self, truth: Float[ndarray, "h w"] | None, colours: Colours
    ) -> Callable[[Shaped[ndarray, "_h _w"]], Picture]:
        """See :meth:`Kind.painter`."""
        del colours
        near, far = _STREET_M if truth is None else _scale(truth)
        return lambda metres: colour_depth(metres, near, far)

    def legend(self, names: Sequence[str], colours: Colours) -> list[LegendEntry]:
        """See :meth:`Kind.legend`: even steps of inverse depth."""
        del names, colours
        near, far = _STREET_M
        steps = np.linspace(1 / near, 1 / far, _RAMP)
        ramp = colour_depth(1 / steps[None], near, far)[0].tolist()
        return [LegendEntry(f"{self.name}: {near:g} m", [tuple(rgb) for rgb in ramp], f"{far:g} m")]

    def laid_over(self, image: Picture, truth: Float32[ndarray, "h w"], colours: Colours) -> Picture:
        """See :meth:`Kind.laid_over`.

        Near is red, far is blue, on the picture's own scale; single points are dots on a darkened picture, the near ones over the
        far ones.
        """
        del colours
        near, far = _scale(truth)
        if (truth > 0).mean() > _DENSE:
            return overlay(image, colour_distance(truth, near, far), alpha=0.85, where=truth > 0)
        points = enlarge_points(truth, max(3, round(truth.shape[1] / 300)))
        return overlay(image // 2, colour_distance(points, near, far), alpha=1.0, where=points > 0)

    def answer_over(self, image: Picture, answer: Float32[ndarray, "h w"], colours: Colours) -> Picture:
        """See :meth:`Kind.answer_over`: without the picture, whose edges would look like depth's."""
        del image, colours
        return colour_depth(answer)

    def panels(
        self, image: Picture, answer: Float[ndarray, "h w"], truth: Float[ndarray, "h w"], colours: Colours
    ) -> dict[str, Picture]:
        """See :meth:`Kind.panels`."""
        del colours
        valid = truth > 0
        near, far = _scale(truth)
        factor = np.ones(truth.shape)
        factor[valid] = np.exp(np.abs(np.log(np.maximum(answer[valid], 1e-6) / truth[valid])))
        steps = np.rint(255 * np.clip(np.log(factor) / np.log(_WORST_FACTOR), 0, 1)).astype(np.uint8)
        error = np.where(valid[..., None], colour_map("plasma")[steps], 0).astype(np.uint8)
        thick = cv2.dilate(error, np.ones((3, 3), np.uint8))  # single laser points would hardly be seen
        return {
            f"truth: red {near:.3g} m, blue {far:.3g} m": colour_distance(enlarge_points(truth, 3), near, far),
            "answer, in the same colours": colour_distance(answer, near, far),
            f"error, yellow: wrong by a factor of {_WORST_FACTOR:g} or more": overlay(
                image // 2, np.asarray(thick), alpha=0.9, where=thick.max(axis=2) > 0
            ),
        }

    def words(self, value: Value, names: Sequence[str], *, exact: bool = False) -> str:
        """See :meth:`Kind.words`."""
        del names
        return f"{value:.6g}" if exact else f"{value:.{self.digits}f} {self.symbol}"

    def save(self, answer: Float32[ndarray, "h w"], stem: Path) -> list[Path]:
        """See :meth:`Kind.save`."""
        metres, png16 = (
            stem.with_name(f"{stem.name}_{ending}.{suffix}")
            for ending, suffix in zip(self.endings, ("npy", "png"), strict=True)
        )
        write_npy(metres, answer)
        write_depth_png16(png16, answer)
        return [metres, png16]


def _scale(metres: Float[ndarray, "h w"]) -> tuple[float, float]:
    """Depths that are nearest and farthest in colours: nearly all that is measured lies between them."""
    measured = metres[metres > 0]
    if not measured.size:
        return 1.0, 80.0
    near, far = np.percentile(measured, [2, 98])
    return float(near), float(max(far, 1.01 * near))
