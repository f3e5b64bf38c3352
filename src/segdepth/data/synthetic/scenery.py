"""What is not an object: the road's course and markings, and the light of the day."""

import math
from dataclasses import dataclass

import numpy as np
from numpy import ndarray
from numpy.random import Generator

from .parts import Colour, Pose

__all__ = ["Light", "Line", "Road", "Shore"]


@dataclass(frozen=True, slots=True)
class Line:
    """A painted line along the road.

    Attributes:
        offset: from the road's centre line to the right, metres.
        dash: length of a dash, metres; 0 is a solid line.
        gap: between two dashes, metres.
    """

    offset: float
    dash: float = 0.0
    gap: float = 0.0


@dataclass(frozen=True, slots=True)
class Shore:
    """One side of the road.

    Attributes:
        edge: from the centre line to the kerb, metres.
        walk: width of the pavement, metres; 0 where there is none.
    """

    edge: float
    walk: float


@dataclass(frozen=True, slots=True)
class Road:
    """A road that bends evenly: its centre is at x = bend * z^2 / 2.

    Attributes:
        bend: curvature, 1/metres; positive turns to the right.
        left: the side at negative offsets.
        right: the side at positive offsets.
        lines: painted along it.
        crossings: z of the zebra crossings' near edges, metres; each is 3.5 m long.
        asphalt: colour.
        paving: colour of the pavement.
        grass: colour of the terrain beside.
    """

    bend: float
    left: Shore
    right: Shore
    lines: tuple[Line, ...]
    crossings: tuple[float, ...]
    asphalt: Colour
    paving: Colour
    grass: Colour

    def offset(self, x: ndarray, z: ndarray) -> ndarray:
        """How far right of the centre line points are, metres."""
        result: ndarray = x - np.float32(self.bend / 2) * z * z
        return result

    def pose(self, offset: float, z: float) -> Pose:
        """The place ``offset`` metres right of the centre line, heading along the road."""
        return Pose(offset + self.bend * z * z / 2, z, math.atan(self.bend * z))


@dataclass(frozen=True, slots=True)
class Light:
    """Sun, sky and air.

    Attributes:
        sun: unit vector to the sun, world axes.
        sunlight: share of the light that comes from the sun; the rest comes from everywhere.
        tint: colour of the light.
        zenith: colour of the sky overhead.
        horizon: colour of the sky near the ground, and of the haze.
        clouds: share of the sky under clouds.
        haze_m: distance after which 63 % of a colour is the haze's, metres.
        exposure: brightness of the picture.
        grain: deviation of the sensor's noise, 0..1.
    """

    sun: tuple[float, float, float]
    sunlight: float
    tint: Colour
    zenith: Colour
    horizon: Colour
    clouds: float
    haze_m: float
    exposure: float
    grain: float

    @classmethod
    def drawn(cls, dice: Generator) -> "Light":
        """A day by chance: sunny, cloudy, overcast, or with a low warm sun."""
        azimuth = dice.uniform(0, 2 * math.pi)
        elevation = math.radians(dice.uniform(28, 66))
        mood = dice.random()
        sunlight, clouds, tint = dice.uniform(0.5, 0.66), dice.uniform(0.0, 0.45), (1.0, 1.0, 1.0)
        zenith, horizon = (0.24, 0.42, 0.78), (0.72, 0.8, 0.88)
        if mood < 0.35:
            sunlight, clouds, tint = dice.uniform(0.05, 0.18), dice.uniform(0.75, 1.0), (0.94, 0.98, 1.03)
            zenith, horizon = (0.66, 0.7, 0.75), (0.82, 0.84, 0.86)
        elif mood < 0.5:
            elevation, tint = math.radians(dice.uniform(14, 24)), (1.1, 0.97, 0.8)
            zenith, horizon = (0.3, 0.42, 0.66), (0.93, 0.8, 0.66)
        flat = math.cos(elevation)
        return cls(
            sun=(flat * math.sin(azimuth), math.sin(elevation), flat * math.cos(azimuth)),
            sunlight=sunlight,
            tint=tint,
            zenith=zenith,
            horizon=horizon,
            clouds=clouds,
            haze_m=dice.uniform(130, 700),
            exposure=dice.uniform(0.85, 1.2),
            grain=dice.uniform(0.006, 0.02),
        )
