"""Maps and their measures in native loops; see :mod:`..strongest` and :mod:`..measuring`."""

from typing import Any, no_type_check

import numpy as np

from .compiled import kept

__all__ = ["measure", "overlap", "strongest"]

#: Sums may be taken in any order, as PyTorch does; division by 0 gives infinity, as in arrays.
_FAST = {"error_model": "numpy", "fastmath": {"reassoc", "nsz", "contract", "nnan"}}


@kept(nogil=True, **_FAST)
@no_type_check
def _extremes(values: Any) -> Any:
    """Smallest and largest of a row."""
    low, high = values[0], values[0]
    for c in range(len(values)):
        low = values[c] if values[c] < low else low
        high = values[c] if values[c] > high else high
    return low, high


@kept(nogil=True, **_FAST)
@no_type_check
def _sums(values: Any, distances: Any, low: Any, scale: Any) -> Any:
    """Sums over a row of the normalised map, the map over its peak, that times distance, and its square."""
    normalised, total, weighted, squares = low * 0, low * 0, low * 0, low * 0
    for c in range(len(values)):
        share = values[c] / scale
        normalised += (values[c] - low) / scale
        total += share
        weighted += share * distances[c]
        squares += share * share
    return normalised, total, weighted, squares


@kept(nogil=True, **_FAST)
@no_type_check
def _active(values: Any, distances: Any, low: Any, scale: Any, threshold: Any) -> Any:
    """How many of a row are active, and how far the farthest is."""
    count, farthest = np.int32(0), distances[0] * 0
    for c in range(len(values)):
        active = np.int32((values[c] - low) / scale >= threshold)  # no branch: it could not be predicted
        count += active
        farthest = max(farthest, distances[c] * active)
    return count, farthest


@kept(nogil=True, **_FAST)
@no_type_check
def measure(span: Any, maps: Any, pixels: Any, thresholds: Any, distances: Any, result: Any) -> None:
    """Fill ``result[span[0]:span[1]]``.

    Args:
        span: maps to do, from and to.
        maps: ``[maps, rows, columns]``.
        pixels: row and column of each map's target.
        thresholds: of the normalised maps.
        distances: by difference of rows, and of columns plus ``columns - 1``.
        result: as :func:`measure_maps` gives it.
    """
    _, height, width = maps.shape
    count = len(thresholds)
    for m in range(span[0], span[1]):
        low, high = _extremes(maps[m].reshape(height * width))
        scale = high if high > 0 else high * 0 + 1
        row, column = pixels[m]
        result[m, : 2 * count] = 0
        normalised, total, weighted, squares, peaks, peak_sum = 0.0, 0.0, 0.0, 0.0, 0, 0.0
        for r in range(height):
            values, far = maps[m, r], distances[abs(r - row), width - 1 - column : 2 * width - 1 - column]
            _, top = _extremes(values)
            a, b, c, d = _sums(values, far, low, scale)
            normalised, total, weighted, squares = normalised + a, total + b, weighted + c, squares + d
            if top == high:
                for k in range(width):
                    if values[k] == high:
                        peaks, peak_sum = peaks + 1, peak_sum + far[k]
            for t in range(count):
                if (top - low) / scale >= thresholds[t]:
                    active, farthest = _active(values, far, low, scale, thresholds[t])
                    result[m, t] = max(result[m, t], farthest)
                    result[m, count + t] += active
        result[m, count : 2 * count] /= height * width
        result[m, 2 * count] = peak_sum / peaks
        result[m, 2 * count + 1] = normalised / (height * width)
        result[m, 2 * count + 2] = weighted / total
        result[m, 2 * count + 3] = total * total / squares if squares > 0 else 0.0


@kept(nogil=True, **_FAST)
@no_type_check
def _both_and_either(a: Any, b: Any, low_a: Any, scale_a: Any, low_b: Any, scale_b: Any, threshold: Any) -> Any:
    """How many are active in both of two rows, and in either."""
    both, either = np.int32(0), np.int32(0)
    for c in range(len(a)):
        in_a = np.int32((a[c] - low_a) / scale_a >= threshold)
        in_b = np.int32((b[c] - low_b) / scale_b >= threshold)
        both += in_a & in_b
        either += in_a | in_b
    return both, either


@kept(nogil=True, **_FAST)
@no_type_check
def overlap(span: Any, a: Any, b: Any, thresholds: Any, result: Any) -> None:
    """Fill ``result[span[0]:span[1]]`` with intersections over unions.

    Args:
        span: pairs of maps to do, from and to.
        a: ``[maps, rows, columns]``.
        b: as ``a``.
        thresholds: of the normalised maps.
        result: ``[maps, thresholds]``.
    """
    size = a.shape[1] * a.shape[2]
    for m in range(span[0], span[1]):
        first, second = a[m].reshape(size), b[m].reshape(size)
        low_a, high_a = _extremes(first)
        low_b, high_b = _extremes(second)
        scale_a, scale_b = high_a if high_a > 0 else high_a * 0 + 1, high_b if high_b > 0 else high_b * 0 + 1
        for t in range(len(thresholds)):
            both, either = _both_and_either(first, second, low_a, scale_a, low_b, scale_b, thresholds[t])
            result[m, t] = both / either


@kept(nogil=True, error_model="numpy")
@no_type_check
def strongest(span: Any, signed: Any, targets: Any, maps: Any, turned: Any, top: int, left: int) -> None:
    """Write absolute values, maximum over the colours, into maps.

    Args:
        span: rows to do, from and to.
        signed: ``[rows, columns, colours, targets]``.
        targets: the map of each target.
        maps: ``[maps, rows, columns]``.
        turned: anything ``[some columns, targets]``.
        top: where the rows begin in the maps.
        left: where the columns begin.
    """
    _, width, colours, _ = signed.shape
    lanes = len(targets)
    for r in range(span[0], span[1]):
        for start in range(0, width, len(turned)):
            count = min(len(turned), width - start)
            for c in range(count):
                for lane in range(lanes):
                    turned[c, lane] = abs(signed[r, start + c, 0, lane])
                for colour in range(1, colours):
                    for lane in range(lanes):
                        value = abs(signed[r, start + c, colour, lane])
                        # what is no number stays, as in PyTorch's maximum
                        turned[c, lane] = value if value > turned[c, lane] or value != value else turned[c, lane]
            for lane in range(lanes):
                for c in range(count):
                    maps[targets[lane], top + r, left + start + c] = turned[c, lane]
