"""A network's answers, scored, are the plain way's."""

import numpy as np
import pytest
import torch
from torch import nn

from segdepth.core.errors import InputError
from segdepth.data.sample import Dataset
from segdepth.data.synthetic import Synthetic
from segdepth.evaluation import NetworkAnswers, evaluate, score
from segdepth.evaluation.answers import Answer
from segdepth.evaluation.depth_protocol import adjusted
from segdepth.evaluation.service import score_set
from segdepth.networks import Network
from segdepth.tasks import TASKS, create_network, wrap

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


class Nearness(nn.Module):
    """Answers an affine function of the true inverse depth of the pictures in their order, one a call."""

    def __init__(self, data: Dataset) -> None:
        super().__init__()
        truths = [torch.from_numpy(data[k].truth("depth")) for k in range(len(data))]
        self.answers = [(k + 1) / truth.clamp(min=1) - 0.3 * k for k, truth in enumerate(truths)]
        self.calls = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return self.answers[(self.calls - 1) % len(self.answers)][None]


def nearness() -> NetworkAnswers:
    data = dataset("val", 3)
    net = wrap(Nearness(data), task="depth", answers="relative_inverse_depth")
    return NetworkAnswers(net, data, TASKS["depth"], size=(61, 127), batch_size=1)


def test_relative_answers_are_scored_only_by_a_protocol_that_aligns_them() -> None:
    answers = nearness()
    with pytest.raises(InputError, match=r"relative inverse depth.*--align median or --align least-squares"):
        score(answers)
    with pytest.raises(InputError, match="no metres to be scored"):
        score_set(answers)
    scores = {}
    for align in ("median", "least-squares"):
        (evaluation,) = score(answers, adjusted({}, TASKS["depth"], answers.dataset, align=align)).values()
        assert align in evaluation.words
        assert evaluation.protocol["scaling"] == align
        assert evaluation.protocol["name"] == f"the data set's own, {align}"
        scores[align] = evaluation.scores
    assert scores["least-squares"]["abs_rel"] == pytest.approx(0, abs=1e-5)
    assert scores["median"]["abs_rel"] > 0.1


def test_who_keeps_answers_is_shown_them_in_metres() -> None:
    answers, seen = nearness(), []

    def keep(answer: Answer, _: object) -> None:
        seen.append(answer)

    score(answers, adjusted({}, TASKS["depth"], answers.dataset, align="least-squares"), keep=[keep])
    assert len(seen) == 3
    for answer in seen:
        known = (answer.truth > 1) & (answer.truth < 80)
        torch.testing.assert_close(answer.answer[known], answer.truth[known], rtol=1e-3, atol=0)
