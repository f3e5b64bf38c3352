"""Colours and labels of what a camera sees: textures, light, shadows, haze, and the sensor's noise."""

from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float32, UInt8
from numpy import ndarray
from numpy.random import Generator

from .camera import View
from .noise import SIZE, noise_tile
from .objects import LABEL
from .parts import Material, Solids
from .raster import GROUND, SKY, Visible
from .scenery import Light, Road
from .shadows import ShadowMap

__all__ = ["Picture", "paint"]

_BLOTCH_M = 60.0  # textures finer than a pixel fade out over about this distance


class Picture(NamedTuple):
    """A painted frame.

    Attributes:
        image: RGB, 0..255.
        labels: train ids.
    """

    image: UInt8[ndarray, "h w 3"]
    labels: UInt8[ndarray, "h w"]


class _Points(NamedTuple):
    """Some of the pixels: which, and what they see, each [n]."""

    pixel: ndarray
    x: ndarray
    y: ndarray
    z: ndarray
    depth: ndarray


class _Patch(NamedTuple):
    """Some pixels of one material: n colours to change, and what a pattern may read, each [n].

    Attributes:
        colour: [n, 3].
        u: metres along the surface, level, from its origin.
        height: metres above the ground.
        rise: metres above the surface's origin.
        depth: metres from the camera.
        number: of the surface.
        pattern: the skin's numbers, [n, 4].
    """

    colour: ndarray
    u: ndarray
    height: ndarray
    rise: ndarray
    depth: ndarray
    number: ndarray
    pattern: ndarray


def paint(
    visible: Visible,
    ray: tuple[Float32[ndarray, "h w"], ...],
    view: View,
    solids: Solids,
    road: Road,
    light: Light,
    shadows: ShadowMap,
    dice: Generator,
) -> Picture:
    """Colour every pixel.

    Args:
        visible: what each pixel sees.
        ray: world x, y, z of each pixel's ray.
        view: where the camera is.
        solids: the surfaces.
        road: what is painted on the ground.
        light: of the day.
        shadows: on the ground.
        dice: the sensor's noise.
    """
    surface = visible.surface.ravel()
    depth = (1 / np.maximum(visible.inverse_depth, 1e-6)).ravel()
    rgb = np.empty((surface.size, 3), np.float32)
    labels = np.full(surface.size, LABEL["sky"], np.uint8)

    sky = np.flatnonzero(surface == SKY)
    x, y, z = (axis.ravel()[sky] for axis in ray)
    rgb[sky] = _sky_colour(x, y, z, light)

    seen = _points(np.flatnonzero(surface == GROUND), depth, ray, view)
    rgb[seen.pixel], labels[seen.pixel] = _ground_colour(seen, road, light, shadows, float(view.position[1]))

    seen = _points(np.flatnonzero(surface >= 0), depth, ray, view)
    number = surface[seen.pixel]
    labels[seen.pixel] = solids.label[number]
    rgb[seen.pixel] = _solid_colour(seen, number, solids, light)

    air = np.exp(depth * np.float32(-1 / light.haze_m))
    air[sky] = 1
    rgb -= np.array(light.horizon, np.float32)
    rgb *= air[:, None]
    rgb += np.array(light.horizon, np.float32)
    shape = visible.surface.shape
    return Picture(_developed(rgb.reshape(*shape, 3), light, dice), labels.reshape(shape))


def _points(pixel: ndarray, depth: ndarray, ray: tuple[ndarray, ...], view: View) -> _Points:
    far = depth[pixel]
    x, y, z = (axis.ravel()[pixel] * far + np.float32(origin) for axis, origin in zip(ray, view.position, strict=True))
    return _Points(pixel, x, y, z, far)


def _noise(u: ndarray, v: ndarray, per_metre: float) -> ndarray:
    """Noise at positions in metres, -0.5..0.5 around its mean."""
    scale = np.float32(per_metre)
    columns = (u * scale).astype(np.int32) & (SIZE - 1)
    rows = (v * scale).astype(np.int32) & (SIZE - 1)
    result: ndarray = noise_tile().ravel()[rows * SIZE + columns] - np.float32(0.5)
    return result


def _within(distance: ndarray, half: float, blur: ndarray) -> ndarray:
    """How much of a pixel lies within ``half`` of a line: 1 inside, 0 outside, a pixel-wide ramp between."""
    result: ndarray = np.clip((np.float32(half) - distance) / blur + np.float32(0.5), 0, 1)
    return result


def _developed(rgb: ndarray, light: Light, dice: Generator) -> ndarray:
    """What the sensor makes of the light, uint8."""
    rgb *= np.array(light.tint, np.float32) * np.float32(light.exposure)
    rgb = cv2.GaussianBlur(rgb, (3, 3), 0.5)
    grain = dice.standard_normal(rgb.shape[:2], np.float32) * np.float32(light.grain * 255)
    counts = rgb * np.float32(255) + grain[:, :, None]
    return np.asarray(cv2.convertScaleAbs(np.maximum(counts, 0)))


def _sky_colour(x: ndarray, y: ndarray, z: ndarray, light: Light) -> ndarray:
    length = np.sqrt(x * x + y * y + z * z)
    up = np.maximum(y / length, 0)
    share = np.sqrt(np.clip(up * 1.8, 0, 1))[:, None]
    colour = (1 - share) * np.array(light.horizon, np.float32) + share * np.array(light.zenith, np.float32)
    over = 1 / (up + 0.12)  # clouds lie on a plane overhead
    puffs = _noise(x / length * over, z / length * over, 42) + 0.35 * _noise(x / length * over, z / length * over, 160)
    cover = np.clip((puffs + np.float32(light.clouds - 0.45)) * 3, 0, 1)[:, None] * np.minimum(up * 6, 1)[:, None]
    colour += cover * (np.float32(0.93 - 0.2 * light.clouds) + 0.15 * puffs[:, None] - colour) * np.float32(0.85)
    sun_x, sun_y, sun_z = light.sun
    glow = np.maximum((x * np.float32(sun_x) + y * np.float32(sun_y) + z * np.float32(sun_z)) / length, 0)
    colour += (glow**24 * np.float32(0.5 * light.sunlight))[:, None]
    return np.asarray(colour)


def _lit(cosine: ndarray, light: Light) -> ndarray:
    """Brightness of a surface whose normal makes an angle of this cosine with the sun."""
    ambient = np.float32(1.05 - light.sunlight)
    result: ndarray = ambient + np.float32(1.35 * light.sunlight) * np.maximum(cosine, 0)
    return result


def _ground_colour(
    seen: _Points, road: Road, light: Light, shadows: ShadowMap, eye_m: float
) -> tuple[ndarray, ndarray]:
    x, z, depth = seen.x, seen.z, seen.depth
    offset = road.offset(x, z)
    on_left = offset < 0
    edge = np.where(on_left, np.float32(road.left.edge), np.float32(road.right.edge))
    walk = np.where(on_left, np.float32(road.left.walk), np.float32(road.right.walk))
    beyond = np.abs(offset) - edge
    asphalt, grass = beyond < 0, beyond >= walk
    labels = np.full(len(x), LABEL["sidewalk"], np.uint8)
    labels[asphalt], labels[grass] = LABEL["road"], LABEL["terrain"]

    fade = np.minimum(1, np.float32(12) / depth)
    fine = _noise(x, z, 70) * fade
    coarse = _noise(x, z, 5.3)
    colour = np.where(asphalt[:, None], np.array(road.asphalt, np.float32), np.array(road.paving, np.float32))
    colour *= (1 + 0.45 * fine + 0.3 * coarse)[:, None]
    tracks = np.abs(np.mod(np.abs(offset), np.float32(1.7)) - np.float32(0.85))
    colour[asphalt] *= (1 - 0.08 * np.exp(-((tracks[asphalt] - 0.4) ** 2) * 20))[:, None]
    across = np.maximum(depth * np.float32(0.0014), 0.008)  # width of a pixel on the ground
    along = np.maximum(depth * depth * np.float32(0.0014 / eye_m), 0.02)
    at = np.flatnonzero(asphalt)
    paint_share = _markings(offset[at], z[at], across[at], along[at], road) * (0.8 + 0.5 * coarse[at])
    colour[at] += np.clip(paint_share, 0, 1)[:, None] * (np.float32(0.8) - colour[at])
    _pave(colour, z, beyond, ~asphalt & ~grass, fade)
    at = np.flatnonzero(grass)
    blades = (1 + 0.7 * fine[at] + 0.5 * _noise(x[at], z[at], 21) * np.minimum(1, 40 / depth[at]))[:, None]
    earth = np.clip(coarse[at] * 2.2 - 0.25, 0, 0.7)[:, None]
    green = np.array(road.grass, np.float32)
    colour[at] = (green + earth * (np.array((0.4, 0.33, 0.22), np.float32) - green)) * blades

    cast, contact = shadows.at(x, z)
    sun = np.float32(light.sun[1]) * (1 - cast)
    colour *= (_lit(sun, light) * (1 - 0.6 * contact))[:, None]
    return colour, labels


def _pave(colour: ndarray, z: ndarray, beyond: ndarray, paved: ndarray, fade: ndarray) -> None:
    """Kerb stones and slabs, in place."""
    at = np.flatnonzero(paved)
    kerb = beyond[at] < 0.18
    joint = np.minimum(np.mod(beyond[at] - np.float32(0.18), np.float32(0.6)), np.mod(z[at], np.float32(0.6))) < 0.03
    colour[at] *= (1 - 0.22 * joint * np.where(kerb, 0, fade[at]))[:, None]
    colour[at[kerb]] *= np.where(np.mod(z[at[kerb]], np.float32(1.0)) < 0.03, np.float32(0.8), np.float32(1.22))[
        :, None
    ]
    gutter = np.flatnonzero((beyond < 0) & (beyond > -0.12))
    colour[gutter] *= np.float32(0.72)


def _markings(offset: ndarray, z: ndarray, across: ndarray, along: ndarray, road: Road) -> ndarray:
    """How much of each pixel of asphalt is painted white, 0..1."""
    share = np.zeros_like(offset)
    for line in road.lines:
        near = np.flatnonzero(np.abs(offset - np.float32(line.offset)) < 0.6)
        part = _within(np.abs(offset[near] - np.float32(line.offset)), 0.07, across[near])
        if line.dash:
            period = line.dash + line.gap
            phase = np.abs(np.mod(z[near], np.float32(period)) - np.float32(period / 2))
            soft = _within(phase, line.dash / 2, along[near])
            blurred = np.minimum(along[near] / np.float32(period), 1)
            part = part * (soft + blurred * (np.float32(line.dash / period) - soft))
        share[near] = np.maximum(share[near], part)
    for start in road.crossings:
        near = np.flatnonzero(np.abs(z - np.float32(start)) < 12)
        stripes = _within(np.abs(np.mod(offset[near], np.float32(1.0)) - np.float32(0.5)), 0.25, across[near])
        zebra = stripes * _within(np.abs(z[near] - np.float32(start + 1.75)), 1.75, along[near])
        stop = (offset[near] > 0) * _within(np.abs(z[near] - np.float32(start - 1.5)), 0.2, along[near])
        share[near] = np.maximum(share[near], np.maximum(zebra, stop))
    return share


def _solid_colour(seen: _Points, number: ndarray, solids: Solids, light: Light) -> ndarray:
    normal = solids.normal
    cosine = (normal @ np.array(light.sun, np.float32))[number]
    # Faces that look down get less of the sky's light.
    facing_sky = (0.86 + 0.14 * normal[:, 1])[number]
    ball = np.flatnonzero(number >= len(solids) - len(solids.centre))
    cosine[ball], facing_sky[ball] = _ball_light(seen, number, ball, solids, light)
    flat = np.hypot(normal[:, 0], normal[:, 2])
    tangent = (
        np.where(flat > 1e-3, normal[:, 2] / np.maximum(flat, 1e-3), 1),
        np.where(flat > 1e-3, -normal[:, 0] / np.maximum(flat, 1e-3), 0),
    )
    from_x, from_z = seen.x - solids.origin[:, 0][number], seen.z - solids.origin[:, 2][number]
    u = from_x * tangent[0].astype(np.float32)[number] + from_z * tangent[1].astype(np.float32)[number]
    colour = solids.rgb[number]
    fade = np.minimum(1, np.float32(18) / seen.depth)
    colour *= (1 + 0.16 * _noise(u + number, seen.y + from_z * 0.3, 30) * fade)[:, None]
    colour *= (1 + 0.2 * _noise(u + 3 * number, seen.y, 4.1))[:, None]
    material = solids.material[number]
    rise = seen.y - solids.origin[:, 1][number]
    lit = _lit(cosine, light) * facing_sky
    lit *= 0.72 + 0.28 * np.minimum(seen.y * np.float32(1.6), 1)  # less light reaches what is close to the ground
    for surface, pattern in _PATTERNS.items():
        at = np.flatnonzero(material == surface)
        if at.size:
            colour[at] = pattern(
                _Patch(colour[at], u[at], seen.y[at], rise[at], seen.depth[at], number[at], solids.pattern[number[at]])
            )
    glow = material == Material.GLOW
    colour *= np.where(glow, np.float32(1), lit)[:, None]
    return np.asarray(colour)


def _ball_light(seen: _Points, number: ndarray, ball: ndarray, solids: Solids, light: Light) -> tuple[ndarray, ndarray]:
    """Cosine to the sun, and the share of the sky's light, of pixels on balls."""
    which = number[ball] - (len(solids) - len(solids.centre))
    squared = solids.radii**2
    n_x, n_y, n_z = (
        (value[ball] - solids.centre[:, axis][which]) / squared[:, axis][which]
        for axis, value in enumerate((seen.x, seen.y, seen.z))
    )
    scale = 1 / np.sqrt(n_x * n_x + n_y * n_y + n_z * n_z)
    sun_x, sun_y, sun_z = (np.float32(value) for value in light.sun)
    return (n_x * sun_x + n_y * sun_y + n_z * sun_z) * scale, 0.8 + 0.2 * n_y * scale


def _chance(*numbers: ndarray) -> ndarray:
    """A number in 0..1 for each tuple of whole numbers; always the same one."""
    mixed = np.zeros(len(numbers[0]), np.int64)
    for value in numbers:
        mixed = (mixed ^ value.astype(np.int64)) * 0x2545F491 & 0x7FFFFFFF
        mixed ^= mixed >> 15
    return (mixed & 1023).astype(np.float32) / np.float32(1023)


def _facade(patch: _Patch) -> ndarray:
    """Windows in rows, on plaster or brick; shops on the ground floor; or bands of glass."""
    colour, depth = patch.colour, patch.depth
    bay, floor, code, tall = patch.pattern.T
    style = np.floor(code / 10)
    share = code - 10 * style
    column, row = np.floor(patch.u / bay), np.floor(patch.height / floor)
    fu, fv = patch.u / bay - column - 0.5, patch.height / floor - row - 0.52
    shop = (style == 2) & (row == 0)
    share = np.where((style == 3) | shop, np.float32(0.9), share)
    tall = np.where(shop, np.float32(0.78), tall)
    inside = np.maximum(np.abs(fu) / share, np.abs(fv) / tall) * 2
    joint = (style == 1) & (np.mod(patch.height, np.float32(0.24)) < 0.04)
    colour *= (1 - 0.25 * joint * np.minimum(1, 12 / depth))[:, None]
    colour[(fv < -0.47) & (row > 0)] *= np.float32(0.82)
    colour[(inside < 1.14) & (inside >= 1)] *= np.float32(1.25)
    at = np.flatnonzero(inside < 1)
    colour[at] = _window(fu[at], fv[at], share[at], tall[at], _chance(column[at], row[at], patch.number[at]))
    return colour


def _window(fu: ndarray, fv: ndarray, share: ndarray, tall: ndarray, chance: ndarray) -> ndarray:
    """Glass that is dark or mirrors the sky, some with curtains; ``fu``, ``fv`` are measured from the middle."""
    tone = 0.1 + 0.16 * chance + 0.22 * (fv / tall + 0.5) * (chance > 0.4)
    pane: ndarray = tone[:, None] * np.array((0.9, 1.0, 1.12), np.float32)
    pane[(chance > 0.72) & (np.abs(fu) > 0.22 * share)] = np.array((0.62, 0.59, 0.53), np.float32)
    pane[np.minimum(np.abs(fu), np.abs(fv - 0.1)) < 0.015] = np.array((0.6, 0.6, 0.58), np.float32)
    return pane


def _foliage(patch: _Patch) -> ndarray:
    """Leaves: strong blotches of two sizes."""
    leaves = _noise(patch.u + patch.number, patch.height, 18) * np.minimum(1, np.float32(_BLOTCH_M) / patch.depth)
    boughs = _noise(patch.u + 3 * patch.number, patch.height, 4)
    patch.colour[:] *= np.clip(1 + 1.7 * leaves + 0.9 * boughs, 0.25, 2.2)[:, None]
    return patch.colour


def _boards(patch: _Patch) -> ndarray:
    """Upright boards; pattern = their width and how dark the joints are."""
    board, dark = patch.u / patch.pattern[:, 0], patch.pattern[:, 1]
    joint = (board - np.floor(board)) < 0.12
    tint = _chance(np.floor(board), patch.number) - np.float32(0.5)
    patch.colour[:] *= (1 - dark * joint + 0.5 * dark * tint * np.minimum(1, 25 / patch.depth))[:, None]
    return patch.colour


def _blocks(patch: _Patch) -> ndarray:
    """Courses of stones or tiles; pattern = their width and height."""
    width, height = patch.pattern[:, 0], patch.pattern[:, 1]
    course = np.floor(patch.height / height)
    stone = patch.u / width + 0.5 * np.mod(course, 2)
    joint = ((stone - np.floor(stone)) < 0.07) | (patch.height / height - course < 0.1)
    tint = _chance(np.floor(stone), course, patch.number) - np.float32(0.5)
    patch.colour[:] *= (1 + (0.3 * tint - 0.35 * joint) * np.minimum(1, np.float32(20) / patch.depth))[:, None]
    return patch.colour


def _sign(patch: _Patch) -> ndarray:
    """A bar in the middle, upright or level; pattern = half its length, then its colour."""
    half, upright = patch.pattern[:, 0], np.mod(patch.number, 2) == 0
    along, across = np.abs(patch.u), np.abs(patch.rise)
    along, across = np.where(upright, across, along), np.where(upright, along, across)
    bar = (along < half) & (across < 0.35 * half)
    patch.colour[bar] = patch.pattern[bar, 1:]
    return patch.colour


_PATTERNS = {
    Material.FACADE: _facade,
    Material.FOLIAGE: _foliage,
    Material.BOARDS: _boards,
    Material.BLOCKS: _blocks,
    Material.SIGN: _sign,
}
