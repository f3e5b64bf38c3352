"""A street by chance: where things stand, and a frame of it through a camera."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float32, UInt8
from numpy import ndarray
from numpy.random import PCG64, Generator, SeedSequence

from segdepth.core.tables import pick

from . import objects
from .camera import Camera, View
from .paint import paint
from .parts import Parts, Pose, Solids
from .raster import Visible, rasterise, rays
from .scenery import Light, Line, Road, Shore
from .shadows import ShadowMap, shadow_map

__all__ = ["FAR_M", "SPLITS", "Frame", "Street", "make_street"]

#: The splits, with the number that each puts into its seeds.
SPLITS: dict[str, int] = {"train": 0, "val": 1, "test": 2}

#: Depths beyond this are not in a depth map, as in the benchmarks; the picture and the labels reach further.
FAR_M = 85.0

_STREET_M = 120.0
_START_M = 2.0


@dataclass(frozen=True, slots=True)
class Frame:
    """What a camera sees of a street.

    Attributes:
        image: RGB, 0..255.
        labels: train ids of Cityscapes; every pixel has one.
        depth: metres along the optical axis to what the pixel's centre sees; 0 in the sky and beyond ``far_m``.
    """

    image: UInt8[ndarray, "h w 3"]
    labels: UInt8[ndarray, "h w"]
    depth: Float32[ndarray, "h w"]


@dataclass(frozen=True)
class Street:
    """A street and the car that drives along it.

    Attributes:
        solids: everything that stands in it.
        road: the ground.
        light: of the day.
        length_m: how far it reaches, metres.
        lane: offset of the car from the road's centre line, metres.
        lift: the camera's height over its nominal one, metres.
        tilt: the camera's yaw (from the road's direction), pitch and roll, radians.
        entropy: the numbers that the street was drawn from.
    """

    solids: Solids
    road: Road
    light: Light
    length_m: float
    lane: float
    lift: float
    tilt: tuple[float, float, float]
    entropy: tuple[int, ...]

    @cached_property
    def shadows(self) -> ShadowMap:
        """The shadows on the ground; drawn once."""
        return shadow_map(self.solids, self.light.sun, self.length_m)

    def view(self, camera: Camera) -> View:
        """Where a camera on the car is."""
        rig = self.road.pose(self.lane, camera.ahead_m)
        position = np.array([rig.x, camera.above_m + self.lift, rig.z])
        yaw, pitch, roll = self.tilt
        view = View.looking(position, rig.yaw + yaw, pitch, roll)
        return view._replace(position=position + camera.right_m * view.axes[0])

    def visible(self, camera: Camera) -> Visible:
        """Which surface each pixel sees, and its inverse depth."""
        return rasterise(self.solids, camera, self.view(camera))

    def render(self, camera: Camera, far_m: float = FAR_M) -> Frame:
        """What the camera sees.

        Args:
            camera: any size; the same street is seen.
            far_m: depths beyond are left out of the depth map, metres.
        """
        view = self.view(camera)
        visible = rasterise(self.solids, camera, view)
        place = (round(1e3 * (camera.ahead_m + 1e3)), round(1e3 * (camera.right_m + 1e3)))
        grain = Generator(PCG64(SeedSequence([*self.entropy, *place])))
        ray = rays(camera, view)
        picture = paint(visible, ray, view, self.solids, self.road, self.light, self.shadows, grain)
        return Frame(picture.image, picture.labels, depth_map(visible, far_m))


def depth_map(visible: Visible, far_m: float = FAR_M) -> Float32[ndarray, "h w"]:
    """Depth in metres; 0 in the sky and beyond ``far_m``."""
    near = visible.inverse_depth >= 1 / far_m
    return np.where(near, 1 / np.maximum(visible.inverse_depth, 1e-6), 0).astype(np.float32)


def make_street(seed: int, index: int, split: str = "train", travel_m: float = 0.0) -> Street:
    """Draw a street.

    The chances come from numpy's PCG64, whose numbers are the same on every machine. Two builds of numpy may round a
    last bit of the geometry differently, which moves an outline by far less than a pixel.

    Args:
        seed: of the collection of streets, 0 or more.
        index: which street of the split, 0 or more.
        split: "train", "val" or "test".
        travel_m: how far a camera will drive; the street is longer by that much.

    Raises:
        ConfigError: if there is no such split.
    """
    entropy = (seed, pick(SPLITS, split, kind="split of the synthetic streets"), index)
    dice = Generator(PCG64(SeedSequence(entropy)))
    plan = _Plan(dice, _STREET_M + travel_m)
    light = Light.drawn(dice)
    road, lane, lanes = plan.road()
    plan.fill(road, lane, lanes)
    tilt = tuple(math.radians(dice.normal(0, degrees)) for degrees in (2.0, 0.7, 0.5))
    return Street(
        solids=plan.parts.solids(),
        road=road,
        light=light,
        length_m=plan.length + 30,
        lane=lane + dice.normal(0, 0.15),
        lift=float(dice.uniform(-0.04, 0.04)),
        tilt=(tilt[0], tilt[1], tilt[2]),
        entropy=entropy,
    )


class _Plan:
    """Draws a street piece by piece; every piece takes its chances from the same dice, in a fixed order."""

    def __init__(self, dice: Generator, length: float) -> None:
        self.dice = dice
        self.length = length
        self.parts = Parts()
        self.vehicles: list[tuple[Pose, float]] = []  # the middle and the length of each
        drawn = dice.random()
        self.surroundings = "town" if drawn < 0.5 else "suburb" if drawn < 0.82 else "country"

    def road(self) -> tuple[Road, float, list[float]]:
        """The road, the offset of our lane, and the offsets of all lanes (negative ones come towards us)."""
        dice = self.dice
        town = self.surroundings == "town"
        width = dice.uniform(3.0, 3.7)
        right = 2 if town and dice.random() < 0.3 else 1
        left = right if dice.random() < 0.85 else 3 - right
        self.parking = [
            dice.random() < {"town": 0.65, "suburb": 0.45, "country": 0.0}[self.surroundings] for _ in range(2)
        ]
        shores = []
        for count, parked in zip((left, right), self.parking, strict=True):
            walk = 0.0 if self.surroundings == "country" else dice.uniform(1.6, 4.2 if town else 2.6)
            shores.append(Shore(count * width + (2.3 if parked else dice.uniform(0.1, 0.6)), walk))
        lines = (
            [Line(0.0) if dice.random() < 0.3 else Line(0.0, 3.0, dice.uniform(3, 6))] if dice.random() < 0.8 else []
        )
        for side, count, parked in ((-1, left, self.parking[0]), (1, right, self.parking[1])):
            lines += [Line(side * k * width, 3.0, 6.0) for k in range(1, count)]
            if parked or dice.random() < 0.6:
                lines.append(Line(side * (count * width - 0.02)))
        self.crossing = dice.uniform(12, 45) if town and dice.random() < 0.7 else None
        lanes = [-(k + 0.5) * width for k in range(left)] + [(k + 0.5) * width for k in range(right)]
        grey = dice.uniform(0.22, 0.42)
        stone = dice.uniform(0.38, 0.62)
        road = Road(
            bend=float(dice.normal(0, 1 / 900)),
            left=shores[0],
            right=shores[1],
            lines=tuple(lines),
            crossings=(self.crossing,) if self.crossing else (),
            asphalt=objects.shade(dice, (grey, grey, 1.02 * grey), 0.1),
            paving=objects.shade(dice, (stone, 0.96 * stone, 0.9 * stone), 0.2),
            grass=objects.shade(dice, (0.26, 0.36, 0.13) if dice.random() < 0.75 else (0.42, 0.38, 0.2), 0.25),
        )
        return road, float(dice.choice(lanes[left:])), lanes

    def fill(self, road: Road, lane: float, lanes: list[float]) -> None:
        """Put everything in its place."""
        self._backdrop(road)
        self._traffic(road, lane, lanes)
        for side, shore, parked in ((-1, road.left, self.parking[0]), (1, road.right, self.parking[1])):
            self._frontage(road, side, shore)
            self._kerb(road, side, shore)
            self._walkers(road, side, shore)
            if parked:
                self._parked(road, side, shore)
            self._cyclists(road, side, shore, parked)

    def _backdrop(self, road: Road) -> None:
        """Hills of trees, and houses, where the street ends and behind the first row."""
        dice, far = self.dice, self.length
        for k in range(14):
            place = Pose(road.bend * far * far / 2 + (k - 6.5) * 17 + dice.uniform(-5, 5), far + dice.uniform(2, 40), 0)
            if dice.random() < 0.55:
                objects.tree(self.parts, dice, place, dice.uniform(9, 17))
            else:
                size = dice.uniform(12, 20), dice.uniform(8, 12), dice.uniform(5, 14)
                objects.house(self.parts, dice, place.turned(-math.pi / 2), *size, gable=size[2] < 8)
        for side in (-1, 1):
            z = 15.0
            while z < far:
                place = road.pose(side * dice.uniform(34, 50), z)
                if self.surroundings == "country" or dice.random() < 0.5:
                    objects.tree(self.parts, dice, place, dice.uniform(8, 15))
                else:
                    self._house_at(place, side, dice.uniform(10, 16), dice.uniform(5, 9), True)
                z += dice.uniform(11, 19)

    def _house_at(self, front: Pose, side: int, length: float, height: float, gable: bool) -> None:
        """A house whose front is at ``front``, on the given side of the road."""
        facing = front if side > 0 else front.turned(math.pi)
        objects.house(self.parts, self.dice, facing, length, self.dice.uniform(8, 12), height, gable)

    def _frontage(self, road: Road, side: int, shore: Shore) -> None:
        """What lines the street: houses, walls, fences, hedges, trees, one lot after the other."""
        dice, z = self.dice, -8.0
        lot_line = shore.edge + shore.walk + (0.0 if self.surroundings == "town" else dice.uniform(0.2, 1.5))
        while z < self.length - 5:
            if self.surroundings == "town":
                z = self._town_lot(road, side, lot_line, z)
            elif self.surroundings == "suburb":
                z = self._garden_lot(road, side, lot_line, z)
            else:
                z = self._field(road, side, lot_line, z)

    def _town_lot(self, road: Road, side: int, line: float, z: float) -> float:
        dice = self.dice
        if dice.random() < 0.22:
            gap = dice.uniform(5, 14)
            self._boundary(road, side, line + 0.25, z, gap)
            objects.tree(
                self.parts,
                dice,
                road.pose(side * (line + dice.uniform(3, 6)), z + gap / 2),
                dice.uniform(5, 10),
            )
            return float(z + gap)
        length, height = dice.uniform(9, 22), dice.uniform(6, 21)
        self._house_at(road.pose(side * line, z + length / 2), side, length, height, dice.random() < 0.35)
        return float(z + length + (0.02 if dice.random() < 0.7 else dice.uniform(0.5, 4)))

    def _garden_lot(self, road: Road, side: int, line: float, z: float) -> float:
        dice = self.dice
        lot = dice.uniform(12, 22)
        setback = dice.uniform(3, 8)
        length = dice.uniform(8, min(13, lot - 2))
        self._house_at(
            road.pose(side * (line + setback), z + lot / 2),
            side,
            length,
            dice.uniform(3.2, 6.5),
            dice.random() < 0.85,
        )
        if dice.random() < 0.8:
            self._boundary(road, side, line + 0.3, z, lot * dice.uniform(0.6, 0.95))
        for _ in range(int(dice.integers(0, 3))):
            place = road.pose(side * (line + dice.uniform(1.5, setback)), z + dice.uniform(0, lot))
            objects.tree(self.parts, dice, place, dice.uniform(2.5, 8))
        return float(z + lot)

    def _field(self, road: Road, side: int, line: float, z: float) -> float:
        dice = self.dice
        stretch = dice.uniform(8, 18)
        chance = dice.random()
        if chance < 0.3:
            self._boundary(road, side, line + 0.8, z, stretch)
        elif chance < 0.4:
            self._house_at(
                road.pose(side * (line + dice.uniform(6, 14)), z + stretch / 2),
                side,
                dice.uniform(8, 13),
                dice.uniform(3, 5),
                True,
            )
        for _ in range(int(dice.integers(1, 4))):
            place = road.pose(side * (line + dice.uniform(2.5, 16)), z + dice.uniform(0, stretch))
            objects.tree(self.parts, dice, place, dice.uniform(3, 12))
        return float(z + stretch)

    def _boundary(self, road: Road, side: int, line: float, z: float, length: float) -> None:
        """A wall, a fence or a hedge, in pieces that follow the bend."""
        dice = self.dice
        barrier = (objects.wall, objects.fence, objects.hedge)[int(dice.integers(3))]
        height = dice.uniform(0.8, 2.2)
        pieces = max(1, round(length / 8))
        for k in range(pieces):
            each = length / pieces
            barrier(self.parts, dice, road.pose(side * line, z + (k + 0.5) * each), each + 0.02, height)

    def _kerb(self, road: Road, side: int, shore: Shore) -> None:
        """Lamps, signs, traffic lights, and trees in a row beside the road."""
        dice = self.dice
        line = shore.edge + (0.45 if shore.walk else 1.0)
        along = 0.0 if side > 0 else math.pi  # signs face the traffic of their own side

        def place(z: float) -> Pose:
            return road.pose(side * line, z).turned(along)

        height, step, z = dice.uniform(5, 9), dice.uniform(18, 34), dice.uniform(4, 22)
        while z < self.length and (self.surroundings != "country" or side > 0):
            objects.lamp_post(self.parts, dice, place(z), height)
            z += step
        for _ in range(int(dice.integers(1, 6))):
            objects.traffic_sign(self.parts, dice, place(dice.uniform(6, 75)))
        if self.crossing:
            objects.traffic_light(self.parts, dice, place(self.crossing - 0.8 if side > 0 else self.crossing + 4.3))
            objects.traffic_light(
                self.parts,
                dice,
                place(self.crossing + dice.uniform(5, 9)).turned(0.0 if side > 0 else math.pi),
            )
        if shore.walk > 2.2 and dice.random() < 0.5:
            step, z, height = dice.uniform(7, 14), dice.uniform(4, 12), dice.uniform(4.5, 8.5)
            while z < self.length:
                objects.tree(self.parts, dice, place(z), height * dice.uniform(0.85, 1.15))
                z += step

    def _walkers(self, road: Road, side: int, shore: Shore) -> None:
        dice = self.dice
        if not shore.walk:
            return
        for _ in range(int(dice.poisson(4.5 if self.surroundings == "town" else 1.5))):
            offset = shore.edge + dice.uniform(0.7, max(0.8, shore.walk - 0.4))
            z, heading = dice.uniform(4, 55), dice.choice((0.0, math.pi)) + dice.normal(0, 0.3)
            objects.person(self.parts, dice, road.pose(side * offset, z).turned(heading))
            if dice.random() < 0.35:
                beside = road.pose(side * offset, z).at(0.65, dice.uniform(-0.3, 0.3))
                objects.person(self.parts, dice, beside.turned(heading))
        if self.crossing:
            for _ in range(int(dice.poisson(1.2))):
                spot = road.pose(dice.uniform(-0.9, 0.9) * shore.edge, self.crossing + dice.uniform(0.5, 3))
                if self._free(spot):
                    objects.person(self.parts, dice, spot.turned(dice.choice((-1, 1)) * math.pi / 2))
        for _ in range(int(dice.poisson(1.6 if self.surroundings == "town" else 0.4))):
            spot = road.pose(side * (shore.edge + max(0.5, shore.walk - 0.5)), dice.uniform(5, 40))
            two_wheels = objects.bicycle if dice.random() < 0.7 else _standing_motorcycle
            two_wheels(self.parts, dice, spot.turned(dice.normal(0, 0.3)))

    def _parked(self, road: Road, side: int, shore: Shore) -> None:
        dice, z = self.dice, self.dice.uniform(4, 9)
        share = dice.uniform(0.45, 0.95)
        while z < self.length:
            clear = self.crossing is None or abs(z - self.crossing) > 9
            if clear and dice.random() < share:
                pose = road.pose(side * (shore.edge - 1.12), z + 2.4).turned(0.0 if side > 0 else math.pi)
                if dice.random() < 0.05:
                    objects.truck(self.parts, dice, pose.at(0, 3.0 * side))
                    z += 7.0
                elif dice.random() < 0.08:
                    _standing_motorcycle(self.parts, dice, pose.turned(0.5))
                else:
                    objects.car(self.parts, dice, pose.turned(dice.normal(0, 0.02)))
            z += dice.uniform(5.6, 6.6)

    def _cyclists(self, road: Road, side: int, shore: Shore, parked: bool) -> None:
        dice = self.dice
        for _ in range(int(dice.poisson(0.2 if self.surroundings == "country" else 0.75))):
            offset = side * (shore.edge - (2.9 if parked else 0.7))
            pose = road.pose(offset, dice.uniform(7, 45)).turned(0.0 if side > 0 else math.pi)
            if not self._free(pose):
                continue
            if dice.random() < 0.75:
                objects.cyclist(self.parts, dice, pose)
            else:
                objects.motorcycle(self.parts, dice, pose, ridden=True)

    def _traffic(self, road: Road, ours: float, lanes: list[float]) -> None:
        """Vehicles in every lane; our own is free for the first metres."""
        dice = self.dice
        density = dice.uniform(0.25, 1.0)
        tram = dice.random() < 0.4 and self.surroundings != "country"
        for offset in lanes:
            z = _START_M + (dice.uniform(9, 30) if offset == ours else dice.uniform(4, 25))
            if tram and offset != ours:
                pose = road.pose(offset, z + dice.uniform(16, 34))
                length = objects.train(self.parts, dice, pose.turned(0.0 if offset > 0 else math.pi))
                self.vehicles.append((pose, length))
                z = pose.z + 13 + length / 2
                tram = False
            while z < self.length:
                z += self._vehicle(road.pose(offset + dice.normal(0, 0.12), z), offset < 0)
                z += dice.uniform(7, 24) / density

    def _vehicle(self, pose: Pose, oncoming: bool) -> float:
        """A vehicle whose near end is about at ``pose``; its length in metres."""
        dice = self.dice
        chance = dice.random()
        make, half = (
            (objects.car, 2.3) if chance < 0.7
            else (objects.truck, 4.3) if chance < 0.81
            else (objects.bus, 5.6) if chance < 0.92
            else (_ridden_motorcycle, 1.1)
        )  # fmt: skip
        middle = pose.at(0, half)
        length = make(self.parts, dice, middle.turned(math.pi if oncoming else 0.0))
        self.vehicles.append((middle, length))
        return length

    def _free(self, spot: Pose) -> bool:
        """Whether no vehicle on its way is at ``spot``."""
        return all(
            abs(spot.x - middle.x) > 2.2 or abs(spot.z - middle.z) > length / 2 + 1.3
            for middle, length in self.vehicles
        )


def _standing_motorcycle(parts: Parts, dice: Generator, pose: Pose) -> None:
    objects.motorcycle(parts, dice, pose, ridden=False)


def _ridden_motorcycle(parts: Parts, dice: Generator, pose: Pose) -> float:
    objects.motorcycle(parts, dice, pose, ridden=True)
    return 2.2
