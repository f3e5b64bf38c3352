"""Named protocols of depth: truth, window, range and scaling together, because a number means nothing without all four."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from segdepth.metrics import DepthProtocol

__all__ = ["PROTOCOLS", "Preset"]


@dataclass(frozen=True, slots=True)
class Preset:
    """How a family of papers scores depth on KITTI.

    Attributes:
        about: who does it so.
        truth: of :class:`~segdepth.data.kitti_eigen.KittiEigen`.
        protocol: window, range and scaling.
    """

    about: str
    truth: Literal["velodyne", "improved"]
    protocol: DepthProtocol


#: Name -> what it means, for the data set ``kitti_eigen``. The first is the default.
PROTOCOLS: Mapping[str, Preset] = MappingProxyType(
    {
        "eigen-raw-garg": Preset(
            "laser scan, Garg's crop, up to 80 m: most papers on raw KITTI, and the published scores of this study",
            "velodyne",
            DepthProtocol("garg", 0.001, 80.0, "none"),
        ),
        "eigen-raw-garg-median": Preset(
            "the same with median scaling: networks trained without metric depth",
            "velodyne",
            DepthProtocol("garg", 0.001, 80.0, "median"),
        ),
        "eigen-raw-garg-50m": Preset(
            "the same from 1 to 50 m: Garg et al.", "velodyne", DepthProtocol("garg", 1.0, 50.0, "none")
        ),
        "eigen-raw-eigen": Preset(
            "laser scan, Eigen's own crop, up to 80 m", "velodyne", DepthProtocol("eigen", 0.001, 80.0, "none")
        ),
        "eigen-raw-nocrop": Preset(
            "laser scan, the whole picture, up to 80 m", "velodyne", DepthProtocol("none", 0.001, 80.0, "none")
        ),
        "eigen-improved-garg": Preset(
            "improved ground truth (652 files), Garg's crop, up to 80 m: BTS, AdaBins and later metric depth",
            "improved",
            DepthProtocol("garg", 0.001, 80.0, "none"),
        ),
        "eigen-improved-nocrop-median": Preset(
            "improved ground truth, the whole picture, median scaling: monodepth2's eigen_benchmark",
            "improved",
            DepthProtocol("none", 0.001, 80.0, "median"),
        ),
    }
)
