"""Which studies belong together."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from segdepth.core.errors import DataError
from segdepth.studies.columns import Column
from segdepth.studies.pairing import CLAIM, GroupName, file_stem, group_up, overlapping
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
    pairs, alone = group_up(tables)
    assert [pair.name for pair in pairs] == [GroupName("fcn", "eval"), GroupName("fcn", "class")]
    assert [pair.name.title for pair in pairs] == ["fcn", "fcn (classes)"]
    assert [pair.name.stem for pair in pairs] == ["fcn", "fcn_classes"]
    assert [tuple(pair.studies) for pair in pairs] == [CLAIM, CLAIM]
    assert [pair.of_the_claim for pair in pairs] == [True, True]
    assert [pair.title_of("depth") for pair in pairs] == ["fcn depth", "fcn (classes) depth"]
    assert pairs[0].words == {"seg": "segmentation", "depth": "depth"}
    assert [one.name.title for one in alone] == ["lonely depth"]
    assert not alone[0].of_the_claim


def test_the_only_two_of_a_kind_are_a_pair_in_their_order() -> None:
    ((pair,), alone) = group_up([study("normals", "mine"), study("seg")])
    assert not alone
    assert not pair.of_the_claim
    assert pair.name.title == "mine normals against fcn seg"
    assert pair.name.stem == "mine_normals_against_fcn_seg"
    assert pair.words == {"mine normals": "mine normals", "fcn seg": "fcn seg"}
    assert pair.zeros == {"mine normals": 1, "fcn seg": 1}
    ((pair,), _) = group_up([study("depth", "mine"), study("depth")])
    assert list(pair.studies) == ["mine depth", "fcn depth"]


def test_two_trainings_of_one_network_are_told_apart_by_their_folders() -> None:
    first, second = (replace(study("seg"), folder=Path(name, "eval/fcn_seg")) for name in ("long", "short"))
    ((pair,), _) = group_up([first, second])
    assert list(pair.studies) == ["fcn seg (long)", "fcn seg (short)"]
    assert pair.name.stem == "fcn_seg_long_against_fcn_seg_short"
    ((pair,), _) = group_up([first, replace(second, folder=Path("fcn_seg"))])
    assert len(pair.studies) == len(CLAIM), "one folder's path may be the end of the other's"
    with pytest.raises(DataError, match="named twice"):
        group_up([first, first])


def test_of_three_without_the_claim_the_others_are_compared_with_the_first() -> None:
    elsewhere = replace(study("seg", "elsewhere"), digests={"a": "1", "b": "3"})
    tables = [study("normals"), study("depth"), study("depth", "mine"), elsewhere, study("normals", kind="class")]
    pairs, alone = group_up(tables)
    assert [list(pair.studies) for pair in pairs] == [["fcn normals", "fcn depth"], ["fcn normals", "mine depth"]]
    assert [one.name.title for one in alone] == ["elsewhere seg", "fcn normals (classes)"]
    assert alone[0].means[Column("peak_distance")]["elsewhere seg"].tolist() == [1, 3.5]


def test_two_of_several_that_are_called_the_same_are_told_apart_by_their_folders() -> None:
    tables = [study("seg", "segnet"), study("seg", "Unet"), study("seg", "Unet")]
    tables = [replace(table, folder=Path(f"runs/{name}/study")) for table, name in zip(tables, "abc", strict=True)]
    pairs, alone = group_up(tables)
    assert [pair.name.title for pair in pairs] == ["segnet seg against Unet seg (b)", "segnet seg against Unet seg (c)"]
    assert alone == []


def test_words_become_parts_of_files_names() -> None:
    assert file_stem("a/b seg (x: 1)") == "a_b_seg_x_1"


def test_targets_where_one_map_is_zero_do_not_count() -> None:
    ((pair,), _) = group_up([study("seg"), study("depth")])
    assert pair.alive.tolist() == [True, False, False, True]
    assert (pair.targets, pair.zeros) == (4, {"seg": 1, "depth": 1})
    means = pair.means[Column("peak_distance")]
    assert {task: values.tolist() for task, values in means.items()} == {"seg": [1, 4], "depth": [1, 4]}


def test_maps_overlap_where_neither_is_zero() -> None:
    rows = {f"peak_{task}": np.array(values) for task, values in PEAKS.items()}
    assert overlapping(replace(study("both"), rows=rows)).tolist() == [True, False, False, True]


def test_what_does_not_belong_together_is_refused_and_says_why() -> None:
    seg, depth = study("seg"), study("depth")
    with pytest.raises(DataError, match=r"two studies of fcn seg among others \(fcn_seg and fcn_seg\)"):
        group_up([seg, seg, depth])
    for other, said in (
        (
            replace(depth, info=replace(depth.info, protocol={"size": [8, 8]})),
            r"differ in their size \(\[4, 4\] and \[8, 8\]\)",
        ),
        (replace(depth, info=replace(depth.info, columns=())), r"differ in their statistics"),
        (replace(depth, digests={"a": "1"}), r"not of the same pictures \(2 and 1\)"),
        (replace(depth, digests={"a": "1", "b": "3"}), r"not of the same pictures \('b' has other pixels\)"),
        (replace(depth, digests={"a": "1", "c": "3"}), r"not of the same pictures \('b' is in one of them only\)"),
        (
            replace(depth, info=replace(depth.info, images=("a", "c"))),
            r"not of the same pictures \(number 2 is 'b' in one and 'c' in the other\)",
        ),
        (
            replace(depth, info=replace(depth.info, images=("a", "b", "c"))),
            r"not of the same pictures \(2 and 3 were asked for\)",
        ),
        (
            replace(depth, rows={**depth.rows, "col": np.zeros(4, int)}),
            r"not of the same targets \(the first that differs is \(1, 1\) of 'a' in one and \(1, 0\) of 'a' in the other\)",
        ),
        (
            replace(depth, rows={name: values[:3] for name, values in depth.rows.items()}),
            r"not of the same targets \(4 and 3\)",
        ),
    ):
        for first in (seg, study("normals", "mine")):
            with pytest.raises(DataError, match=said):
                group_up([first, other])
