"""Sizes, windows, disparity, calibration and projection: numpy only, never torch, never an image file."""

from .calibration import CALIBRATION_FILES, Calibration, Camera, read_kitti_calibration
from .crops import CROPS, crop_window
from .disparity import (
    CITYSCAPES_BASELINE_M,
    CITYSCAPES_FOCAL_PX,
    cityscapes_disparity,
    depth_from_disparity,
    disparity_from_depth,
)
from .projection import Axis, nearest_point, project_velodyne
from .resize import resize_image, resize_nearest, shrink_averaged

__all__ = [
    "CALIBRATION_FILES",
    "CITYSCAPES_BASELINE_M",
    "CITYSCAPES_FOCAL_PX",
    "CROPS",
    "Axis",
    "Calibration",
    "Camera",
    "cityscapes_disparity",
    "crop_window",
    "depth_from_disparity",
    "disparity_from_depth",
    "nearest_point",
    "project_velodyne",
    "read_kitti_calibration",
    "resize_image",
    "resize_nearest",
    "shrink_averaged",
]
