"""Scores over a data set are those of the plain way; baselines are what they say."""

import numpy as np
import pytest
import torch

from segdepth.data.synthetic import Synthetic
from segdepth.evaluation import baseline_maps, evaluate, evaluate_baselines
from segdepth.networks import Network
from segdepth.tasks import TASKS, create_network

pytestmark = pytest.mark.usefixtures("frames_drawn_once")
SIZE = (32, 64)


def dataset(split: str, count: int = 5) -> Synthetic:
    return Synthetic(split=split, targets=frozenset({"labels", "depth"}), num_images=count, height=61, width=127)


@pytest.fixture(params=["seg", "depth"])
def net(request: pytest.FixtureRequest) -> Network:
    return create_network("segnet", task=request.param, width=0.125)


@pytest.mark.parametrize(("batch_size", "n_workers"), [(1, 0), (2, 0), (8, 0), (2, 1)])
def test_scores_are_the_plain_ways_for_any_batching(net: Network, batch_size: int, n_workers: int) -> None:
    task, data = TASKS[net.card.task], dataset("val")
    net.train()
    ours = evaluate(net, data, task, size=SIZE, batch_size=batch_size, n_workers=n_workers)
    assert net.training, "the mode is left as it was"

    net.card = net.card.model_copy(update={"input_size": SIZE})
    metric = task.make_metric(data)
    for index in range(len(data)):
        sample = data[index]
        truth = sample.truth("labels") if task.target == "labels" else sample.truth("depth")
        assert truth is not None
        answer = torch.from_numpy(net.predict(sample.image).astype(np.int64 if task.target == "labels" else np.float32))
        metric.update(answer[None], torch.from_numpy(truth)[None])
    plain = metric.compute()
    for name, value in ours.scores.items():
        # logits that tie in one batch size do not in another
        assert value == pytest.approx(plain[name], rel=1e-2, abs=1e-3), name
    assert ours.protocol["images"] == 5


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
