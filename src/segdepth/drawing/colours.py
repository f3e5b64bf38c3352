"""Numbers to colours: classes, depth and saliency as RGB pictures."""

import math
from collections.abc import Sequence
from functools import cache
from typing import Literal

import cv2
import numpy as np
from jaxtyping import Float, Integer, UInt8
from numpy import ndarray

from segdepth.core.errors import InputError

__all__ = [
    "ColourMap",
    "colour_depth",
    "colour_distance",
    "colour_labels",
    "colour_map",
    "colour_saliency",
    "enlarge_points",
]

ColourMap = Literal["magma", "inferno", "viridis", "plasma", "turbo", "gray"]

# OpenCV has matplotlib's tables, and costs nothing to import where it is loaded anyway.
_OPENCV = {
    "magma": cv2.COLORMAP_MAGMA,
    "inferno": cv2.COLORMAP_INFERNO,
    "viridis": cv2.COLORMAP_VIRIDIS,
    "plasma": cv2.COLORMAP_PLASMA,
    "turbo": cv2.COLORMAP_TURBO,
}

BLACK = (0, 0, 0)

#: Rows of turbo between its ends, which are nearly black.
_BRIGHT_TURBO = (25, 230)


@cache
def colour_map(name: ColourMap) -> UInt8[ndarray, "256 3"]:
    """The RGB table of a colour map, from its lowest to its highest value; not to be written to."""
    steps = np.arange(256, dtype=np.uint8)[:, None]
    table = np.repeat(steps, 3, axis=1) if name == "gray" else cv2.applyColorMap(steps, _OPENCV[name])[:, 0, ::-1]
    table = np.ascontiguousarray(table)
    table.flags.writeable = False
    return table


def colour_labels(labels: Integer[ndarray, "h w"], colours: Sequence[tuple[int, int, int]]) -> UInt8[ndarray, "h w 3"]:
    """Every pixel in its class's colour.

    Args:
        labels: train ids, none below 0; whatever is no class (255 = ignore) becomes black.
        colours: RGB of each train id.
    """
    table = np.zeros((max(int(labels.max(initial=0)) + 1, len(colours)), 3), np.uint8)
    table[: len(colours)] = colours
    picture: UInt8[ndarray, "h w 3"] = table[labels]
    return picture


def colour_depth(
    depth: Float[ndarray, "h w"],
    min_depth: float | None = None,
    max_depth: float | None = None,
    colours: ColourMap = "magma",
) -> UInt8[ndarray, "h w 3"]:
    """Inverse depth in colours: near is bright, far is dark.

    Without limits the scale is the picture's own: from its farthest pixel to the 95th percentile of its
    inverse depth, so that a few very near pixels do not darken all others. Give both limits to compare
    pictures.

    Args:
        depth: metres; 0, negative or not finite = no measurement, drawn black.
        min_depth: metres that get the brightest colour.
        max_depth: metres that get the darkest colour.
        colours: the colour map.

    Raises:
        InputError: if the limits are not ``0 < min_depth < max_depth``.

    Source:
        The 95th percentile: Godard et al. 2019, arXiv:1806.01260, ``test_simple.py``.
    """
    _check_limits(min_depth, max_depth)
    valid = np.isfinite(depth) & (depth > 0)
    if not valid.any():
        return np.zeros((*depth.shape, 3), np.uint8)
    inverse = 1 / depth[valid].astype(np.float64)
    low = inverse.min() if max_depth is None else 1 / max_depth
    high = np.percentile(inverse, 95) if min_depth is None else 1 / min_depth
    picture = np.zeros((*depth.shape, 3), np.uint8)
    picture[valid] = colour_map(colours)[_steps(inverse, low, high)]
    return picture


def colour_distance(depth: Float[ndarray, "h w"], near: float = 3.0, far: float = 60.0) -> UInt8[ndarray, "h w 3"]:
    """Depth by its logarithm, so that each doubling is as many colours: near is red, far is blue; none of them is dark.

    Args:
        depth: metres; 0, negative or not finite = no measurement, drawn black.
        near: metres that are red; what is nearer too.
        far: metres that are blue; what is farther too.

    Raises:
        InputError: if the limits are not ``0 < near < far``.
    """
    if not 0 < near < far < math.inf:
        raise InputError(f"the distance scale needs 0 < near < far, not {near} m and {far} m")
    valid = np.isfinite(depth) & (depth > 0)
    share = np.log(far / np.clip(np.where(valid, depth, far), near, far)) / math.log(far / near)
    low, high = _BRIGHT_TURBO
    colours = colour_map("turbo")[np.rint(low + (high - low) * share).astype(np.uint8)]
    picture: UInt8[ndarray, "h w 3"] = np.where(valid[..., None], colours, np.uint8(0))
    return picture


def enlarge_points(depth: Float[ndarray, "h w"], size: int) -> Float[ndarray, "h w"]:
    """Each measurement spread over a square, so that single laser points can be seen; near ones cover far ones.

    Args:
        depth: metres; 0 = no measurement.
        size: side of the square, pixels.
    """
    nearness = np.divide(1, depth, out=np.zeros(depth.shape, np.float32), where=depth > 0)
    nearness = np.asarray(cv2.dilate(nearness, np.ones((size, size), np.uint8)))
    enlarged: Float[ndarray, "h w"] = np.divide(1, nearness, out=np.zeros_like(nearness), where=nearness > 0)
    return enlarged


def colour_saliency(
    saliency: Float[ndarray, "h w"], clip: float = 99.5, colours: ColourMap = "inferno"
) -> UInt8[ndarray, "h w 3"]:
    """A saliency map in colours, from 0 (darkest) to a percentile of its values (brightest).

    Args:
        saliency: absolute gradients, 0 or more; grey where it is not finite, as outside a crop.
        clip: percentile of the non-zero values from which everything is brightest, 0..100; 100 is the
            maximum. A gradient has a few pixels far above all others, and on a scale up to them the rest is
            invisible.
        colours: the colour map.

    Raises:
        InputError: if ``clip`` is not 0..100.
    """
    if not 0 <= clip <= 100:
        raise InputError(f"clip is a percentile and must be 0..100, not {clip}")
    known = np.isfinite(saliency)
    values = np.where(known, saliency, 0).astype(np.float64)
    above = values[values > 0]
    brightest = np.percentile(above, clip) if above.size else 1.0
    picture: UInt8[ndarray, "h w 3"] = colour_map(colours)[_steps(values, 0.0, brightest)]
    picture[~known] = 96
    return picture


def _check_limits(min_depth: float | None, max_depth: float | None) -> None:
    near, far = (0.0 if min_depth is None else min_depth), (math.inf if max_depth is None else max_depth)
    if not 0 <= near < far or min_depth == 0:
        raise InputError(f"the depth scale needs 0 < min_depth < max_depth, not {min_depth} m and {max_depth} m")


def _steps(values: Float[ndarray, "..."], low: float, high: float) -> UInt8[ndarray, "..."]:
    """Values to rows of a colour table; all in the brightest where there is but one value."""
    if high <= low:
        return np.full(values.shape, 255, np.uint8)
    share = np.clip((values - low) / (high - low), 0, 1)
    return np.rint(255 * share).astype(np.uint8)
