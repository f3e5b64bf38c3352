"""What a make-believe street is built of: tapered boxes, flat discs and balls, kept as tables.

World axes: x to the right, y up (the ground is y = 0), z forward along the street; metres.
"""

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, UInt8
from numpy import ndarray

__all__ = ["DISC_CORNERS", "Colour", "Cut", "Material", "Parts", "Polygons", "Pose", "Skin", "Solids"]

Colour = tuple[float, float, float]

#: Every disc has this many corners; one with fewer sides repeats its last corner.
DISC_CORNERS = 12


class Material(IntEnum):
    """How a surface is painted."""

    PLAIN = 0
    FACADE = 1
    FOLIAGE = 2
    BOARDS = 3
    BLOCKS = 4
    SIGN = 5
    GLOW = 6


class Cut(IntEnum):
    """Which part of a surface is missing, so that one sees what is behind it."""

    NONE = 0
    PICKETS = 1
    RING = 2


class Pose(NamedTuple):
    """Where an object stands: its origin on the ground and its heading.

    Attributes:
        x: world x, metres.
        z: world z, metres.
        yaw: heading, radians; 0 looks along world z, positive turns to the right.
    """

    x: float
    z: float
    yaw: float

    def turned(self, angle: float) -> "Pose":
        """The same place, looking ``angle`` radians further to the right."""
        return Pose(self.x, self.z, self.yaw + angle)

    def at(self, right: float, forward: float) -> "Pose":
        """The place ``right`` and ``forward`` metres away in this pose's own axes, with the same heading."""
        sin, cos = math.sin(self.yaw), math.cos(self.yaw)
        return Pose(self.x + right * cos + forward * sin, self.z - right * sin + forward * cos, self.yaw)


class Skin(NamedTuple):
    """What a surface is and how it looks.

    Attributes:
        label: train id.
        rgb: base colour, 0..1.
        material: the pattern on it.
        pattern: four numbers that the pattern reads (see :mod:`.paint`), 0 where it reads none.
    """

    label: int
    rgb: Colour
    material: Material = Material.PLAIN
    pattern: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Polygons:
    """Flat convex polygons in the world; f of them with v corners each.

    Attributes:
        corners: in order around the edge, world, metres. A corner may be repeated.
        normal: unit, pointing out of the solid; zero for a face without area.
        two_sided: seen from behind too.
        cut: what is missing, a :class:`Cut`.
        hole: radius of the hole of a ring, metres.
    """

    corners: Float32[ndarray, "f v 3"]
    normal: Float32[ndarray, "f 3"]
    two_sided: Bool[ndarray, "f"]
    cut: UInt8[ndarray, "f"]
    hole: Float32[ndarray, "f"]


@dataclass(frozen=True, slots=True)
class Solids:
    """All surfaces of a street; quads first, then discs, then balls; s surfaces altogether.

    Attributes:
        quads: the boxes' faces, six for each.
        discs: the discs.
        centre: the balls' centres, world, metres.
        radii: the balls' half axes along world x, y, z, metres.
        label: train id of each surface.
        material: a :class:`Material` of each surface.
        rgb: base colour of each surface, 0..1.
        pattern: the four numbers that its material reads.
        normal: unit normals; zero for balls.
        origin: a point of each surface from which patterns are measured (a ball's centre).
    """

    quads: Polygons
    discs: Polygons
    centre: Float32[ndarray, "b 3"]
    radii: Float32[ndarray, "b 3"]
    label: UInt8[ndarray, "s"]
    material: UInt8[ndarray, "s"]
    rgb: Float32[ndarray, "s 3"]
    pattern: Float32[ndarray, "s 4"]
    normal: Float32[ndarray, "s 3"]
    origin: Float32[ndarray, "s 3"]

    def __len__(self) -> int:
        return len(self.label)


# Corners of a box in its own axes: x and z in units of half its size, y of its whole size. Faces: left, right,
# back, front, top, bottom.
_BOX = np.array(
    [[-1, 0, -1], [1, 0, -1], [1, 0, 1], [-1, 0, 1], [-1, 1, -1], [1, 1, -1], [1, 1, 1], [-1, 1, 1]],
    np.float64,
)
_BOX_FACES = np.array([[0, 3, 7, 4], [1, 2, 6, 5], [0, 1, 5, 4], [3, 2, 6, 7], [4, 5, 6, 7], [0, 1, 2, 3]])
_TOP = 4


class Parts:
    """Collects boxes, discs and balls; :meth:`solids` turns the collection into tables in one go.

    Positions are (right, up, forward) in the axes of the pose that is given with them.
    """

    def __init__(self) -> None:
        self._boxes: list[tuple[float, ...]] = []
        self._discs: list[tuple[float, ...]] = []
        self._balls: list[tuple[float, ...]] = []

    def box(
        self,
        pose: Pose,
        at: tuple[float, float, float],
        size: tuple[float, float, float],
        skin: Skin,
        *,
        taper: tuple[float, float] = (1.0, 1.0),
        lean: float = 0.0,
        top_rgb: Colour | None = None,
        cut: Cut = Cut.NONE,
    ) -> None:
        """Add a box, or a wedge or pyramid.

        Args:
            pose: the axes of ``at``.
            at: centre of the bottom face, metres.
            size: width (right), height (up) and length (forward), metres.
            skin: what it is and how it looks.
            taper: size of the top over that of the bottom, across and along; 0 makes a ridge.
            lean: how far the top lies forward of the bottom, metres.
            top_rgb: colour of the top face where it differs.
            cut: what is missing of it.
        """
        self._boxes.append((*pose, *at, *size, *taper, lean, float(cut), *_columns(skin), *(top_rgb or skin.rgb)))

    def disc(
        self,
        pose: Pose,
        at: tuple[float, float, float],
        radius: float,
        skin: Skin,
        *,
        sides: int = DISC_CORNERS,
        turn: float = 0.0,
        stretch: float = 1.0,
        hole: float = 0.0,
    ) -> None:
        """Add an upright regular polygon that looks along the pose's forward axis, seen from both sides.

        Args:
            pose: the axes of ``at``; turn it to turn the disc.
            at: centre, metres.
            radius: from the centre to a corner, metres.
            skin: what it is and how it looks.
            sides: number of corners, 3 to :data:`DISC_CORNERS`.
            turn: angle of the first corner from the right, radians.
            stretch: width over height.
            hole: radius of the hole in it, metres.
        """
        self._discs.append((*pose, *at, radius, float(sides), turn, stretch, hole, *_columns(skin)))

    def ball(self, pose: Pose, at: tuple[float, float, float], radii: tuple[float, float, float], skin: Skin) -> None:
        """Add an ellipsoid.

        Args:
            pose: the axes of ``at``; the ellipsoid's own axes stay those of the world.
            at: centre, metres.
            radii: half axes along world x, y, z, metres.
            skin: what it is and how it looks.
        """
        self._balls.append((*pose, *at, *radii, *_columns(skin)))

    def solids(self) -> Solids:
        """Everything that was added, as tables."""
        box_rows = np.array(self._boxes, np.float64).reshape(-1, 25)
        disc_rows = np.array(self._discs, np.float64).reshape(-1, 20)
        ball_rows = np.array(self._balls, np.float64).reshape(-1, 18)
        quads, discs = _box_faces(box_rows), _disc_faces(disc_rows)
        skins = np.concatenate([np.repeat(box_rows[:, 13:22], 6, axis=0), disc_rows[:, 11:], ball_rows[:, 9:]])
        skins[_TOP : 6 * len(box_rows) : 6, 2:5] = box_rows[:, 22:25]
        centre = _placed(ball_rows[:, :3], ball_rows[:, 3:6]).astype(np.float32)
        flat = np.zeros((len(centre), 3), np.float32)
        disc_centre = _placed(disc_rows[:, :3], disc_rows[:, 3:6]).astype(np.float32)
        return Solids(
            quads=quads,
            discs=discs,
            centre=centre,
            radii=ball_rows[:, 6:9].astype(np.float32),
            label=skins[:, 0].astype(np.uint8),
            material=skins[:, 1].astype(np.uint8),
            rgb=skins[:, 2:5].astype(np.float32),
            pattern=skins[:, 5:9].astype(np.float32),
            normal=np.concatenate([quads.normal, discs.normal, flat]),
            origin=np.concatenate([quads.corners[:, 0], disc_centre, centre]),
        )


def _columns(skin: Skin) -> tuple[float, ...]:
    return (float(skin.label), float(skin.material), *skin.rgb, *skin.pattern)


def _placed(pose: ndarray, local: ndarray) -> ndarray:
    """World positions of ``local`` [n, ..., 3] in the axes of ``pose`` [n, 3] (x, z, yaw)."""
    shape = (-1,) + (1,) * (local.ndim - 2)
    x, z, yaw = (column.reshape(shape) for column in pose.T)
    sin, cos = np.sin(yaw), np.cos(yaw)
    right, up, forward = np.moveaxis(local, -1, 0)
    return np.stack([x + right * cos + forward * sin, up, z - right * sin + forward * cos], axis=-1)


def _box_faces(rows: ndarray) -> Polygons:
    at, size, taper, lean = rows[:, None, 3:6], rows[:, None, 6:9], rows[:, None, 9:11], rows[:, 11:12]
    top = _BOX[:, 1]
    local = _BOX * size * [0.5, 1.0, 0.5]
    local[:, :, [0, 2]] *= 1 + top[:, None] * (taper - 1)
    local[:, :, 2] += top * lean
    corners = _placed(rows[:, :3], local + at)
    faces = corners[:, _BOX_FACES]
    # The longer diagonal pair gives a normal even where a tapered face has two corners in one place.
    normal = np.cross(faces[:, :, 2] - faces[:, :, 0], faces[:, :, 3] - faces[:, :, 1])
    outward = faces.mean(axis=2) - corners.mean(axis=1)[:, None]
    normal *= np.where((normal * outward).sum(-1, keepdims=True) < 0, -1.0, 1.0)
    length = np.linalg.norm(normal, axis=-1, keepdims=True)
    normal = np.where(length > 1e-9, normal / np.maximum(length, 1e-9), 0.0)
    count = 6 * len(rows)
    return Polygons(
        corners=faces.reshape(count, 4, 3).astype(np.float32),
        normal=normal.reshape(count, 3).astype(np.float32),
        two_sided=np.zeros(count, bool),
        cut=np.repeat(rows[:, 12].astype(np.uint8), 6),
        hole=np.zeros(count, np.float32),
    )


def _disc_faces(rows: ndarray) -> Polygons:
    radius, sides, turn, stretch, hole = (column[:, None] for column in rows[:, 6:11].T)
    corner = np.minimum(np.arange(DISC_CORNERS), sides - 1)
    angle = turn + 2 * math.pi * corner / sides
    local = np.stack([radius * stretch * np.cos(angle), radius * np.sin(angle), np.zeros_like(angle)], axis=-1)
    yaw = rows[:, 2]
    return Polygons(
        corners=_placed(rows[:, :3], local + rows[:, None, 3:6]).astype(np.float32),
        normal=np.stack([np.sin(yaw), np.zeros_like(yaw), np.cos(yaw)], axis=-1).astype(np.float32),
        two_sided=np.ones(len(rows), bool),
        cut=np.where(hole[:, 0] > 0, np.uint8(Cut.RING), np.uint8(Cut.NONE)),
        hole=hole[:, 0].astype(np.float32),
    )
