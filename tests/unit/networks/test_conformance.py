"""Networks made with ``legacy=True`` give the reference's numbers: outputs, class maps, saliency."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from segdepth import create_network, load_reference_state
from segdepth.networks import NETWORKS

#: conformance file -> our name
ARCHS = {"segnet": "segnet", "fcrn": "fcrn", "fcn": "fcn8s", "frrnA": "frrnA", "frrnB": "frrnB",
         "deeplab": "deeplab", "dispnet": "dispnet"}  # fmt: skip
CASES = [(arch, task) for arch in ARCHS for task in ("seg", "depth") if ARCHS[arch].rstrip("AB") in NETWORKS]


def relative_error(ours: np.ndarray, gold: np.ndarray) -> float:
    return float(np.abs(ours - gold).max() / np.abs(gold).max())


@pytest.mark.data
@pytest.mark.parametrize(("arch", "task"), CASES)
def test_equals_the_reference(
    arch: str, task: str, conformance: Path, conformance_weights: ModuleType, record_property: Callable[[str, object], None]
) -> None:
    meta = json.loads((conformance / f"{arch}_{task}.json").read_text())
    gold = np.load(conformance / f"{arch}_{task}.npz")
    state = conformance_weights.fill_state(meta["state_dict"])
    net = create_network(ARCHS[arch], task=task, legacy=True)
    load_reference_state(net, {name: torch.from_numpy(value) for name, value in state.items()})
    assert sum(p.numel() for p in net.parameters()) == meta["parameters"]

    net.double().eval().requires_grad_(False)
    for case in meta["cases"]:
        name, step = case["name"], case["stored_stride"]
        x = conformance_weights.network_input(task, case["seed"], case["height"], case["width"])
        # the golden input is in the reference's range; ours must make the same from the same picture
        image = conformance_weights.base_image(case["seed"], case["height"], case["width"])
        mine = net.preprocessing(torch.from_numpy(image).permute(2, 0, 1)[None])
        np.testing.assert_allclose(mine.float().numpy(), x, atol=2e-7)

        x = torch.from_numpy(x).double().requires_grad_()
        y = net.disparity(x) if (arch, task) == ("dispnet", "depth") else net(x)  # the reference's answer
        assert list(y.shape) == case["output_shape"]
        error = relative_error(y.detach().numpy()[:, :, ::step, ::step], gold[f"{name}_output"])
        assert error < 1e-6
        if task == "seg":
            assert (y.argmax(1)[0].numpy() == gold[f"{name}_classmap"]).all()
        for k, ((row, col), channel) in enumerate(
            zip(gold[f"{name}_pixels"], gold[f"{name}_classes"], strict=True)
        ):
            (gradient,) = torch.autograd.grad(y[0, channel, row, col], x, retain_graph=True)
            if k == 0:
                ours = gradient[0].permute(1, 2, 0).numpy()
                assert relative_error(ours, gold[f"{name}_gradient0"]) < 1e-6
            saliency = gradient[0].abs().amax(0).numpy()
            assert relative_error(saliency, gold[f"{name}_saliency"][k]) < 1e-6
        record_property(f"{name}_max_relative_error", error)
