"""The measures in one go are the measures one by one."""

import json

import pytest
import torch

from segdepth.saliency.measures import mask_iou, normalise
from segdepth.saliency.measuring import MEASURES, _with_torch, measure_maps, measure_overlaps

THRESHOLDS = (0.1, 0.5, 0.9)


@pytest.fixture
def golden(conformance):
    return json.loads((conformance / "saliency_metrics.json").read_text())


@pytest.fixture
def maps_of(golden, conformance_inputs):
    return {name: torch.from_numpy(conformance_inputs.saliency_map(name))[None] for name in golden["maps"]}


@pytest.mark.parametrize("name", ["a", "b", "offset", "plateau", "constant", "zero"])
def test_golden_measures(golden, maps_of, name):
    want, thresholds = golden["maps"][name]["reference"], golden["thresholds"]
    pixels = torch.tensor([[target["row"], target["col"]] for target in want["targets"]])
    found = measure_maps(maps_of[name].expand(len(pixels), -1, -1), pixels, thresholds)
    expected = [
        [*target["act_distance"], *target["act_ratio"], target["peak_distance"], want["mean_activation"]]
        for target in want["targets"]
    ]
    torch.testing.assert_close(found[:, :-2], torch.tensor(expected, dtype=torch.float64), rtol=1e-13, atol=1e-15)


def test_golden_overlaps(golden, maps_of):
    for pair, values in golden["iou"].items():
        a, b = (maps_of[name] for name in pair.split("/"))
        want = torch.tensor([[float(value) for value in values["reference"]]], dtype=torch.float64)
        found = measure_overlaps(a, b, golden["iou_thresholds"])
        torch.testing.assert_close(found, want, rtol=0, atol=0, equal_nan=True, msg=pair)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("threads", [1, 3])
def test_native_loops_agree_with_torch(dtype, threads):
    maps = torch.rand(9, 13, 21, dtype=dtype) ** 6 + 0.01
    maps[3], maps[4, 2:] = 0, 0
    pixels = torch.stack([torch.randint(13, (9,)), torch.randint(21, (9,))], 1)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        found, overlaps = measure_maps(maps, pixels, THRESHOLDS), measure_overlaps(maps, maps.flip(0), THRESHOLDS)
    finally:
        torch.set_num_threads(before)
    torch.testing.assert_close(found, _with_torch(maps, pixels, THRESHOLDS), equal_nan=True)
    assert torch.equal(found[:, 3:6], _with_torch(maps, pixels, THRESHOLDS)[:, 3:6])  # counts are exact
    expected = mask_iou(normalise(maps), normalise(maps.flip(0)), THRESHOLDS)
    torch.testing.assert_close(overlaps, expected, equal_nan=True)
    assert found.shape == (9, 2 * len(THRESHOLDS) + len(MEASURES))


def test_no_maps_no_measures():
    assert measure_maps(torch.zeros(0, 4, 5), torch.zeros(0, 2, dtype=torch.int64), THRESHOLDS).shape == (0, 10)


def test_half_precision_goes_by_torch():
    maps, pixels = torch.rand(1, 20, 30).half(), torch.tensor([[3, 4]])
    torch.testing.assert_close(
        measure_maps(maps, pixels, THRESHOLDS), _with_torch(maps.float(), pixels, THRESHOLDS), rtol=1e-2, atol=1e-2
    )
