import json
import math

import pytest
import torch

from segdepth.core.errors import InputError
from segdepth.losses import bootstrapped_cross_entropy, cross_entropy

CASES = ["plain", "few_valid", "upsample", "all_ignored"]
IGNORE = 255


@pytest.fixture
def golden(conformance, conformance_inputs):
    cases = json.loads((conformance / "losses.json").read_text())["segmentation"]
    weights = conformance_inputs.class_weights().tolist()

    def case(name):
        return *map(torch.from_numpy, conformance_inputs.seg_pair(name)), cases[name]["losses"], weights

    return case


def options_of(name, weights):
    """A golden entry's name -> our function and its options."""
    options = {"weight": weights} if name.endswith("_weighted") else {}
    if name.startswith("bootstrapped"):
        return bootstrapped_cross_entropy, options | {"K": int(name.split("_")[1][1:])}
    return cross_entropy, options | {"size_average": "_sum" not in name}


@pytest.mark.parametrize("case", CASES)
def test_golden_values(golden, case):
    logits, labels, losses, weights = golden(case)
    for name, entry in losses.items():
        loss, options = options_of(name, weights)
        want = entry["value"] or 0.0  # null: undefined, which is 0 here
        assert loss(logits, labels, **options).item() == pytest.approx(want, rel=1e-12, abs=1e-15), name
        if "value_labelled_only" in entry:
            want = entry["value_labelled_only"] or 0.0
            got = loss(logits, labels, **options, labelled_only=True).item()
            assert got == pytest.approx(want, rel=1e-12, abs=1e-15), name


def test_both_marks_mean_not_labelled():
    logits = torch.randn(1, 19, 2, 3)
    labels = torch.tensor([[[3, 255, 250], [7, 250, 255]]])
    alone = cross_entropy(logits[..., :1], labels[..., :1])
    torch.testing.assert_close(cross_entropy(logits, labels), alone)


def test_250_is_a_class_where_there_are_that_many():
    logits = torch.zeros(1, 300, 1, 1)
    logits[0, 250] = 1000.0
    assert cross_entropy(logits, torch.tensor([[[250]]]), ignore_index=299).item() == 0
    assert cross_entropy(-logits, torch.tensor([[[250]]]), ignore_index=299).item() > 100


def test_another_value_can_mean_not_labelled():
    logits = torch.randn(1, 4, 1, 3)
    alone = cross_entropy(logits[..., 1:], torch.tensor([[[2, 3]]]))
    torch.testing.assert_close(cross_entropy(logits, torch.tensor([[[0, 2, 3]]]), ignore_index=0), alone)


def test_more_pixels_than_there_are_is_all_of_them():
    logits, labels = torch.randn(2, 5, 4, 6), torch.randint(5, (2, 4, 6))
    every = bootstrapped_cross_entropy(logits, labels, K=24)
    torch.testing.assert_close(every, cross_entropy(logits, labels))
    torch.testing.assert_close(bootstrapped_cross_entropy(logits, labels, K=10**6), every)


def test_the_hardest_pixels_are_those_with_the_largest_loss():
    logits = torch.zeros(1, 2, 1, 4)
    logits[0, 0, 0] = torch.tensor([0.0, 5.0, -5.0, 9.0])
    labels = torch.tensor([[[0, 0, 0, IGNORE]]])
    want = math.log1p(math.exp(5))
    assert bootstrapped_cross_entropy(logits, labels, K=1).item() == pytest.approx(want)
    total = bootstrapped_cross_entropy(logits, labels, K=2, size_average=False).item()
    assert total == pytest.approx(want + math.log(2))


@pytest.mark.parametrize("loss", [cross_entropy, bootstrapped_cross_entropy])
def test_a_label_that_is_no_class_is_named(loss):
    with pytest.raises(InputError, match=r"label 37 in the truth: train ids must be 0\.\.18"):
        loss(torch.zeros(1, 19, 1, 2), torch.tensor([[[0, 37]]]))


@pytest.mark.parametrize("loss", [cross_entropy, bootstrapped_cross_entropy])
def test_a_wrong_number_of_weights_is_named(loss):
    with pytest.raises(InputError, match="2 class weights but the network has 3 classes"):
        loss(torch.zeros(1, 3, 1, 2), torch.zeros(1, 1, 2, dtype=torch.int64), weight=[1.0, 2.0])


def test_weights_first_met_in_inference_mode_can_be_trained_with():
    logits, labels = torch.randn(1, 2, 2, 2, requires_grad=True), torch.ones(1, 2, 2, dtype=torch.int64)
    with torch.inference_mode():
        cross_entropy(logits, labels, weight=[0.125, 0.75])
    cross_entropy(logits, labels, weight=[0.125, 0.75]).backward()
    assert logits.grad.abs().sum() > 0
