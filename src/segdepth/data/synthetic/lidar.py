"""A laser scanner with 64 beams on the car's roof, and where it is from the cameras."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, Float64
from numpy import ndarray
from numpy.random import PCG64, Generator, SeedSequence

from .camera import Camera, View
from .raster import GROUND, SKY, rasterise
from .street import FAR_M, Street, depth_map

__all__ = ["R_RECT", "T_CAM0_VELO", "scan"]


def _rotation(x: float, y: float, z: float) -> Float64[ndarray, "3 3"]:
    """Turn by small angles about the three axes in turn, radians."""
    result = np.eye(3)
    for axis, angle in enumerate((x, y, z)):
        turn = np.eye(3)
        first, second = (axis + 1) % 3, (axis + 2) % 3
        turn[first, first] = turn[second, second] = math.cos(angle)
        turn[first, second], turn[second, first] = -math.sin(angle), math.sin(angle)
        result = turn @ result
    return result


def _camera_from_scanner() -> Float64[ndarray, "4 4"]:
    matrix = np.eye(4)
    matrix[:3, :3] = _rotation(-0.014, 0.004, 0.006) @ [[0, -1, 0], [0, 0, -1], [1, 0, 0]]
    matrix[:3, 3] = (-0.004, -0.08, -0.27)
    return matrix


#: Takes scanner points (forward, left, up) to the axes of camera 0 before rectification; about KITTI's.
T_CAM0_VELO: Float64[ndarray, "4 4"] = _camera_from_scanner()

#: Takes those to the rectified camera 0 (right, down, forward), which is the rig that :class:`Camera` moves on.
R_RECT: Float64[ndarray, "3 3"] = _rotation(0.004, -0.007, 0.009)

_ELEVATION = np.radians(np.linspace(2.0, -24.8, 64))
_AZIMUTH = np.radians(np.arange(-49.9, 49.9, 0.172))
_NOISE_M, _LOST = 0.02, 0.03
_LEAST_M, _MOST_M = 1.5, FAR_M


def scan(street: Street, cameras: Sequence[Camera]) -> Float32[ndarray, "n 4"]:
    """The scanner's points in front of the car.

    Every beam is intersected with the surface that it meets first, seen from the scanner's own place. Ranges are noisy
    (2 cm), some beams return nothing. Points that a camera should see but does not, because something nearer hides them
    from it, are left out: so what is projected into these cameras agrees with their depth maps.

    Args:
        street: the world.
        cameras: on the rig, all equally far ahead.

    Returns:
        Forward, left, up (metres, the scanner's axes) and reflectance (0..1); beams run from right to left, the highest
        first. The scan covers 100 degrees ahead.
    """
    rig = _rig(street, cameras[0])
    to_rig = R_RECT @ T_CAM0_VELO[:3, :3]
    shift = R_RECT @ T_CAM0_VELO[:3, 3]
    view = View(rig.axes, rig.position + rig.axes.T @ shift)
    beams = _beams()
    directions = beams @ to_rig.T
    surface, ranges = _first_hits(street, view, directions)
    dice = Generator(PCG64(SeedSequence([*street.entropy, round(1e3 * (cameras[0].ahead_m + 1e3)), 64])))
    ranges = ranges + _NOISE_M * dice.standard_normal(len(ranges))
    kept = dice.random(len(ranges)) > _LOST + 0.4 * (ranges / _MOST_M) ** 2
    kept &= (surface != SKY) & (ranges > _LEAST_M) & (ranges < _MOST_M)
    surface, points = surface[kept], beams[kept] * ranges[kept, None]
    reflectance = _reflectance(street, surface, dice)
    seen = np.ones(len(points), bool)
    for camera in cameras:
        seen &= _not_hidden(street, camera, points @ to_rig.T + shift)
    return np.column_stack([points, reflectance])[seen].astype(np.float32)


def _rig(street: Street, camera: Camera) -> View:
    """Where camera 0 is."""
    return street.view(camera.moved(right_m=-camera.right_m))


def _beams() -> Float64[ndarray, "n 3"]:
    """Unit directions in the scanner's axes."""
    elevation, azimuth = np.repeat(_ELEVATION, len(_AZIMUTH)), np.tile(_AZIMUTH, len(_ELEVATION))
    flat = np.cos(elevation)
    return np.stack([flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(elevation)], axis=1)


def _first_hits(
    street: Street, view: View, directions: Float64[ndarray, "n 3"]
) -> tuple[ndarray, Float64[ndarray, "n"]]:
    """The surface that each direction (in the view's axes) meets first, and its exact distance in metres.

    A picture from the scanner's place finds the surface; the beam is then intersected with that surface.
    """
    eye = Camera(480, 1320, 500.0, 500.0, 659.5, 69.5, above_m=0.0)
    visible = rasterise(street.solids, eye, view)
    slope = directions / directions[:, 2:]
    column = np.rint(slope[:, 0] * eye.fx + eye.cx).astype(np.int64)
    row = np.rint(slope[:, 1] * eye.fy + eye.cy).astype(np.int64)
    outside = (column < 0) | (column >= eye.width) | (row < 0) | (row >= eye.height)
    row, column = np.clip(row, 0, eye.height - 1), np.clip(column, 0, eye.width - 1)
    surface = np.where(outside, SKY, visible.surface[row, column])
    ranges = _distance(street, view.position, directions @ view.axes, surface)
    # A beam that grazes a surface's rim may meet its plane far outside of it: nothing comes back.
    nearby = 1 / np.maximum(visible.inverse_depth[row, column], 1e-6) / directions[:, 2]
    rim = np.abs(ranges - nearby) > 0.3 + 0.1 * nearby
    return np.where(rim, SKY, surface), np.where(rim | (surface == SKY), 0.0, ranges)


def _distance(street: Street, origin: ndarray, direction: ndarray, surface: ndarray) -> Float64[ndarray, "n"]:
    """How far along each ray its surface is, metres; 0 where it misses."""
    solids = street.solids
    flat = len(solids) - len(solids.centre)
    ranges = np.zeros(len(surface))
    with np.errstate(divide="ignore", invalid="ignore"):
        on = surface == GROUND
        ranges[on] = -origin[1] / direction[on, 1]
        on = (surface >= 0) & (surface < flat)
        normal, point = solids.normal[surface[on]], solids.origin[surface[on]]
        ranges[on] = ((point - origin) * normal).sum(1) / (direction[on] * normal).sum(1)
        on = surface >= flat
        ball = surface[on] - flat
        offset, along = (origin - solids.centre[ball]) / solids.radii[ball], direction[on] / solids.radii[ball]
        a, b, c = (along**2).sum(1), (along * offset).sum(1), (offset**2).sum(1) - 1
        ranges[on] = (-b - np.sqrt(b * b - a * c)) / a
    return np.where(np.isfinite(ranges), ranges, 0.0)


def _reflectance(street: Street, surface: ndarray, dice: Generator) -> ndarray:
    """Brighter surfaces send more back; 0..1 in steps of a hundredth, as the scanner gives it."""
    bright = street.solids.rgb.mean(axis=1)
    value = np.where(surface == GROUND, np.mean(street.road.asphalt), bright[np.maximum(surface, 0)])
    result: ndarray = np.round(np.clip(0.7 * value + dice.normal(0, 0.04, len(surface)), 0, 0.99), 2)
    return result


def _not_hidden(street: Street, camera: Camera, points: Float64[ndarray, "n 3"]) -> ndarray:
    """Where points in camera 0's rectified axes are outside the camera's picture, or are what it sees there."""
    depth = depth_map(street.visible(camera), 2 * FAR_M)
    z = np.maximum(points[:, 2], 0.1)
    column = np.rint((points[:, 0] - camera.right_m) * camera.fx / z + camera.cx)
    row = np.rint(points[:, 1] * camera.fy / z + camera.cy)
    inside = (column >= 0) & (column < camera.width) & (row >= 0) & (row < camera.height)
    at = row[inside].astype(np.int64), column[inside].astype(np.int64)
    result = np.ones(len(points), bool)
    result[inside] = np.abs(depth[at] - z[inside]) < 0.1 + 0.03 * z[inside]
    return result
