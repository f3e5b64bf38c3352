"""Named protocols of depth: truth, axis, window, range and scaling together; a number means nothing without all five."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from segdepth.core.errors import ConfigError
from segdepth.data.kitti_eigen import DepthTruth
from segdepth.data.sample import Dataset
from segdepth.metrics import DepthProtocol, DepthScores, Scores
from segdepth.tasks import Task

from .scoring import OWN_PROTOCOL, MakeScores

__all__ = ["PROTOCOLS", "Preset", "adjusted"]


@dataclass(frozen=True, slots=True)
class Preset:
    """How a family of papers scores depth on KITTI.

    Attributes:
        about: who does it so.
        truth: of :class:`~segdepth.data.kitti_eigen.KittiEigen`, which says along which axis it lies.
        protocol: window, range and scaling.
    """

    about: str
    truth: DepthTruth
    protocol: DepthProtocol

    def scores(self, dataset: Dataset) -> DepthScores:
        """The metric, whichever the data set."""
        del dataset
        return DepthScores(self.protocol)


#: Name -> what it means, for the data set ``kitti_eigen``. The first is the default.
PROTOCOLS: Mapping[str, Preset] = MappingProxyType(
    {
        "eigen-raw-garg": Preset(
            "laser scan along the camera's axis, Garg's crop, up to 80 m: SfmLearner-Pytorch, and the published scores of this"
            " study",
            "velodyne",
            DepthProtocol("garg", 0.001, 80.0, "none"),
        ),
        "eigen-raw-garg-median": Preset(
            "laser scan along the camera's axis, Garg's crop, up to 80 m, median scaling: networks without metric depth",
            "velodyne",
            DepthProtocol("garg", 0.001, 80.0, "median"),
        ),
        "eigen-raw-garg-50m": Preset(
            "laser scan along the camera's axis, Garg's crop, from 1 to 50 m: Garg et al.",
            "velodyne",
            DepthProtocol("garg", 1.0, 50.0, "none"),
        ),
        "eigen-raw-eigen": Preset(
            "laser scan along the camera's axis, Eigen's own crop, up to 80 m",
            "velodyne",
            DepthProtocol("eigen", 0.001, 80.0, "none"),
        ),
        "eigen-raw-nocrop": Preset(
            "laser scan along the camera's axis, the whole picture, up to 80 m",
            "velodyne",
            DepthProtocol("none", 0.001, 80.0, "none"),
        ),
        "eigen-monodepth2-garg": Preset(
            "laser scan along the laser's axis, Garg's crop, up to 80 m: monodepth, and monodepth2 trained on stereo pairs",
            "velodyne-forward",
            DepthProtocol("garg", 0.001, 80.0, "none"),
        ),
        "eigen-monodepth2-garg-median": Preset(
            "laser scan along the laser's axis, Garg's crop, up to 80 m, median scaling: monodepth2 trained on video",
            "velodyne-forward",
            DepthProtocol("garg", 0.001, 80.0, "median"),
        ),
        "eigen-improved-garg": Preset(
            "improved truth (652 files) along the camera's axis, Garg's crop, up to 80 m: BTS, AdaBins and later metric depth",
            "improved",
            DepthProtocol("garg", 0.001, 80.0, "none"),
        ),
        "eigen-improved-nocrop-median": Preset(
            "improved truth along the camera's axis, the whole picture, median scaling: monodepth2's eigen_benchmark",
            "improved",
            DepthProtocol("none", 0.001, 80.0, "median"),
        ),
    }
)


def adjusted(
    protocols: Mapping[str, MakeScores],
    task: Task,
    dataset: Dataset,
    *,
    min_depth: float | None = None,
    max_depth: float | None = None,
    align: str | None = None,
) -> dict[str, MakeScores]:
    """Metrics by the protocol's name, with what is asked for otherwise in it: "eigen-raw-garg, 1-50 m, least-squares".

    Args:
        protocols: by name; none for the data set's own.
        task: that is scored.
        dataset: that is scored.
        min_depth: metres, instead of the protocol's.
        max_depth: metres, instead of the protocol's.
        align: how answers are aligned to each image's truth, one of :data:`~segdepth.metrics.ALIGNMENTS`, instead of the
            protocol's scaling.

    Raises:
        ConfigError: if something is asked for and the task has no depths, the range is empty, or there is no such alignment.
    """
    makers = dict(protocols) or {OWN_PROTOCOL: task.make_metric}
    if min_depth is None and max_depth is None and align is None:
        return makers
    found: dict[str, MakeScores] = {}
    for name, make in makers.items():
        own = make(dataset)
        if own.range_m is None:
            raise ConfigError(
                f"--min-depth, --max-depth and --align are for depth; the scores of task {task.name!r} have none"
            )
        used = own.range_m[0] if min_depth is None else min_depth, own.range_m[1] if max_depth is None else max_depth
        changed = [] if used == own.range_m else [f"{used[0]:g}-{used[1]:g} m"]
        limited = own.limited(used)
        if align is not None and limited.aligned(align).describe() != limited.describe():
            changed.append(align)
        found[", ".join([name, *changed])] = partial(_adjusted, make, used, align)
    return found


def _adjusted(make: MakeScores, range_m: tuple[float, float], align: str | None, dataset: Dataset) -> Scores:
    limited = make(dataset).limited(range_m)
    return limited if align is None else limited.aligned(align)
