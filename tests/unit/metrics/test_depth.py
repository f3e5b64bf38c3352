import json

import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError

from segdepth.core.errors import ConfigError, InputError
from segdepth.kinds import ANSWERS
from segdepth.metrics import DEPTH_SCORES, DepthProtocol, DepthScores

NO_CROP = DepthProtocol(crop="none")


@pytest.fixture
def golden(conformance):
    return json.loads((conformance / "metrics_depth.json").read_text())


def scores_of(prediction, truth, protocol=NO_CROP):
    metric = DepthScores(protocol)
    metric.update(prediction, truth)
    return metric.compute()


def by_our_names(scores):
    return {"mae" if name == "abs_diff" else name: value for name, value in scores.items()}


def slow_scores(prediction, truth, smallest=0.001, largest=80.0):
    """All scores of one image in plain numpy, after the definitions."""
    valid = (truth > smallest) & (truth < largest)
    g, p = truth[valid], np.clip(prediction[valid], smallest, largest)
    logs = np.log(p) - np.log(g)
    ratio = np.maximum(p / g, g / p)
    return {
        "abs_rel": np.mean(np.abs(p - g) / g),
        "sq_rel": np.mean((p - g) ** 2 / g),
        "rmse": np.sqrt(np.mean((p - g) ** 2)),
        "rmse_log": np.sqrt(np.mean(logs**2)),
        "a1": np.mean(ratio < 1.25),
        "a2": np.mean(ratio < 1.25**2),
        "a3": np.mean(ratio < 1.25**3),
        "silog": 100 * np.std(logs),
        "log10": np.mean(np.abs(np.log10(p) - np.log10(g))),
        "mae": np.mean(np.abs(p - g)),
    }


@pytest.mark.parametrize("crop", ["garg", "cityscapes", "none"])
def test_golden_scores(golden, conformance_inputs, crop):
    truth, prediction = map(torch.from_numpy, conformance_inputs.depth_metric_images())
    protocol = DepthProtocol(crop=crop)

    together = scores_of(prediction, truth, protocol)
    alone = [scores_of(p[None], g[None], protocol) for p, g in zip(prediction, truth, strict=True)]

    for name, want in by_our_names(golden[crop]["value"]).items():
        assert together[name] == pytest.approx(want, rel=1e-13)
    for image, values in zip(alone, golden[crop]["per_image"], strict=True):
        want = by_our_names(dict(zip(golden["metric_order"], values, strict=True)))
        assert {name: image[name] for name in want} == pytest.approx(want, rel=1e-13)


@pytest.mark.parametrize("resized", ["bilinear", "cubic_spline", "bilinear_align_corners"])
def test_golden_scores_of_resized_predictions(golden, conformance, conformance_inputs, resized):
    truth = torch.from_numpy(conformance_inputs.depth_metric_images()[0])
    prediction = torch.from_numpy(np.load(conformance / "metrics_depth_resize.npz")[resized])
    scores = scores_of(prediction.expand(5, -1, -1), truth, DepthProtocol())
    for name, want in by_our_names(golden["resized_prediction"][resized]).items():
        assert scores[name] == pytest.approx(want, rel=1e-6)  # the map is stored in single precision


def test_all_ten_are_the_slow_twins():
    generator = np.random.default_rng(0)
    truth = generator.uniform(-40, 120, (3, 12, 17))
    prediction = generator.uniform(-10, 120, (3, 12, 17))
    got = scores_of(torch.from_numpy(prediction), torch.from_numpy(truth))
    want = [slow_scores(p, g) for p, g in zip(prediction, truth, strict=True)]
    for name in DEPTH_SCORES:
        assert got[name] == pytest.approx(np.mean([image[name] for image in want]), rel=1e-12), name


@pytest.mark.parametrize("count", [1, 2, 5, 6])
def test_median_scaling_is_numpys_median(count):
    generator = np.random.default_rng(count)
    truth = np.zeros((2, 3, 4), np.float64)
    truth.reshape(2, -1)[:, :count] = generator.uniform(1, 50, (2, count))
    prediction = generator.uniform(0.1, 3, (2, 3, 4))
    scaled = [p * np.median(g[g > 0]) / np.median(p[g > 0]) for p, g in zip(prediction, truth, strict=True)]

    protocol = DepthProtocol(crop="none", scaling="median")
    got = scores_of(torch.from_numpy(prediction), torch.from_numpy(truth), protocol)

    assert got == pytest.approx(scores_of(torch.from_numpy(np.stack(scaled)), torch.from_numpy(truth)))


@pytest.mark.parametrize("scaling", ["none", "median"])
def test_an_image_without_truth_is_counted_and_changes_no_score(scaling):
    protocol = DepthProtocol(crop="none", scaling=scaling)
    truth, prediction = torch.rand(2, 4, 5) * 50 + 1, torch.rand(2, 4, 5) * 50 + 1
    alone = scores_of(prediction[:1], truth[:1], protocol)
    truth[1] = 0
    both = scores_of(prediction, truth, protocol)
    assert both == alone | {"images_without_truth": 1}
    assert (alone["images"], alone["images_without_truth"]) == (1, 0)


def test_only_images_without_truth_have_no_score():
    scores = scores_of(torch.ones(3, 4, 5), torch.zeros(3, 4, 5))
    assert {scores[name] for name in DEPTH_SCORES} == {None}
    assert (scores["images"], scores["images_without_truth"]) == (0, 3)


def test_a_prediction_out_of_range_is_clipped_and_not_dropped():
    truth = torch.tensor([[[40.0, 40.0]]])
    scores = scores_of(torch.tensor([[[500.0, -3.0]]]), truth)
    assert scores["mae"] == pytest.approx((40 + 39.999) / 2)


def test_a_channel_axis_makes_no_difference():
    truth, prediction = torch.rand(2, 4, 5) * 50 + 1, torch.rand(2, 4, 5) * 50 + 1
    assert scores_of(prediction[:, None], truth[:, None]) == scores_of(prediction, truth)


@pytest.mark.parametrize("shapes", [((1, 4, 5), (1, 8, 10)), ((1, 1, 4, 5), (1, 4, 5)), ((1, 2, 4, 5), (1, 2, 4, 5))])
def test_other_shapes_are_refused(shapes):
    with pytest.raises(InputError, match="must both be"):
        scores_of(torch.ones(shapes[0]), torch.ones(shapes[1]))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"crop": "grag"}, "did you mean 'garg'"),
        ({"min_depth": 0.0}, "min_depth must be above 0"),
        ({"min_depth": 80.0}, "below max_depth"),
    ],
)
def test_a_protocol_that_scores_nothing_is_refused(wrong, message):
    with pytest.raises(ConfigError, match=message):
        DepthProtocol(**wrong)


def test_an_unknown_scaling_is_refused():
    with pytest.raises((ConfigError, TypeCheckError), match="'mean'"):  # the latter where types are checked as well
        DepthProtocol(scaling="mean")


def test_relative_answers_need_an_alignment() -> None:
    relative = ANSWERS["relative inverse depth"]
    with pytest.raises(InputError, match=r"relative inverse depth.*--align median or --align least-squares"):
        DepthScores().reading(relative)
    assert DepthScores().reading(ANSWERS["metres"]).protocol == DepthProtocol()
    read = DepthScores(DepthProtocol("none")).aligned("least-squares").reading(relative)
    assert read.protocol == DepthProtocol("none", scaling="least-squares", inverse=True)
    assert "scaling least-squares (factor and shift of each image's inverse depth" in read.words()
    truth = torch.tensor([[[2.0, 4.0, 8.0]]])
    read.update(-3 + 7 / truth, truth)
    assert read.compute()["abs_rel"] == pytest.approx(0, abs=1e-6)
    table = read.tables()["bands"]
    table.update(-3 + 7 / truth, truth)
    assert table.compute()["0-10 m"]["abs_rel"] == pytest.approx(0, abs=1e-6)
