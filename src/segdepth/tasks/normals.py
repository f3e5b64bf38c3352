"""Surface normals: which way does the surface face?"""

from segdepth.data.sample import Dataset
from segdepth.metrics import NormalScores
from segdepth.runs import TASK_FACTS

from .task import Task

__all__ = ["NORMALS"]


def _make_metric(dataset: Dataset) -> NormalScores:
    del dataset
    return NormalScores()


NORMALS = Task(
    facts=TASK_FACTS["normals"],
    target="normals",
    output="normals",
    default_loss="cosine_loss",
    legacy_preprocessing=None,
    make_metric=_make_metric,
)
