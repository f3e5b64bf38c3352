"""ImageNet weights in torchvision's naming fill backbones: every tensor at its place, or a refusal."""

import logging
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from segdepth.core.errors import CheckpointError
from segdepth.layers.resnet import RESNET50, RESNET101, ResNet
from segdepth.layers.vgg import VGG16_STAGES, vgg16_convolution_indices
from segdepth.networks import Card, Network, build_network, load_backbone


def make(arch: str, output: str = "logits", **options: object) -> Network:
    return build_network(
        Card(
            arch=arch,
            options=options,
            output=output,  # type: ignore[arg-type]
            out_channels=5 if output == "logits" else 1,
            preprocessing="imagenet",
            task="any",
        )
    )


def resnet_state(blocks: tuple[int, int, int, int]) -> dict[str, Tensor]:
    """A made-up file with torchvision's names and shapes."""
    state = {name: torch.rand_like(t) for name, t in ResNet(blocks).state_dict().items() if t.is_floating_point()}
    return state | {"fc.weight": torch.zeros(1000, 2048), "fc.bias": torch.zeros(1000)}


def vgg_state(*, batch_norm: bool, classifier: bool = True) -> dict[str, Tensor]:
    state = {}
    inputs = 3
    for (channels, _), indices in zip(VGG16_STAGES, vgg16_convolution_indices(batch_norm=batch_norm), strict=True):
        for index in indices:
            state |= _leaves(f"features.{index}", nn.Conv2d(inputs, channels, 3))
            if batch_norm:
                state |= _leaves(f"features.{index + 1}", nn.BatchNorm2d(channels))
            inputs = channels
    if classifier:
        # views of one number: the real ones take half a gigabyte
        state["classifier.0.weight"] = torch.linspace(0, 1, 25088).expand(4096, 25088)
        state["classifier.0.bias"] = torch.linspace(-1, 1, 4096)
        state["classifier.3.weight"] = torch.tensor(0.25).expand(4096, 4096)
        state["classifier.3.bias"] = torch.linspace(1, 2, 4096)
        state["classifier.6.weight"] = torch.tensor(0.5).expand(1000, 4096)
        state["classifier.6.bias"] = torch.zeros(1000)
    return state


def _leaves(name: str, layer: nn.Module) -> dict[str, Tensor]:
    return {f"{name}.{leaf}": torch.rand_like(t) for leaf, t in layer.state_dict().items() if t.is_floating_point()}


def load(net: Network, state: Mapping[str, Tensor], folder: Path) -> None:
    torch.save(dict(state), folder / "backbone.pth")
    load_backbone(net, folder / "backbone.pth")


@pytest.mark.parametrize(("arch", "blocks"), [("fcrn", RESNET50), ("deeplab", RESNET101)])
def test_resnet_is_filled_but_for_the_classifier(
    arch: str, blocks: tuple[int, int, int, int], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    net, state = make(arch), resnet_state(blocks)
    caplog.set_level(logging.INFO)
    load(net, {f"module.{name}": tensor for name, tensor in state.items()}, tmp_path)
    ours = net.encoder.state_dict()
    for name in state.keys() - {"fc.weight", "fc.bias"}:
        torch.testing.assert_close(ours[name], state[name], rtol=0, atol=0)
    assert f"{len(state) - 2} of {len(state)} ImageNet tensors used; left out: fc.bias, fc.weight" in caplog.text


@pytest.mark.parametrize(("arch", "blocks"), [("fcrn", RESNET101), ("deeplab", RESNET50)])
def test_resnet_of_another_depth_is_refused(arch: str, blocks: tuple[int, int, int, int], tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"layer3\.10\..*needs resnet"):
        load(make(arch), resnet_state(blocks), tmp_path)


def test_vgg_fills_stages_and_batch_norms(tmp_path: Path) -> None:
    net, state = make("segnet"), vgg_state(batch_norm=True)
    load(net, state, tmp_path)
    ours = net.encoder.state_dict()
    torch.testing.assert_close(ours["0.0.weight"], state["features.0.weight"])
    torch.testing.assert_close(ours["0.1.running_var"], state["features.1.running_var"])
    torch.testing.assert_close(ours["4.6.bias"], state["features.40.bias"])
    torch.testing.assert_close(ours["4.7.running_mean"], state["features.41.running_mean"])


def test_vgg_without_batch_norm_fills_the_convolutions_of_a_network_that_has_it(tmp_path: Path) -> None:
    net, state = make("segnet"), vgg_state(batch_norm=False)
    load(net, state, tmp_path)
    torch.testing.assert_close(net.encoder.state_dict()["4.6.weight"], state["features.28.weight"])


def test_vgg_with_batch_norm_is_refused_by_a_network_without(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="vgg16 weights"):
        load(make("fcn8s", "depth", legacy=True), vgg_state(batch_norm=True, classifier=False), tmp_path)


def test_fully_connected_layers_become_convolutions(tmp_path: Path) -> None:
    net, state = make("fcn8s"), vgg_state(batch_norm=False)
    load(net, state, tmp_path)
    torch.testing.assert_close(net.encoder.state_dict()["4.4.weight"], state["features.28.weight"])
    pool5 = torch.rand(1, 512, 7, 7)
    want = state["classifier.0.weight"] @ pool5.flatten() + state["classifier.0.bias"]
    with torch.no_grad():
        torch.testing.assert_close(net.fc6(pool5)[0, :, 3, 3], want)  # the middle sees the whole of pool5
    assert (net.fc7.weight == 0.25).all()
    torch.testing.assert_close(net.fc7.bias.detach(), state["classifier.3.bias"])
    assert not (net.score.weight == 0.5).any()  # ImageNet's classes are not ours


def test_classifier_of_other_sizes_is_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    load(make("fcn8s", "depth", legacy=True), vgg_state(batch_norm=False), tmp_path)
    assert "26 of 32 ImageNet tensors used; left out: classifier.0.bias" in caplog.text


def test_a_narrower_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="width 1"):
        load(make("segnet", width=0.25), vgg_state(batch_norm=True, classifier=False), tmp_path)


def test_a_missing_tensor_is_named(tmp_path: Path) -> None:
    state = vgg_state(batch_norm=False, classifier=False)
    del state["features.28.weight"]
    with pytest.raises(CheckpointError, match=r"no tensor 'features\.28\.weight'"):
        load(make("segnet"), state, tmp_path)


def test_false_does_nothing_and_no_backbone_is_refused(tmp_path: Path) -> None:
    net = make("frrn", width=0.25)
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    load_backbone(net, False)
    for name, tensor in net.state_dict().items():
        assert (tensor == before[name]).all()
    with pytest.raises(CheckpointError, match="no ImageNet weights for frrn"):
        load_backbone(net, tmp_path / "any.pth")
    with pytest.raises(CheckpointError, match="no weights file"):
        load_backbone(make("segnet", width=0.25), tmp_path / "missing.pth")
