"""A make-believe street: pictures with exact labels and depth, laser scans, and trees of files like the real ones."""

from .camera import CITYSCAPES_BASELINE_M, KITTI_BASELINE_M, Camera
from .dataset import Synthetic
from .layouts import write_cityscapes, write_kitti_raw, write_kitti_semantics
from .lidar import scan
from .street import FAR_M, Frame, Street, make_street

__all__ = [
    "CITYSCAPES_BASELINE_M",
    "FAR_M",
    "KITTI_BASELINE_M",
    "Camera",
    "Frame",
    "Street",
    "Synthetic",
    "make_street",
    "scan",
    "write_cityscapes",
    "write_kitti_raw",
    "write_kitti_semantics",
]
