"""Names of statistics: what is written is what is read."""

from segdepth.studies.columns import Column, change_column, columns_of, peak_column
from segdepth.studies.saliency_eval import statistic_names


def test_what_a_study_writes_is_read_as_measure_and_threshold() -> None:
    thresholds = (0.1, 0.25, 1e-05)
    found = columns_of(statistic_names(thresholds), {"thresholds": list(thresholds)})
    assert found["activation_ratio_0.25"] == Column("activation_ratio", 0.25)
    assert found["activation_distance_1e-05"] == Column("activation_distance", 1e-05)
    assert found["peak_distance"] == Column("peak_distance")
    assert [column.name for column in found.values()] == list(statistic_names(thresholds))


def test_a_column_that_nobody_knows_is_its_own_measure() -> None:
    assert columns_of(["new_0.1"], {"thresholds": [0.1]}) == {"new_0.1": Column("new_0.1")}
    assert columns_of(["iou_0.1"], {}) == {"iou_0.1": Column("iou_0.1")}


def test_a_study_of_two_tasks_has_a_peak_for_each() -> None:
    assert (peak_column(), peak_column("seg")) == ("peak", "peak_seg")


def test_how_far_an_answer_moved_stands_by_action_choice_and_share() -> None:
    assert change_column("delete", "salient", 0.05) == "delete_salient_0.05"
