import json
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import TypeCheckError

from segdepth.core.errors import ConfigError
from segdepth.saliency.measures import (
    activation_distance,
    activation_ratio,
    effective_pixels,
    mask_iou,
    mean_activation,
    normalise,
    peak_distance,
    weighted_distance,
)

RULES = ("reference", "unit")
THRESHOLDS = (0.1, 0.5, 0.9)


@pytest.fixture
def golden(conformance):
    return json.loads((conformance / "saliency_metrics.json").read_text())


@pytest.fixture
def golden_maps(golden, conformance_inputs):
    return {name: torch.from_numpy(conformance_inputs.saliency_map(name))[None] for name in golden["maps"]}


def column(targets, name):
    return torch.tensor([target[name] for target in targets], dtype=torch.float64)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", ["a", "b", "offset", "plateau", "constant", "zero"])
def test_golden_measures(golden, golden_maps, name, rule):
    want, thresholds = golden["maps"][name][rule], golden["thresholds"]
    pixels = torch.tensor([[target["row"], target["col"]] for target in want["targets"]])
    maps = normalise(golden_maps[name], rule).expand(len(pixels), -1, -1)

    close = {"rtol": 1e-13, "atol": 1e-15}
    assert maps.max().item() == want["normalised_max"]
    torch.testing.assert_close(
        mean_activation(maps), torch.full((3,), want["mean_activation"], dtype=torch.float64), **close
    )
    for got, key in (
        (activation_distance(maps, pixels, thresholds), "act_distance"),
        (activation_ratio(maps, thresholds), "act_ratio"),
        (peak_distance(maps, pixels), "peak_distance"),
    ):
        torch.testing.assert_close(got, column(want["targets"], key), **close)


@pytest.mark.parametrize("rule", RULES)
def test_golden_overlaps(golden, golden_maps, rule):
    for pair, values in golden["iou"].items():
        a, b = (normalise(golden_maps[name], rule) for name in pair.split("/"))
        want = torch.tensor([[float(value) for value in values[rule]]], dtype=torch.float64)
        torch.testing.assert_close(
            mask_iou(a, b, golden["iou_thresholds"]), want, rtol=0, atol=0, equal_nan=True, msg=pair
        )


def slow_measures(saliency, row, col, threshold):
    """Activation distance, ratio, weighted distance and effective pixels of one map, one pixel at a time."""
    h, w = saliency.shape
    values = [(saliency[i, j].item(), math.hypot(i - row, j - col)) for i in range(h) for j in range(w)]
    diagonal = math.hypot(h, w)
    active = [distance for value, distance in values if value >= threshold]
    total = sum(value for value, _ in values)
    weighted = sum(value * distance for value, distance in values) / total / diagonal
    effective = total**2 / sum(value**2 for value, _ in values)
    return max(active, default=0.0) / diagonal, len(active) / (h * w), weighted, effective


@settings(deadline=None, max_examples=25)
@given(h=st.integers(1, 9), w=st.integers(1, 9), seed=st.integers(0, 1000))
def test_a_batch_is_the_slow_twin_of_every_map(h, w, seed):
    generator = torch.Generator().manual_seed(seed)
    maps = torch.rand(3, h, w, dtype=torch.float64, generator=generator) + 1e-3
    pixels = torch.stack([torch.randint(n, (3,), generator=generator) for n in (h, w)], dim=1)

    got = torch.stack(
        [
            activation_distance(maps, pixels, (0.6,))[:, 0],
            activation_ratio(maps, (0.6,))[:, 0],
            weighted_distance(maps, pixels),
            effective_pixels(maps),
        ],
        dim=1,
    )

    want = [slow_measures(m, *pixel, 0.6) for m, pixel in zip(maps, pixels.tolist(), strict=True)]
    torch.testing.assert_close(got, torch.tensor(want, dtype=torch.float64))


def test_the_default_rule_is_the_protocols():
    maps = torch.tensor([[[1.0, 2.0, 4.0]]])
    torch.testing.assert_close(normalise(maps), torch.tensor([[[0.0, 0.25, 0.75]]]))
    torch.testing.assert_close(normalise(maps, "unit"), torch.tensor([[[0.0, 1 / 3, 1.0]]]))


def test_every_map_is_normalised_by_itself():
    a, b = torch.rand(2, 1, 5, 6)
    both = normalise(torch.cat([a, b]))
    torch.testing.assert_close(both, torch.cat([normalise(a), normalise(b)]))


def test_an_unknown_rule_is_refused():
    with pytest.raises((ConfigError, TypeCheckError), match="'unti'"):  # the latter where types are checked as well
        normalise(torch.rand(1, 2, 2), "unti")


def test_threshold_free_measures_do_not_depend_on_scale():
    maps = torch.rand(4, 6, 7)
    pixels = torch.zeros(4, 2, dtype=torch.int64)
    tiny = maps * 1e-30  # whose squares are 0 in single precision
    torch.testing.assert_close(weighted_distance(tiny, pixels), weighted_distance(maps, pixels))
    torch.testing.assert_close(effective_pixels(tiny), effective_pixels(maps))


def test_one_active_pixel():
    maps = torch.zeros(1, 30, 40)
    maps[0, 3, 4] = 7.0
    pixels = torch.tensor([[0, 0]])
    want = torch.tensor([0.1])  # 5 of a diagonal of 50
    torch.testing.assert_close(activation_distance(normalise(maps), pixels, THRESHOLDS), want.expand(1, 3))
    torch.testing.assert_close(peak_distance(maps, pixels), want)
    torch.testing.assert_close(weighted_distance(maps, pixels), want)
    torch.testing.assert_close(effective_pixels(maps), torch.ones(1))


def test_a_map_of_zeros():
    maps, pixels = torch.zeros(2, 4, 5), torch.zeros(2, 2, dtype=torch.int64)
    zeros = torch.zeros(2, 3)
    torch.testing.assert_close(activation_distance(maps, pixels, THRESHOLDS), zeros)
    torch.testing.assert_close(activation_ratio(maps, THRESHOLDS), zeros)
    assert mask_iou(maps, maps, THRESHOLDS).isnan().all()
    assert weighted_distance(maps, pixels).isnan().all()
    torch.testing.assert_close(effective_pixels(maps), torch.zeros(2))


def test_half_precision_is_measured_in_single():
    maps = torch.rand(1, 200, 900).half()
    pixels = torch.tensor([[199, 899]])
    got = activation_distance(maps, pixels, (0.5,))
    assert got.dtype == torch.float32
    torch.testing.assert_close(got, activation_distance(maps.float(), pixels, (0.5,)))
    torch.testing.assert_close(effective_pixels(maps), effective_pixels(maps.float()))
