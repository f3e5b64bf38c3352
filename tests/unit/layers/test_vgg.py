"""VGG-16's stages, and where another library's list holds them."""

import pytest
import torch
from torch import nn

from segdepth.layers.vgg import VGG16_STAGES, conv_stage, conv_unit, vgg16_convolution_indices


def features(batch_norm: bool) -> list[nn.Module]:
    """The list as the paper's table reads: stage after stage, each with its pooling."""
    layers: list[nn.Module] = []
    channels = 3
    for wide, count in VGG16_STAGES:
        for _ in range(count):
            layers += conv_unit(channels, wide, batch_norm=batch_norm)
            channels = wide
        layers.append(nn.MaxPool2d(2))
    return layers


@pytest.mark.parametrize("batch_norm", [False, True])
def test_indices_are_those_of_convolutions(batch_norm: bool) -> None:
    with torch.device("meta"):
        layers = features(batch_norm)
    indices = vgg16_convolution_indices(batch_norm=batch_norm)
    assert [k for stage in indices for k in stage] == [k for k, m in enumerate(layers) if isinstance(m, nn.Conv2d)]
    assert [len(stage) for stage in indices] == [2, 2, 3, 3, 3]
    for stage, (wide, _) in zip(indices, VGG16_STAGES, strict=True):
        assert {layers[k].out_channels for k in stage} == {wide}


def test_its_convolutions_have_the_published_number_of_weights() -> None:
    with torch.device("meta"):
        layers = features(False)
    assert sum(p.numel() for layer in layers for p in layer.parameters()) == 14_714_688


@pytest.mark.parametrize(("batch_norm", "kinds"), [(False, 2), (True, 3)])
def test_a_stage_keeps_the_size_but_for_its_first_padding(batch_norm: bool, kinds: int) -> None:
    stage = conv_stage([3, 4, 4, 6], batch_norm=batch_norm, first_padding=100)
    assert len(stage) == 3 * kinds
    assert [m.padding for m in stage if isinstance(m, nn.Conv2d)] == [(100, 100), (1, 1), (1, 1)]
    assert all(m.bias is not None for m in stage if isinstance(m, nn.Conv2d))
    assert stage.eval()(torch.rand(1, 3, 5, 7)).shape == (1, 6, 5 + 198, 7 + 198)
    assert conv_stage([3, 4, 6], batch_norm=batch_norm).eval()(torch.rand(1, 3, 5, 7)).shape == (1, 6, 5, 7)
