"""The published numbers, one line a cell: what this project's runs are compared with."""

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["PUBLISHED"]


def _depth(
    abs_rel: float, sq_rel: float, rmse: float, rmse_log: float, a1: float, a2: float, a3: float
) -> dict[str, float]:
    return {"abs_rel": abs_rel, "sq_rel": sq_rel, "rmse": rmse, "rmse_log": rmse_log, "a1": a1, "a2": a2, "a3": a3}


#: Cell, ``<network>_<data>_<task>``, which is the name of its configuration too -> scores; rmse in metres.
#:
#: Segmentation: Cityscapes' val; every fifth picture of KITTI semantics. Depth: Eigen's 697 files of KITTI with the laser
#: scan as truth; Cityscapes' test split. Cells that others start from come first.
PUBLISHED: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "fcn8s_cityscapes_seg": {"mIoU": 0.672},
        "segnet_cityscapes_seg": {"mIoU": 0.590},
        "frrnA_cityscapes_seg": {"mIoU": 0.642},
        "deeplab_cityscapes_seg": {"mIoU": 0.686},
        "fcrn_cityscapes_seg": {"mIoU": 0.649},
        "dispnet_cityscapes_seg": {"mIoU": 0.510},
        "fcn8s_kitti_seg": {"mIoU": 0.646},
        "segnet_kitti_seg": {"mIoU": 0.527},
        "frrnA_kitti_seg": {"mIoU": 0.668},
        "deeplab_kitti_seg": {"mIoU": 0.618},
        "fcrn_kitti_seg": {"mIoU": 0.609},
        "dispnet_kitti_seg": {"mIoU": 0.450},
        "fcn8s_kitti_depth": _depth(0.106, 0.644, 4.450, 0.176, 0.863, 0.960, 0.987),
        "segnet_kitti_depth": _depth(0.110, 0.695, 4.738, 0.184, 0.854, 0.947, 0.985),
        "frrnA_kitti_depth": _depth(0.115, 0.714, 4.627, 0.187, 0.846, 0.953, 0.985),
        "deeplab_kitti_depth": _depth(0.106, 0.648, 4.381, 0.173, 0.869, 0.962, 0.988),
        "fcrn_kitti_depth": _depth(0.105, 0.734, 5.040, 0.193, 0.856, 0.953, 0.982),
        "dispnet_kitti_depth": _depth(0.134, 0.914, 5.024, 0.212, 0.818, 0.939, 0.977),
        "fcn8s_cityscapes_depth": _depth(0.109, 1.041, 6.205, 0.171, 0.863, 0.966, 0.990),
        "segnet_cityscapes_depth": _depth(0.122, 1.281, 7.227, 0.214, 0.836, 0.953, 0.984),
        "frrnA_cityscapes_depth": _depth(0.117, 1.297, 6.699, 0.183, 0.855, 0.960, 0.987),
        "deeplab_cityscapes_depth": _depth(0.109, 0.976, 6.016, 0.166, 0.871, 0.970, 0.991),
        "fcrn_cityscapes_depth": _depth(0.109, 1.045, 6.186, 0.170, 0.866, 0.968, 0.990),
        "dispnet_cityscapes_depth": _depth(0.160, 2.147, 8.405, 0.240, 0.777, 0.922, 0.970),
    }
)
