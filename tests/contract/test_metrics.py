"""What every metric promises, whichever it is. No metric is named here."""

import copy
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from segdepth.data.labels import ClassTable
from segdepth.data.sample import Dataset
from segdepth.kinds import KINDS
from segdepth.tasks import TASKS

from ..oracles.metrics import PICTURES, TWINS

IMAGES, HEIGHT, WIDTH = 6, 11, 13
NOT_A_SCORE = {"images", "images_without_truth"}
TASK_OF = {task.target: task for task in TASKS.values()}

pytestmark = pytest.mark.parametrize("kind", TASK_OF)


class Five(Dataset):
    """Whatever a metric may ask a data set."""

    classes = ClassTable(tuple("01234"), ((0, 0, 0),) * 5, tuple(range(5)))
    depth_range = (0.001, 80.0)
    crop = "garg"

    def __init__(self):
        super().__init__(None, "val", frozenset(KINDS))

    def __getitem__(self, index):
        raise NotImplementedError


def make(kind):
    return TASK_OF[kind].make_metric(Five())


def make_data(kind, seed=0):
    """Predictions and truths of six images; one image has no truth, a third of the pixels has none."""
    generator = torch.Generator().manual_seed(seed)
    invalid = torch.rand((IMAGES, HEIGHT, WIDTH), generator=generator) < 0.3
    invalid[2] = True
    prediction, truth = PICTURES[kind](invalid.shape, generator)
    truth[invalid] = KINDS[kind].void
    return prediction, truth


def feed(metric, prediction, truth, batches):
    for indices in batches:
        metric.update(prediction[indices], truth[indices])
    return metric


def close(scores):
    return {name: value if value is None else pytest.approx(value, rel=1e-12) for name, value in scores.items()}


@st.composite
def splits(draw):
    """The images in any order, cut into batches of any size."""
    order = draw(st.permutations(range(IMAGES)))
    cuts = sorted(draw(st.sets(st.integers(1, IMAGES - 1))))
    return [order[start:stop] for start, stop in zip([0, *cuts], [*cuts, IMAGES], strict=True)]


@settings(deadline=None, max_examples=25)
@given(batches=splits())
def test_any_order_and_any_split_give_one_score(kind, batches):
    data = make_data(kind)
    whole = feed(make(kind), *data, [list(range(IMAGES))]).compute()
    assert feed(make(kind), *data, batches).compute() == close(whole)


@pytest.mark.parametrize("seed", range(3))
def test_it_is_its_slow_twin(kind, seed):
    prediction, truth = make_data(kind, seed)
    scores = feed(make(kind), prediction, truth, [[0, 1], [2, 3, 4, 5]]).compute()
    assert scores == close(TWINS[kind](prediction.double().numpy(), truth.double().numpy()))


def test_scores_are_plain_numbers_with_plain_names(kind):
    scores = feed(make(kind), *make_data(kind), [[0, 1, 3]]).compute()
    for name, value in scores.items():
        assert name.replace(".", "").replace("_", "").isalnum()
        assert value is None or type(value) in (int, float)
    assert any(isinstance(value, float) for value in scores.values())


def test_a_perfect_prediction_beats_any_other(kind):
    prediction, truth = make_data(kind)
    perfect = feed(make(kind), truth, truth, [[0, 1, 2, 3, 4, 5]]).compute()
    other = feed(make(kind), prediction, truth, [[0, 1, 2, 3, 4, 5]]).compute()
    for name in perfect.keys() - NOT_A_SCORE:
        if perfect[name] is not None:
            assert perfect[name] in (0.0, 1.0)
            assert perfect[name] != other[name]


def test_blind_to_pixels_without_truth(kind):
    prediction, truth = make_data(kind)
    invalid = (truth == KINDS[kind].void).reshape(*truth.shape[:3], -1).all(-1)
    other = prediction.clone()
    other[invalid] = prediction.flip(0)[invalid]
    every = [list(range(IMAGES))]
    assert feed(make(kind), other, truth, every).compute() == feed(make(kind), prediction, truth, every).compute()


def test_nothing_seen_is_none_without_a_warning(kind):
    scores = make(kind).compute()
    assert {scores[name] for name in scores.keys() - NOT_A_SCORE} == {None}


def test_scores_go_on_after_they_were_asked_for(kind):
    data = make_data(kind)
    metric = feed(make(kind), *data, [[0, 1]])
    metric.compute()
    whole = feed(make(kind), *data, [[0, 1], [2, 3, 4, 5]]).compute()
    assert feed(metric, *data, [[2, 3, 4, 5]]).compute() == whole


def test_reset_forgets(kind):
    data = make_data(kind)
    metric = feed(make(kind), *data, [[0, 1]])
    metric.reset()
    assert feed(metric, *data, [[3]]).compute() == feed(make(kind), *data, [[3]]).compute()


def test_two_processes_give_the_score_of_one(kind):
    data = make_data(kind)
    here, there = feed(make(kind), *data, [[0, 4]]), feed(make(kind), *data, [[1, 2], [3, 5]])

    # what torch.distributed would gather: each state of this process, then the same of the other
    others = iter(there.metric_state.values())
    here.dist_sync_fn = lambda state, group: [state, next(others)]
    here.distributed_available_fn = lambda: True

    assert here.compute() == close(feed(make(kind), *data, [list(range(IMAGES))]).compute())


def test_it_can_be_copied_and_pickled(kind):
    metric = feed(make(kind), *make_data(kind), [[0, 1]])
    for twin in (copy.deepcopy(metric), pickle.loads(pickle.dumps(metric))):
        assert twin.compute() == metric.compute()


def test_updating_changes_neither_argument(kind):
    prediction, truth = make_data(kind)
    before = prediction.clone(), truth.clone()
    feed(make(kind), prediction, truth, [[0, 1, 2]])
    assert torch.equal(prediction, before[0])
    assert torch.equal(truth, before[1])


def test_an_update_reads_no_value(kind):
    """A GPU is waited for when the host asks for a value; tensors without values refuse to be asked."""
    prediction, truth = (tensor.to("meta") for tensor in make_data(kind))
    metric = make(kind).to("meta")
    metric.update(prediction, truth)
    assert {state.device.type for state in metric.metric_state.values()} == {"meta"}
    with pytest.raises((RuntimeError, NotImplementedError), match="meta"):
        metric.compute()


@pytest.mark.gpu
def test_on_a_gpu_it_never_waits_and_gives_the_same(kind):
    prediction, truth = make_data(kind)
    metric = make(kind).cuda()
    on_gpu = prediction.cuda(), truth.cuda()
    feed(metric, *on_gpu, [slice(0, 1)])  # kernels are loaded on first use
    metric.reset()
    torch.cuda.set_sync_debug_mode("error")
    try:
        feed(metric, *on_gpu, [slice(0, 2), slice(2, 6)])
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert metric.compute() == close(feed(make(kind), prediction, truth, [slice(0, 6)]).compute())
