"""The published numbers, one line a cell: what this project's runs are compared with."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

__all__ = [
    "CITYSCAPES_DEPTH",
    "CITYSCAPES_SEG",
    "KITTI_DEPTH",
    "KITTI_SEG",
    "PUBLISHED",
    "Problem",
    "Published",
    "cell_name",
]


class Problem(NamedTuple):
    """What the cells of one data set and one task have in common.

    Attributes:
        data: name of the data.
        task: name of the task.
    """

    data: str
    task: str


def cell_name(network: str, problem: Problem) -> str:
    """How a cell, its configuration and its runs are called."""
    return f"{network}_{problem.data}_{problem.task}"


@dataclass(frozen=True, slots=True)
class Published:
    """A cell of the published table.

    Attributes:
        network: its name.
        problem: data and task.
        scores: by name; rmse in metres.
    """

    network: str
    problem: Problem
    scores: Mapping[str, float]

    @property
    def name(self) -> str:
        """``<network>_<data>_<task>``."""
        return cell_name(self.network, self.problem)


CITYSCAPES_SEG, CITYSCAPES_DEPTH = Problem("cityscapes", "seg"), Problem("cityscapes", "depth")
KITTI_SEG, KITTI_DEPTH = Problem("kitti", "seg"), Problem("kitti", "depth")


def _depth(
    abs_rel: float, sq_rel: float, rmse: float, rmse_log: float, a1: float, a2: float, a3: float
) -> dict[str, float]:
    return {"abs_rel": abs_rel, "sq_rel": sq_rel, "rmse": rmse, "rmse_log": rmse_log, "a1": a1, "a2": a2, "a3": a3}


_CELLS = (
    Published("fcn8s", CITYSCAPES_SEG, {"mIoU": 0.672}),
    Published("segnet", CITYSCAPES_SEG, {"mIoU": 0.590}),
    Published("frrnA", CITYSCAPES_SEG, {"mIoU": 0.642}),
    Published("deeplab", CITYSCAPES_SEG, {"mIoU": 0.686}),
    Published("fcrn", CITYSCAPES_SEG, {"mIoU": 0.649}),
    Published("dispnet", CITYSCAPES_SEG, {"mIoU": 0.510}),
    Published("fcn8s", KITTI_SEG, {"mIoU": 0.646}),
    Published("segnet", KITTI_SEG, {"mIoU": 0.527}),
    Published("frrnA", KITTI_SEG, {"mIoU": 0.668}),
    Published("deeplab", KITTI_SEG, {"mIoU": 0.618}),
    Published("fcrn", KITTI_SEG, {"mIoU": 0.609}),
    Published("dispnet", KITTI_SEG, {"mIoU": 0.450}),
    Published("fcn8s", KITTI_DEPTH, _depth(0.106, 0.644, 4.450, 0.176, 0.863, 0.960, 0.987)),
    Published("segnet", KITTI_DEPTH, _depth(0.110, 0.695, 4.738, 0.184, 0.854, 0.947, 0.985)),
    Published("frrnA", KITTI_DEPTH, _depth(0.115, 0.714, 4.627, 0.187, 0.846, 0.953, 0.985)),
    Published("deeplab", KITTI_DEPTH, _depth(0.106, 0.648, 4.381, 0.173, 0.869, 0.962, 0.988)),
    Published("fcrn", KITTI_DEPTH, _depth(0.105, 0.734, 5.040, 0.193, 0.856, 0.953, 0.982)),
    Published("dispnet", KITTI_DEPTH, _depth(0.134, 0.914, 5.024, 0.212, 0.818, 0.939, 0.977)),
    Published("fcn8s", CITYSCAPES_DEPTH, _depth(0.109, 1.041, 6.205, 0.171, 0.863, 0.966, 0.990)),
    Published("segnet", CITYSCAPES_DEPTH, _depth(0.122, 1.281, 7.227, 0.214, 0.836, 0.953, 0.984)),
    Published("frrnA", CITYSCAPES_DEPTH, _depth(0.117, 1.297, 6.699, 0.183, 0.855, 0.960, 0.987)),
    Published("deeplab", CITYSCAPES_DEPTH, _depth(0.109, 0.976, 6.016, 0.166, 0.871, 0.970, 0.991)),
    Published("fcrn", CITYSCAPES_DEPTH, _depth(0.109, 1.045, 6.186, 0.170, 0.866, 0.968, 0.990)),
    Published("dispnet", CITYSCAPES_DEPTH, _depth(0.160, 2.147, 8.405, 0.240, 0.777, 0.922, 0.970)),
)

#: By name.
#:
#: Segmentation: Cityscapes' val; every fifth picture of KITTI semantics. Depth: Eigen's 697 files of KITTI with the laser
#: scan as truth; Cityscapes' test split. Cells that others start from come first.
PUBLISHED: Mapping[str, Published] = MappingProxyType({cell.name: cell for cell in _CELLS})
