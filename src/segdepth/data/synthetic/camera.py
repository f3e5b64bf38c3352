"""Pinhole cameras of the two benchmarks, at any size, and where they are in the world."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from segdepth.core.errors import InputError

__all__ = ["CITYSCAPES_BASELINE_M", "KITTI_BASELINE_M", "Camera", "View"]

#: Distance between the left and the right colour camera, metres.
KITTI_BASELINE_M = 0.54
CITYSCAPES_BASELINE_M = 0.209313


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole camera on the car's roof.

    Pixel (row, column) is the ray ``((column - cx) / fx, (row - cy) / fy, 1)`` in the camera's axes: x to the
    right, y down, z forward.

    Attributes:
        height: rows of the picture.
        width: columns of the picture.
        fx: focal length across, pixels.
        fy: focal length down, pixels.
        cx: column of the optical axis.
        cy: row of the optical axis.
        above_m: nominal height over the road, metres; a street adds its own small offset.
        right_m: offset from the rig's origin along the camera's x axis, metres.
        ahead_m: how far the car has driven along the street, metres.
    """

    height: int
    width: int
    fx: float
    fy: float
    cx: float
    cy: float
    above_m: float
    right_m: float = 0.0
    ahead_m: float = 0.0

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1:
            raise InputError(f"a picture of {self.height}x{self.width} pixels has no pixel; both must be 1 or more")

    @classmethod
    def kitti(cls, height: int = 375, width: int = 1242) -> "Camera":
        """KITTI's left colour camera; another size shows the same view, resized.

        Its files say 609.5593 and 172.854 for the axis, in pixels that count from 1.
        """
        return cls(375, 1242, 721.5377, 721.5377, 608.5593, 171.854, above_m=1.65).resized(height, width)

    @classmethod
    def cityscapes(cls, height: int = 1024, width: int = 2048) -> "Camera":
        """Cityscapes' left camera; another size shows the same view, resized."""
        return cls(1024, 2048, 2262.52, 2265.30, 1096.98, 513.137, above_m=1.22).resized(height, width)

    def resized(self, height: int, width: int) -> "Camera":
        """The same view on another grid of pixels; pixel centres move as in image resizing."""
        down, across = height / self.height, width / self.width
        return replace(
            self,
            height=height,
            width=width,
            fx=self.fx * across,
            fy=self.fy * down,
            cx=(self.cx + 0.5) * across - 0.5,
            cy=(self.cy + 0.5) * down - 0.5,
        )

    def moved(self, right_m: float = 0.0, ahead_m: float = 0.0) -> "Camera":
        """The same camera further to the right on the rig, or further down the street."""
        return replace(self, right_m=self.right_m + right_m, ahead_m=self.ahead_m + ahead_m)


class View(NamedTuple):
    """Where a camera is: ``p_camera = axes @ (p_world - position)``.

    Attributes:
        axes: rows are the camera's right, down and forward directions in the world.
        position: of the pinhole, world, metres.
    """

    axes: Float64[ndarray, "3 3"]
    position: Float64[ndarray, "3"]

    @classmethod
    def looking(cls, position: Float64[ndarray, "3"], yaw: float, pitch: float = 0.0, roll: float = 0.0) -> "View":
        """A view from ``position``, turned right by ``yaw``, down by ``pitch``, clockwise by ``roll`` (radians)."""
        forward = np.array([np.sin(yaw) * np.cos(pitch), -np.sin(pitch), np.cos(yaw) * np.cos(pitch)])
        level = np.array([np.cos(yaw), 0.0, -np.sin(yaw)])
        down = np.array([-np.sin(yaw) * np.sin(pitch), -np.cos(pitch), -np.cos(yaw) * np.sin(pitch)])
        right, down = (
            level * np.cos(roll) + down * np.sin(roll),
            down * np.cos(roll) - level * np.sin(roll),
        )
        return cls(np.stack([right, down, forward]), position)
