"""Networks made with ``legacy=True`` give the ancestor's numbers: outputs, class maps, saliency, its measures."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from numpy import ndarray
from torch import Tensor

from segdepth.networks import Card, Network, build_network, load_reference_state, resolve_arch
from segdepth.saliency import measures

#: Conformance files' names of the networks; ours are the same or aliases.
ARCHS = ("fcn", "segnet", "frrnA", "frrnB", "deeplab", "dispnet", "fcrn")
OUTPUTS: dict[str, Any] = {"seg": ("logits", 19), "depth": ("depth", 1)}
#: Each network, number of the picture (the second has odd sizes), of target pixels. In float64 and at full width, FCN's
#: pictures take half a minute each.
RUNS = [
    *(pytest.param(arch, 0, 4, marks=pytest.mark.slow) for arch in ARCHS),
    *(pytest.param(arch, 1, 4, marks=[pytest.mark.slow] if arch == "fcn" else []) for arch in ARCHS),
]
TOLERANCE = 1e-6  # of the largest value, in float64; the golden values are rounded to float32


def make(arch: str, task: str, folder: Path, weights: ModuleType) -> tuple[Network, dict[str, Any]]:
    """The network with the golden weights, in float64, and the golden file's text."""
    meta = json.loads((folder / f"{arch}_{task}.json").read_text())
    name, options = resolve_arch(arch)
    output, out_channels = OUTPUTS[task]
    net = build_network(
        Card(
            arch=name,
            options=options | {"legacy": True},
            output=output,
            out_channels=out_channels,
            preprocessing=f"reference_{task}",
            task=task,
        )
    )
    trainable = [p.numel() for p in net.parameters() if p.requires_grad]
    assert sum(p.numel() for p in net.parameters()) == meta["parameters"]
    assert sum(trainable) == meta["trainable_parameters"]
    state = weights.fill_state(meta["state_dict"])
    load_reference_state(net, {name: torch.from_numpy(value) for name, value in state.items()})
    return net.double().eval().requires_grad_(False), meta


def assert_close(ours: Tensor, gold: ndarray) -> float:
    error = float(np.abs(ours.numpy() - gold).max() / np.abs(gold).max())
    assert error < TOLERANCE
    return error


def check_case(
    net: Network, task: str, case: dict[str, Any], count: int, gold: Any, weights: ModuleType
) -> tuple[float, Tensor, Tensor]:
    """Compare one picture; the output's error, the cut and normalised maps, the first targets in them."""
    name, step = case["name"], case["stored_stride"]
    size = (case["seed"], case["height"], case["width"])
    golden_input = weights.network_input(task, *size)
    image = torch.from_numpy(weights.base_image(*size)).permute(2, 0, 1)[None]
    np.testing.assert_allclose(net.preprocessing(image).numpy(), golden_input, atol=2e-7)

    x = torch.from_numpy(golden_input).double().requires_grad_()
    disparity = case["arch"] == "dispnet" and task == "depth"  # there the golden output is the disparity
    y = net.disparity(x) if disparity else net(x)
    assert list(y.shape) == case["output_shape"]
    error = assert_close(y.detach()[:, :, ::step, ::step], gold[f"{name}_output"])
    if task == "seg":
        assert (y.argmax(1)[0].numpy() == gold[f"{name}_classmap"]).all()

    pixels, classes = gold[f"{name}_pixels"][:count], gold[f"{name}_classes"][:count]
    gradients = torch.stack(
        [
            torch.autograd.grad(y[0, channel, row, col], x, retain_graph=True)[0][0]
            for (row, col), channel in zip(pixels, classes, strict=True)
        ]
    )
    maps = gradients.abs().amax(1)
    assert_close(gradients[0].permute(1, 2, 0), gold[f"{name}_gradient0"])
    for ours, golden in zip(maps, gold[f"{name}_saliency"][:count], strict=True):
        assert_close(ours, golden)
    rows, cols = case["crop_rows"], case["crop_cols"]
    cut = measures.normalise(maps[:, slice(*rows), slice(*cols)])
    return error, cut, torch.from_numpy(pixels).long() - torch.tensor([rows[0], cols[0]])


def check_measures(name: str, maps: Tensor, pixels: Tensor, gold: Any) -> None:
    count = len(pixels)
    for suffix, thresholds in (("", (0.1, 0.5, 0.9)), ("5", (0.1, 0.3, 0.5, 0.7, 0.9))):
        distance = measures.activation_distance(maps, pixels, thresholds)
        np.testing.assert_allclose(distance, gold[f"{name}_act_distance{suffix}"][:count], atol=1e-6)
        ratio = measures.activation_ratio(maps, thresholds)
        np.testing.assert_allclose(ratio, gold[f"{name}_act_ratio{suffix}"][:count], atol=1e-6)
    np.testing.assert_allclose(measures.peak_distance(maps, pixels), gold[f"{name}_peak_distance"][:count], atol=1e-6)
    np.testing.assert_allclose(measures.mean_activation(maps), gold[f"{name}_mean_activation"][:count], atol=1e-6)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Several test processes with a thread for every core spend most of their time waiting for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.data
@pytest.mark.usefixtures("without_first_weights")
@pytest.mark.parametrize(("arch", "index", "count"), RUNS)
def test_equals_the_ancestor(
    arch: str,
    index: int,
    count: int,
    conformance: Path,
    conformance_weights: ModuleType,
    record_property: Callable[[str, object], None],
) -> None:
    maps: dict[str, Tensor] = {}
    for task in ("seg", "depth"):
        net, meta = make(arch, task, conformance, conformance_weights)
        case = meta["cases"][index]
        with np.load(conformance / f"{arch}_{task}.npz") as gold:
            error, maps[task], pixels = check_case(net, task, case | {"arch": arch}, count, gold, conformance_weights)
            check_measures(case["name"], maps[task], pixels, gold)
        record_property(f"{task}_max_relative_error", error)
    with np.load(conformance / f"{arch}_iou.npz") as gold:
        iou = measures.mask_iou(maps["seg"], maps["depth"], gold[f"{case['name']}_thresholds"].tolist())
        np.testing.assert_allclose(iou, gold[f"{case['name']}_iou"][:count], atol=1e-6)
