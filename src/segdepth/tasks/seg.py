"""Semantic segmentation: which class is this pixel?"""

from segdepth.core.errors import DataError
from segdepth.data.sample import Dataset
from segdepth.metrics import SegmentationScores

from .task import Task

__all__ = ["SEG"]


def _make_metric(dataset: Dataset) -> SegmentationScores:
    if dataset.classes is None:
        raise DataError("this data set has no classes, so a segmentation cannot be scored on it")
    return SegmentationScores(len(dataset.classes), class_names=dataset.classes.names)


SEG = Task(
    name="seg",
    target="labels",
    output="logits",
    default_loss="cross_entropy",
    best_score="mIoU",
    higher_is_better=True,
    table_scores=("mIoU", "mAcc", "aAcc", "FWIoU"),
    legacy_preprocessing="reference_seg",
    make_metric=_make_metric,
)
