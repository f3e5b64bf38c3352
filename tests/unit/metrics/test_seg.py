import json

import numpy as np
import pytest
import torch

from segdepth.core.errors import InputError
from segdepth.metrics import SegmentationScores

NAMES = {
    "aAcc": "overall_accuracy",
    "mAcc": "mean_accuracy",
    "FWIoU": "frequency_weighted_iou",
    "mIoU": "mean_iou",
}


@pytest.fixture
def golden(conformance):
    return json.loads((conformance / "metrics_seg.json").read_text())


def test_golden_scores(golden, conformance_inputs):
    metric = SegmentationScores(19)
    for labels, prediction in conformance_inputs.seg_metric_batches():
        metric.update(torch.from_numpy(prediction), torch.from_numpy(labels))
    scores = metric.compute()

    for ours, theirs in NAMES.items():
        assert scores[ours] == pytest.approx(golden["value"][theirs], rel=1e-14)
    for i, want in enumerate(golden["iou_per_class"]):
        assert scores[f"IoU.{i}"] == (None if want is None else pytest.approx(want, rel=1e-14))
    np.testing.assert_array_equal(metric.confusion, golden["confusion_matrix"])


def test_the_truth_may_be_bytes_as_in_the_files():
    prediction = torch.tensor([[[0, 1, 1]]])
    truth = torch.tensor([[[0, 1, 255]]], dtype=torch.uint8)
    scores = SegmentationScores(2)
    scores.update(prediction, truth)
    assert scores.compute()["aAcc"] == 1.0


def test_a_class_that_is_nowhere_is_none_and_out_of_the_mean():
    scores = SegmentationScores(3, class_names=["road", "sky", "train"])
    scores.update(torch.tensor([[[0, 1]]]), torch.tensor([[[0, 1]]]))
    result = scores.compute()
    assert result["IoU.train"] is None
    assert result["mIoU"] == result["mAcc"] == 1.0


def test_a_prediction_that_is_no_class_counts_as_wrong():
    scores = SegmentationScores(2)
    scores.update(torch.tensor([[[0, 255, -1, 0]]]), torch.tensor([[[0, 0, 0, 0]]]))
    result = scores.compute()
    assert result["aAcc"] == result["IoU.0"] == 0.5
    assert result["IoU.1"] is None


def test_a_class_can_be_ignored():
    scores = SegmentationScores(2, ignore_index=1)
    scores.update(torch.tensor([[[0, 0]]]), torch.tensor([[[0, 1]]]))
    assert scores.compute()["aAcc"] == 1.0


def test_nothing_labelled_has_no_score():
    scores = SegmentationScores(3)
    scores.update(torch.zeros(1, 2, 2, dtype=torch.int64), torch.full((1, 2, 2), 255))
    assert set(scores.compute().values()) == {None}


def test_sizes_must_be_the_same():
    with pytest.raises(InputError, match="differ in size"):
        SegmentationScores(3).update(torch.zeros(1, 2, 2).long(), torch.zeros(1, 4, 4).long())


def test_every_class_needs_a_name():
    with pytest.raises(InputError, match="1 class names for 2 classes"):
        SegmentationScores(2, class_names=["road"])
