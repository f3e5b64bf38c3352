"""A network's answers, scored, are the plain way's."""

import numpy as np
import pytest
import torch

from segdepth.data.synthetic import Synthetic
from segdepth.evaluation import evaluate
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
