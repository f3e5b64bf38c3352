"""Baselines are what they say."""

import numpy as np
import pytest
import torch

from segdepth.data.synthetic import Synthetic
from segdepth.evaluation import Answer, baseline_maps, evaluate_baselines
from segdepth.evaluation.baselines import Baselines
from segdepth.metrics import DepthProtocol, DepthScores
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


def test_beside_others_answers_they_are_scored_as_these_are() -> None:
    task, scored = TASKS["depth"], dataset("val", 3)
    make = lambda _: DepthScores(DepthProtocol("none", 0.001, 10.0))  # noqa: E731
    floor = Baselines(dataset("train"), scored, task, make)
    for index in range(2):  # the third has no answer, and counts for nobody
        truth = torch.from_numpy(scored[index].truth("depth"))
        floor(Answer(scored.names[index], truth + 1, truth))
    scores = floor.scores()
    assert scores["constant"]["images"] == 2
    assert scores["constant"]["abs_rel"] != evaluate_baselines(dataset("train"), scored, task)["constant"]["abs_rel"]
    assert scores["constant"]["abs_rel"] == pytest.approx(_by_hand(scored), rel=1e-6)


def _by_hand(scored: Synthetic) -> float:
    guess = np.clip(baseline_maps(dataset("train"), "depth")["constant"].max(), 0.001, 10.0)
    truths = [scored[index].truth("depth") for index in range(2)]
    known = [truth[(truth > 0.001) & (truth < 10.0)].astype(np.float64) for truth in truths]
    return float(np.mean([np.mean(np.abs(guess - truth) / truth) for truth in known]))
