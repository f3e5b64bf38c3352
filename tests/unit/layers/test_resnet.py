"""ResNets: sizes, names, strides, and a bottleneck in plain functions."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from segdepth.layers.resnet import RESNET50, RESNET101, Bottleneck, ResNet

TINY = (1, 1, 1, 1)


def normalised(x: Tensor, norm: torch.nn.BatchNorm2d) -> Tensor:
    """Batch norm in eval mode, by its formula."""
    mean, variance = (value[:, None, None] for value in (norm.running_mean, norm.running_var))
    weight, bias = (value[:, None, None] for value in (norm.weight, norm.bias))
    return (x - mean) / torch.sqrt(variance + norm.eps) * weight + bias


def drawn_statistics(net: torch.nn.Module) -> torch.nn.Module:
    """Norms that do something."""
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            for tensor in (module.running_mean, module.running_var, module.weight, module.bias):
                torch.nn.init.uniform_(tensor, 0.2, 1.0)
    return net.double().eval()


@pytest.mark.parametrize("stride_in_1x1", [True, False])
@pytest.mark.parametrize(
    ("stride", "dilation", "project"), [(1, 1, False), (1, 3, False), (1, 1, True), (2, 1, True), (1, 3, True)]
)
def test_a_bottleneck_is_the_paper_s(stride: int, dilation: int, stride_in_1x1: bool, project: bool) -> None:
    block = Bottleneck(8, 2, stride=stride, dilation=dilation, project=project, stride_in_1x1=stride_in_1x1)
    drawn_statistics(block)
    x = torch.randn(2, 8, 9, 11, dtype=torch.float64)
    first, second = (stride, 1) if stride_in_1x1 else (1, stride)
    with torch.no_grad():
        y = normalised(F.conv2d(x, block.conv1.weight, stride=first), block.bn1).clamp(min=0)
        y = F.conv2d(y, block.conv2.weight, stride=second, padding=dilation, dilation=dilation)
        y = normalised(F.conv2d(normalised(y, block.bn2).clamp(min=0), block.conv3.weight), block.bn3)
        shortcut = x
        if project:
            conv, norm = block.downsample
            shortcut = normalised(F.conv2d(x, conv.weight, stride=stride), norm)
        torch.testing.assert_close(block(x.clone()), (y + shortcut).clamp(min=0))
    assert y.shape[-2:] == (math.ceil(9 / stride), math.ceil(11 / stride))


@pytest.mark.parametrize(
    ("dilations", "reduction"), [((1, 1, 1, 1), 32), ((1, 1, 1, 2), 16), ((1, 1, 2, 4), 8), ((1, 1, 2, 2), 8)]
)
def test_dilation_takes_the_place_of_strides(dilations: tuple[int, int, int, int], reduction: int) -> None:
    net = ResNet(TINY, dilations=dilations, width=0.125).eval()
    with torch.no_grad():
        features = net(torch.rand(1, 3, 64, 96))
    assert features.shape == (1, net.out_channels, 64 // reduction, 96 // reduction)
    assert net.out_channels == 4 * 64
    used = [getattr(net, f"layer{k}")[0].conv2.dilation for k in range(1, 5)]
    assert used == [(d, d) for d in dilations]


@pytest.mark.parametrize(("ceil_mode", "pooled"), [(False, 9), (True, 10)])
def test_sizes_are_rounded_up(ceil_mode: bool, pooled: int) -> None:
    net = ResNet(TINY, ceil_mode=ceil_mode, width=0.125).eval()
    with torch.no_grad():
        assert net.maxpool(torch.rand(1, 8, 18, 18)).shape[-1] == pooled
        assert net(torch.rand(1, 3, 33, 66)).shape[-2:] == (2, 3)


@pytest.mark.parametrize(("blocks", "parameters"), [(RESNET50, 23_508_032), (RESNET101, 42_500_160)])
def test_the_published_sizes(blocks: tuple[int, int, int, int], parameters: int) -> None:
    with torch.device("meta"):
        net = ResNet(blocks)
    assert sum(parameter.numel() for parameter in net.parameters()) == parameters
    assert net.out_channels == 2048
    names = set(net.state_dict())
    assert {"conv1.weight", "bn1.running_mean", "layer1.0.downsample.1.weight", "layer4.2.bn3.bias"} <= names
    assert "layer1.1.downsample.0.weight" not in names
    assert not any(name.startswith("fc.") for name in names)


def test_strides_stand_where_the_option_says() -> None:
    with torch.device("meta"):
        paper, torchvision = (ResNet(RESNET50, stride_in_1x1=option) for option in (True, False))
    for net, first, second in ((paper, 2, 1), (torchvision, 1, 2)):
        for stage in (net.layer2, net.layer3, net.layer4):
            assert (stage[0].conv1.stride[0], stage[0].conv2.stride[0]) == (first, second)
            assert (stage[1].conv1.stride[0], stage[1].conv2.stride[0]) == (1, 1)
