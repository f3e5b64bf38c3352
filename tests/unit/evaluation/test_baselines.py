"""Baselines are what they say."""

import numpy as np
import pytest

from segdepth.data.synthetic import Synthetic
from segdepth.evaluation import baseline_maps, evaluate_baselines
from segdepth.tasks import TASKS

pytestmark = pytest.mark.usefixtures("frames_drawn_once")


def dataset(split: str, count: int = 5) -> Synthetic:
    return Synthetic(split=split, targets=frozenset({"labels", "depth"}), num_images=count, height=61, width=127)


def test_baselines_do_not_look_at_the_picture() -> None:
    maps = baseline_maps(dataset("train"), "depth")
    stacked = np.concatenate([dataset("train")[k].truth("depth").ravel() for k in range(5)])  # type: ignore[union-attr]
    assert maps["constant"].max() == maps["constant"].min() == pytest.approx(np.median(stacked[stacked > 0]), rel=0.15)
    assert maps["position"][-1].mean() < maps["position"][20].mean(), "the bottom of a street picture is near"
    labels = baseline_maps(dataset("train"), "labels")
    assert len(np.unique(labels["constant"])) == 1
    assert len(np.unique(labels["position"])) > 1


@pytest.mark.parametrize("task", ["seg", "depth"])
def test_knowing_the_place_beats_knowing_nothing(task: str) -> None:
    record = TASKS[task]
    scores = evaluate_baselines(dataset("train", 12), dataset("val", 6), record)
    better = record.is_better(scores["position"][record.best_score], scores["constant"][record.best_score])
    assert better


def test_a_place_never_measured_takes_its_rows_median() -> None:
    class Hole(Synthetic):
        def __getitem__(self, index: int):  # type: ignore[no-untyped-def]
            sample = super().__getitem__(index)
            sample.truth("depth")[:, :20] = 0
            sample.truth("depth")[:8] = 0
            return sample

    maps = baseline_maps(Hole(split="train", targets=frozenset({"depth"}), num_images=3, height=61, width=127), "depth")
    assert np.isfinite(maps["position"]).all()
    assert (maps["position"] > 0).all()
