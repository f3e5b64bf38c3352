"""Monocular depth: how far is this pixel, in metres?"""

from segdepth.core.errors import DataError
from segdepth.data.sample import Dataset
from segdepth.metrics import DepthProtocol, DepthScores
from segdepth.runs import TASK_FACTS

from .task import Task

__all__ = ["DEPTH"]


def _make_metric(dataset: Dataset) -> DepthScores:
    if dataset.depth_range is None:
        raise DataError("this data set has no depth, so depth cannot be scored on it")
    smallest, largest = dataset.depth_range
    return DepthScores(DepthProtocol(crop=dataset.crop, min_depth=smallest, max_depth=largest))


DEPTH = Task(
    facts=TASK_FACTS["depth"],
    target="depth",
    output="depth",
    default_loss="scale_invariant_loss",
    legacy_preprocessing="reference_depth",
    make_metric=_make_metric,
)
