"""How far a study is, by its files."""

import os
from pathlib import Path

import numpy as np
import pytest

from segdepth.core.at_work import at_work
from segdepth.core.errors import DataError
from segdepth.data import Dataset
from segdepth.studies.saliency_eval import EvalStudy
from segdepth.studies.status import study_status
from segdepth.studies.store import block_path, part_path

from .tiny import COUNT, store_of


def test_a_study_is_counted_timed_and_those_who_work_are_named(
    experiment: EvalStudy, streets: Dataset, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="holds no study"):
        study_status(tmp_path)
    store = store_of(experiment, streets, tmp_path)
    store.begin(dict)
    status = study_status(tmp_path)
    assert (status.done, status.left, status.seconds_left, status.at_work) == (0, COUNT, None, [])
    rows = {"row": np.zeros(1, np.int16)}
    for index, seconds in ((0, 1000), (1, 1010), (4, 9999)):
        store.write(index, rows, np.zeros((2, 2, 3), np.uint8))
        os.utime(part_path(tmp_path, index), (seconds, seconds))
    block_path(tmp_path, 2, 0, 4).touch()
    block_path(tmp_path, 1, 0, 4).touch()
    with at_work(tmp_path, "picture 2 block 1"):
        status = study_status(tmp_path)
    assert (status.done, status.left, status.blocks) == (3, 2, 0.25)
    assert [note.at for note in status.at_work] == ["picture 2 block 1"]
    assert status.as_json()["at_work"][0]["pid"] == os.getpid()


def test_a_pause_is_no_work(experiment: EvalStudy, streets: Dataset, tmp_path: Path) -> None:
    store = store_of(experiment, streets, tmp_path)
    store.begin(dict)
    for index, seconds in enumerate((1000, 1010, 1020, 99_999)):
        store.write(index, {"row": np.zeros(1, np.int16)}, np.zeros((2, 2, 3), np.uint8))
        os.utime(part_path(tmp_path, index), (seconds, seconds))
    assert study_status(tmp_path).seconds_left == 10
    store.write(4, {"row": np.zeros(1, np.int16)}, np.zeros((2, 2, 3), np.uint8))
    assert study_status(tmp_path).seconds_left == 0
