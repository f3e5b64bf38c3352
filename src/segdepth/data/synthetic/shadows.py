"""Where the sun does not reach the ground: a map of the street seen from above."""

from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float32, UInt8
from numpy import ndarray

from .parts import Material, Solids

__all__ = ["ShadowMap", "shadow_map"]

_CELL_M = 0.125
_LEFT_M, _BACK_M = -60.0, -20.0
_SMALL_M = 0.12  # what is thinner casts no shadow that one would see
_BALL = np.array(
    [[x, y, z] for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1) if (x, y, z) != (0, 0, 0)],
    np.float64,
)
_BALL /= np.linalg.norm(_BALL, axis=1, keepdims=True)


class ShadowMap(NamedTuple):
    """Two maps of the ground, 0 = none .. 255 = full.

    Attributes:
        cast: the share of the sun that is hidden.
        contact: the share of the sky that is hidden by what stands there.
    """

    cast: UInt8[ndarray, "l w"]
    contact: UInt8[ndarray, "l w"]

    def at(self, x: Float32[ndarray, "n"], z: Float32[ndarray, "n"]) -> tuple[ndarray, ndarray]:
        """Both maps' values at ground points, 0..1, float32 [n], interpolated; 0 off the map."""
        width = 1024  # cv2.remap takes no picture wider than 32767
        padded = width - len(x) % width  # at least one, for a picture without ground
        column, row = (
            np.pad((value - origin) / np.float32(_CELL_M) - np.float32(0.5), (0, padded)).reshape(-1, width)
            for value, origin in ((x, np.float32(_LEFT_M)), (z, np.float32(_BACK_M)))
        )
        cast, contact = (
            cv2.remap(plane, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT).ravel()[: len(x)]
            * np.float32(1 / 255)
            for plane in self
        )
        return cast, contact


def shadow_map(solids: Solids, sun: tuple[float, float, float], length_m: float) -> ShadowMap:
    """Draw the shadows of all boxes and balls on the ground.

    Args:
        solids: the street.
        sun: unit vector to the sun, above the ground.
        length_m: how far the street reaches, metres.
    """
    shape = (int((length_m - _BACK_M) / _CELL_M), int(-2 * _LEFT_M / _CELL_M))
    cast, contact = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    boxes = solids.quads.corners.reshape(-1, 6, 4, 3)[:, :2].reshape(-1, 8, 3).astype(np.float64)
    balls = solids.centre[:, None] + _BALL * solids.radii[:, None]
    drift = np.array([sun[0], sun[2]]) / sun[1]
    size = np.ptp(boxes, axis=1)
    thick = np.flatnonzero(np.sort(size, axis=1)[:, 1] > _SMALL_M)
    for outline in _cells(boxes[thick], drift):
        cv2.fillConvexPoly(cast, cv2.convexHull(outline), 255)
    leafy = solids.material[len(solids) - len(balls) :] == Material.FOLIAGE
    for outline, soft in zip(_cells(balls, drift), leafy, strict=True):
        cv2.fillConvexPoly(cast, cv2.convexHull(outline), 215 if soft else 255)
    low = thick[boxes[thick, :, 1].min(axis=1) < 0.5]
    for outline in _cells(boxes[low], np.zeros(2)):
        cv2.fillConvexPoly(contact, cv2.convexHull(outline), 255)
    return ShadowMap(cv2.GaussianBlur(cast, (3, 3), 0), cv2.blur(contact, (7, 7)))


def _cells(points: ndarray, drift: ndarray) -> ndarray:
    """Where points [n, k, 3] fall on the ground along the sun's rays, in cells of the map [n, k, 2]."""
    ground = points[..., [0, 2]] - points[..., 1:2] * drift
    return np.asarray(np.floor((ground - [_LEFT_M, _BACK_M]) / _CELL_M)).astype(np.int32)
