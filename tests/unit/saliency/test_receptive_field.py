"""Receptive fields: theoretical against the gradients of networks that lose nothing, effective against known ones."""

import logging

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segdepth.core.errors import InputError
from segdepth.saliency import UnsupportedOperationError, saliency_maps
from segdepth.saliency.receptive_field import effective_field, theoretical_field
from segdepth.tasks import create_network

SIZE = (48, 80)


class Chain(nn.Module):
    """A convolution, a pooling, a dilated convolution, bilinear enlargement."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 5, padding=2, stride=2)
        self.second = nn.Conv2d(4, 2, 3, padding=2, dilation=2)

    def forward(self, x: Tensor) -> Tensor:
        y = self.second(F.max_pool2d(self.first(x), 2))
        return F.interpolate(y, size=x.shape[-2:], mode="bilinear", align_corners=False)


def test_layers_are_counted_as_by_hand() -> None:
    found = theoretical_field(Chain(), torch.zeros(3, *SIZE), (22, 42))
    # 22 = 4 * 5 + 2: the enlargement reads the coarse rows 5 and 6, the dilated convolution 3..8; these see 4 r - 2 .. 4 r + 4
    assert found.box == ((10, 37), (30, 57))
    assert found.whole == (27, 27)
    assert not found.clipped
    assert [(layer.name, *map(int, layer.stride), layer.field[0], layer.window[0]) for layer in found.layers] == [
        ("convolution 5x5 stride 2", 2, 2, 5, 12),
        ("max pooling 2x2 stride 2", 4, 4, 7, 6),
        ("convolution 3x3 dilation 2x2", 4, 4, 23, 2),
        ("resizing by 4", 1, 1, 27, 1),
    ]
    border = theoretical_field(Chain(), torch.zeros(3, *SIZE), (2, 42))
    assert border.box == ((0, 17), (30, 57))
    assert border.whole == (27, 27)
    assert border.clipped


@pytest.mark.parametrize(
    "arch",
    ["segnet", "dispnet", *(pytest.param(a, marks=pytest.mark.slow) for a in ("fcn8s", "fcrn", "frrnA", "deeplab"))],
)
def test_no_gradient_outside_and_none_missing_at_the_edge(arch: str) -> None:
    """With positive weights and no ReLU in the way everything that is connected has a gradient, but for pools' losers."""
    torch.manual_seed(1)
    net = create_network(arch, "seg", width=0.125).double().eval()
    for parameter in net.parameters():
        parameter.data.abs_().add_(0.01)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.constant_(module.running_mean, -1.0)
    pixel = (21, 40)
    rows, columns = theoretical_field(net, torch.zeros(3, *SIZE, dtype=torch.float64), pixel).box
    reached = torch.zeros(SIZE, dtype=torch.bool)
    for seed in range(4):
        image = torch.rand(3, *SIZE, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        reached |= saliency_maps(net, image, [pixel], engine="reference", target=1)[0] > 0
    outside = reached.clone()
    outside[slice(*rows), slice(*columns)] = False
    assert not outside.any()
    seen = reached.nonzero()
    for axis, span in enumerate((rows, columns)):
        assert seen[:, axis].min() - span[0] <= 1
        assert span[1] - 1 - seen[:, axis].max() <= 1


def test_a_mean_over_the_picture_has_no_bound() -> None:
    class Global(Chain):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) + F.adaptive_avg_pool2d(x[:, :2], 1).expand(-1, -1, *x.shape[-2:])

    found = theoretical_field(Global(), torch.zeros(3, *SIZE), (22, 42))
    assert found.whole == (None, None)
    assert found.box == ((0, SIZE[0]), (0, SIZE[1]))


def test_an_effective_field_of_known_shape() -> None:
    class Blur(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return F.avg_pool2d(x[:, :1], 5, stride=1, padding=2)

    found = effective_field(Blur(), torch.rand(3, 3, *SIZE), (20, 30))
    torch.testing.assert_close(found.map[18:23, 28:33], torch.full((5, 5), 0.04, dtype=torch.float64))
    assert found.map.sum().item() == pytest.approx(1)
    assert found.area == 25
    assert found.sigma == pytest.approx(2**0.5)  # of -2..2, all alike
    assert found.radii == pytest.approx({0.5: 2.0, 0.9: 8**0.5, 0.95: 8**0.5}), "13, 25 and 25 pixels"
    assert (found.pictures, found.dead) == (3, 0)


def test_dead_pixels_are_counted_and_mistakes_are_named(caplog: pytest.LogCaptureFixture) -> None:
    net = Chain()
    nn.init.zeros_(net.second.weight)
    with caplog.at_level(logging.WARNING):
        found = effective_field(net, torch.rand(2, 3, *SIZE), (20, 30))
    assert (found.dead, found.area, found.sigma, found.radii[0.5]) == (2, 0, 0, 0)
    assert not caplog.text
    with pytest.raises(InputError, match="no picture"):
        effective_field(net, [], (20, 30))
    with pytest.raises(InputError, match="no common field"):
        effective_field(net, [torch.rand(3, *SIZE), torch.rand(3, 48, 48)], (20, 30))
    with pytest.raises(InputError, match="outside the 48x80 picture"):
        theoretical_field(net, torch.zeros(3, *SIZE), (48, 0))

    class Branching(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x if x.sum() > 0 else -x

    with pytest.raises(UnsupportedOperationError, match="a decision by the picture's values"):
        theoretical_field(Branching(), torch.zeros(3, *SIZE), (20, 30))
