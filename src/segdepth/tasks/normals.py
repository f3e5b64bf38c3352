"""Surface normals: which way does the surface face?"""

from segdepth.data.sample import Dataset
from segdepth.metrics import NormalScores

from .task import Task

__all__ = ["NORMALS"]


def _make_metric(dataset: Dataset) -> NormalScores:
    del dataset
    return NormalScores()


NORMALS = Task(
    name="normals",
    target="normals",
    output="normals",
    default_loss="cosine_loss",
    best_score="mean_angle",
    higher_is_better=False,
    table_scores=("mean_angle", "median_angle", "rmse_angle", "within_11", "within_22", "within_30"),
    legacy_preprocessing="imagenet",
    make_metric=_make_metric,
)
