"""What the tests of studies share: five small streets, and a study of them."""

import pytest

from segdepth.data import Dataset, open_dataset
from segdepth.studies.grid import TargetGrid
from segdepth.studies.saliency_eval import EvalStudy

from .tiny import COUNT, SIZE, tiny


@pytest.fixture(scope="module")
def streets() -> Dataset:
    return open_dataset(
        "synthetic",
        path=None,
        split="val",
        target=frozenset({"labels", "depth"}),
        num_images=COUNT,
        height=64,
        width=128,
    )


@pytest.fixture(scope="module")
def experiment() -> EvalStudy:
    return EvalStudy(tiny("seg"), TargetGrid(SIZE, 14))
