"""Whose weights these are, from names and shapes alone; networks without memory stand for files."""

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from segdepth.core.errors import CheckpointError
from segdepth.layers.resnet import RESNET50, RESNET101, ResNet
from segdepth.layers.vgg import VGG16_STAGES, vgg16_convolution_indices
from segdepth.networks.recognise import recognise_ancestor, recognise_backbone, resembled_backbone

State = dict[str, Tensor]


def empty(*size: int) -> Tensor:
    return torch.empty(size, device="meta")


def resnet(blocks: tuple[int, int, int, int], head: bool = True) -> State:
    with torch.device("meta"):
        state: State = dict(ResNet(blocks).state_dict())
    return state | ({"fc.weight": empty(1000, 2048), "fc.bias": empty(1000)} if head else {})


def vgg(batch_norm: bool) -> State:
    channels, state = 3, {}
    for (wide, _), indices in zip(VGG16_STAGES, vgg16_convolution_indices(batch_norm=batch_norm), strict=True):
        for index in indices:
            state[f"features.{index}.weight"], state[f"features.{index}.bias"] = (
                empty(wide, channels, 3, 3),
                empty(wide),
            )
            channels = wide
    return state | {f"classifier.{k}.weight": empty(2, 2) for k in (0, 3, 6)}


@pytest.mark.parametrize(
    ("state", "name"),
    [(vgg(False), "vgg16"), (vgg(True), "vgg16_bn"), (resnet(RESNET50), "resnet50"), (resnet(RESNET101), "resnet101")],
    ids=["vgg16", "vgg16_bn", "resnet50", "resnet101"],
)
def test_the_backbones_are_known_with_and_without_prefix_head_and_counters(state: State, name: str) -> None:
    trimmed = {
        key: t for key, t in state.items() if not key.startswith(("fc.", "classifier.")) and "num_batches" not in key
    }
    for one in (state, trimmed, {f"module.{key}": t for key, t in state.items()}):
        assert recognise_backbone(one) == name
        assert recognise_ancestor(one) is None


def test_a_tensor_less_is_no_backbone() -> None:
    state = resnet(RESNET50)
    del state["layer3.2.conv2.weight"]
    assert recognise_backbone(state) is None
    assert recognise_backbone({}) is None


@pytest.mark.parametrize(
    ("blocks", "convolutions", "said"),
    [
        ((2, 2, 2, 2), 2, "ResNet-18"),
        ((3, 4, 6, 3), 2, "ResNet-34"),
        ((3, 8, 36, 3), 3, "ResNet-152"),
        ((1, 1, 1, 1), 3, "ResNet of 1 + 1 + 1 + 1 bottlenecks"),
        ((1, 1, 2, 1), 2, "ResNet of 1 + 1 + 2 + 1 blocks of two convolutions"),
    ],
)
def test_other_resnets_are_called_by_their_name(blocks: tuple[int, ...], convolutions: int, said: str) -> None:
    state = {"conv1.weight": empty(64, 3, 7, 7), "fc.bias": empty(1000)}
    for stage, count in enumerate(blocks, start=1):
        for block in range(count):
            state |= {f"layer{stage}.{block}.conv{k}.weight": empty(1, 1, 1, 1) for k in range(1, convolutions + 1)}
    assert resembled_backbone(state) == said
    assert resembled_backbone(state | {"decoder.weight": empty(1)}) is None


@pytest.mark.parametrize(
    ("convolutions", "said"), [(8, "VGG-11"), (10, "VGG-13"), (16, "VGG-19"), (13, None), (9, None)]
)
def test_other_vggs_are_called_by_their_name(convolutions: int, said: str | None) -> None:
    state = {f"features.{k}.weight": empty(1, 1, 3, 3) for k in range(convolutions)}
    assert resembled_backbone(state | {"classifier.0.weight": empty(2, 2)}) == said


def dispnet(channels: int) -> State:
    """The ancestor's names of a network of ours, from the table of old names read backwards."""
    from segdepth.tasks import create_network

    with torch.device("meta"):
        ours: Mapping[str, Tensor] = create_network(
            "dispnet",
            "depth" if channels == 1 else "seg",
            legacy=True,
            **({} if channels == 1 else {"num_classes": channels}),
        ).state_dict()
    parts = {"down": ("conv", ""), "up": ("upconv", "0."), "fuse": ("iconv", "0."), "heads": ("predict_disp", "0.")}
    state = {}
    for name, tensor in ours.items():
        part, level, rest = name.split(".", 2)
        theirs, layer = parts[part]
        state[f"module.{theirs}{int(level) + 1}.{layer}{rest}"] = tensor
    return state


@pytest.mark.parametrize(("channels", "output"), [(1, "depth"), (19, "logits"), (11, "logits")])
def test_the_ancestors_network_is_known_by_its_shapes(channels: int, output: str) -> None:
    state = dispnet(channels)
    found = recognise_ancestor(state)
    assert found is not None
    assert (found.arch, found.output, found.out_channels) == ("dispnet", output, channels)
    assert found.options["legacy"] is True
    assert found.names.keys() == state.keys()
    assert recognise_backbone(state) is None


def test_what_is_missing_or_has_another_shape_is_named() -> None:
    state = dispnet(19)
    name = next(name for name in state if name.endswith("conv3.0.weight"))
    broken = state | {name: empty(3, 3)}
    with pytest.raises(
        CheckpointError,
        match=rf"the ancestor's dispnet, but '{name}' is \[3, 3\], where \[128, 64, 3, 3\] is needed$",
    ):
        recognise_ancestor(broken)
    del broken[name]
    missing = r"one of shape \[128, 64, 3, 3\] is missing, 'down\.2\.0\.weight' by its name here"
    with pytest.raises(CheckpointError, match=missing + "$"):
        recognise_ancestor(broken)
    bias = name.replace("weight", "bias")
    with pytest.raises(CheckpointError, match=missing + r" \(1 more do not fit or are missing\)$"):
        recognise_ancestor({key: tensor for key, tensor in broken.items() if key != bias})


def test_others_are_nobody_s() -> None:
    assert recognise_ancestor({f"blocks.{k}.attn.qkv.weight": empty(3, 3) for k in range(9)}) is None
