import json
from pathlib import Path

import numpy as np
import pytest

from segdepth.core.errors import InputError
from segdepth.studies.grid import TargetGrid


def test_the_grid_is_the_published_one(conformance: Path) -> None:
    golden = json.loads((conformance / "saliency_metrics.json").read_text())["sampling_grids"]["eval_and_iou"]
    assert golden
    for case in golden:
        pixels = TargetGrid((case["height"], case["width"]), case["sample_rate"]).pixels
        assert len(pixels) == case["pixels"]
        assert pixels[0].tolist() == [case["first_row"], case["first_col"]]
        assert pixels[-1].tolist() == [case["last_row"], case["last_col"]]
        assert len(np.unique(pixels[:, 0])) == case["n_rows"]
        assert len(np.unique(pixels[:, 1])) == case["n_cols"]


def test_the_class_grid_is_the_published_one_without_what_lies_outside_the_crop(conformance: Path) -> None:
    golden = json.loads((conformance / "saliency_metrics.json").read_text())["sampling_grids"]["class_variant"]
    assert golden
    for case in golden:
        grid = TargetGrid((case["height"], case["width"]), case["sample_rate"], start="corner")
        (top, bottom), (left, right) = case["rows_range"], case["cols_range"]
        step = case["sample_rate"]
        published = [(r, c) for r in range(top, bottom + 1, step) for c in range(left, right + 1, step)]
        assert len(published) == case["pixels"]
        assert [tuple(p) for p in grid.pixels.tolist()] == [(r, c) for r, c in published if r < bottom and c < right]


@pytest.mark.parametrize("rate", [0, 200])
def test_a_step_that_leaves_no_target_is_refused(rate: int) -> None:
    with pytest.raises(InputError, match="sample"):
        TargetGrid((64, 96), rate)
