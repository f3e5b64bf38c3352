"""Which studies belong together."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from segdepth.core.errors import DataError
from segdepth.studies.columns import Column
from segdepth.studies.pairing import CLAIM, PairName, overlapping, pair_up
from segdepth.studies.store import StudyInfo, StudyTable

PEAKS = {"seg": [1.0, 0.0, 2.0, 3.0], "depth": [1.0, 1.0, 0.0, 3.0]}


def study(
    task: str, network: str = "fcn", kind: str = "eval", columns: tuple[str, ...] = ("peak_distance",)
) -> StudyTable:
    info = StudyInfo(
        kind=kind, network=network, task=task, model="trained", columns=columns, protocol={"size": [4, 4]},
        images=("a", "b"), provenance={},
    )  # fmt: skip
    rows = {
        "image": np.array([0, 0, 1, 1]), "row": np.arange(4), "col": np.arange(4),
        "peak": np.array(PEAKS.get(task, PEAKS["seg"])), "peak_distance": np.array([1.0, 2.0, 3.0, 4.0]),
    }  # fmt: skip
    return StudyTable(Path(f"{network}_{task}"), info, rows, {"a": "1", "b": "2"})


def test_both_tasks_of_each_network_and_kind_are_a_pair_in_the_claims_order() -> None:
    tables = [
        study("depth"),
        study("depth", "lonely"),
        study("seg"),
        study("seg", kind="class"),
        study("depth", kind="class"),
    ]
    pairs = pair_up(tables)
    assert [pair.name for pair in pairs] == [PairName("fcn", "eval"), PairName("fcn", "class")]
    assert [pair.name.title for pair in pairs] == ["fcn", "fcn (classes)"]
    assert [pair.name.stem for pair in pairs] == ["fcn", "fcn_classes"]
    assert [tuple(pair.studies) for pair in pairs] == [CLAIM, CLAIM]


def test_targets_where_one_map_is_zero_do_not_count() -> None:
    (pair,) = pair_up([study("seg"), study("depth")])
    assert pair.alive.tolist() == [True, False, False, True]
    assert (pair.targets, pair.zeros) == (4, {"seg": 1, "depth": 1})
    means = pair.means[Column("peak_distance")]
    assert {task: values.tolist() for task, values in means.items()} == {"seg": [1, 4], "depth": [1, 4]}


def test_maps_overlap_where_neither_is_zero() -> None:
    rows = {f"peak_{task}": np.array(values) for task, values in PEAKS.items()}
    assert overlapping(replace(study("both"), rows=rows)).tolist() == [True, False, False, True]


def test_what_does_not_belong_together_is_refused() -> None:
    seg, depth = study("seg"), study("depth")
    with pytest.raises(DataError, match="two studies of fcn seg"):
        pair_up([seg, seg])
    with pytest.raises(DataError, match=r"differ in their size \(\[4, 4\] and \[8, 8\]\)"):
        pair_up([seg, replace(depth, info=replace(depth.info, protocol={"size": [8, 8]}))])
    with pytest.raises(DataError, match="not of the same pictures"):
        pair_up([seg, replace(depth, digests={"a": "1", "b": "3"})])
    with pytest.raises(DataError, match="not of the same targets"):
        pair_up([seg, replace(depth, rows={**depth.rows, "col": np.zeros(4)})])
