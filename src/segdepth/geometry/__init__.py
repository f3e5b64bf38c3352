"""Sizes, windows, disparity, calibration and projection: numpy only, never torch, never an image file."""

from .crops import CROPS, crop_window
from .disparity import (
    CITYSCAPES_BASELINE_M,
    CITYSCAPES_FOCAL_PX,
    cityscapes_disparity,
    depth_from_disparity,
    disparity_from_depth,
)
from .resize import resize_image, resize_nearest

__all__ = [
    "CITYSCAPES_BASELINE_M",
    "CITYSCAPES_FOCAL_PX",
    "CROPS",
    "cityscapes_disparity",
    "crop_window",
    "depth_from_disparity",
    "disparity_from_depth",
    "resize_image",
    "resize_nearest",
]
