"""Semantic segmentation: which class is this pixel?"""

from segdepth.core.errors import DataError
from segdepth.data.sample import Dataset
from segdepth.metrics import SegmentationScores
from segdepth.runs import TASK_FACTS

from .task import Task

__all__ = ["SEG"]


def _make_metric(dataset: Dataset) -> SegmentationScores:
    if dataset.classes is None:
        raise DataError("this data set has no classes, so a segmentation cannot be scored on it")
    return SegmentationScores(len(dataset.classes), class_names=dataset.classes.names)


SEG = Task(
    facts=TASK_FACTS["seg"],
    target="labels",
    output="logits",
    default_loss="cross_entropy",
    legacy_preprocessing="reference_seg",
    make_metric=_make_metric,
)
