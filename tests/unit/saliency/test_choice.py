"""Which engine `auto` takes."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from segdepth.saliency import Explainer
from segdepth.saliency.apart import take_apart
from segdepth.saliency.boxes import Reach
from segdepth.saliency.choice import costs
from segdepth.saliency.engines import Prepared
from segdepth.saliency.graphs import Function

WHOLE = (0, 64), (0, 96)


def chain(*between: nn.Module, width: int = 8) -> nn.Module:
    layers: list[nn.Module] = [nn.Conv2d(3, width, 3, padding=1)]
    for part in between:
        layers += [part, nn.Conv2d(width, width, 3, padding=1)]
    return nn.Sequential(*layers, nn.Conv2d(width, 2, 1)).double()


class Norm(nn.Module):
    """By all positions."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x / (1 + x.std((1, 2, 3), keepdim=True))


def taken(net: nn.Module, count: int) -> str:
    """The first engine that is tried."""
    image = torch.randn(3, 64, 96, dtype=torch.float64)
    return Prepared(Function(net, net), image, WHOLE)._names(count)[0]


@pytest.mark.parametrize(
    ("net", "few", "many"),
    [
        (chain(nn.ReLU(), nn.ReLU(), nn.ReLU()), "windowed", "sparse"),
        (chain(nn.BatchNorm2d(8).eval(), nn.ReLU(), nn.MaxPool2d(2)), "windowed", "sparse"),
        (chain(nn.ReLU(), nn.ReLU(), Norm()), "windowed", "sparse"),
        (nn.Sequential(chain(nn.GELU(), nn.GELU(), width=64), Norm()), "windowed", "batched"),
    ],
)
def test_what_is_left_out_decides_and_how_many_share_it(net: nn.Module, few: str, many: str) -> None:
    assert taken(net, 1) == few
    assert taken(net, 200) == many


def test_windows_and_dead_units_make_work_less() -> None:
    image = torch.randn(3, 64, 96, dtype=torch.float64)
    found = {}
    for name, part in (("relu", nn.ReLU()), ("gelu", nn.GELU())):
        net = chain(part, part, part)
        found[name] = costs(Reach(take_apart(net, net, image), WHOLE), 1)
    assert found["relu"]["batched"] == found["gelu"]["batched"] > 10 * found["relu"]["windowed"]
    assert found["relu"]["sparse"] < 0.7 * found["gelu"]["sparse"]


@pytest.mark.parametrize("sizes", [(8, 64, 2), (64, 2, 2)])
def test_units_on_both_sides_of_a_relu_are_left_out(sizes: tuple[int, int, int]) -> None:
    """A sum over channels takes the units of its value that are on, and those of its input that something reaches."""
    image = torch.randn(3, 64, 96, dtype=torch.float64)
    found = []
    for switch in (nn.ReLU(), nn.GELU()):
        wide = [nn.Conv2d(a, b, 3, padding=1) for a, b in pairwise((3, *sizes))]
        net = nn.Sequential(wide[0], switch, wide[1], switch, wide[2]).double()
        found.append(costs(Reach(take_apart(net, net, image), WHOLE), 1)["sparse"])
    assert found[0] < 0.6 * found[1]


def test_shared_cells_are_counted_in_place_of_targets() -> None:
    coarse = nn.Sequential(*chain(nn.ReLU(), nn.ReLU()), nn.Conv2d(2, 2, 8, stride=8)).double()
    net, image = nn.Sequential(coarse, nn.Upsample(scale_factor=8, mode="bilinear")), torch.randn(3, 64, 96).double()
    traced = Prepared(Function(net, net), image, WHOLE).traced
    for engine in ("batched", "windowed", "sparse"):
        assert traced.nanoseconds(engine, 6) >= 6 * traced.costs[engine]
        assert traced.nanoseconds(engine, 384) < 0.9 * 384 * traced.costs[engine]


def test_a_corner_is_looked_at_where_it_is() -> None:
    """Not in the middle of the answer, from where nothing reaches it."""
    net, image = chain(nn.ReLU(), nn.ReLU(), nn.ReLU()), torch.randn(3, 64, 96, dtype=torch.float64)
    prepared = Prepared(Function(net, net), image, ((0, 16), (0, 16)))
    assert all(cost > 0 for cost in prepared.traced.costs.values())
    assert prepared._names(200)[0] == "sparse"


def test_an_engine_that_is_ready_is_taken_earlier() -> None:
    net, image = chain(nn.ReLU(), nn.ReLU(), nn.ReLU()), torch.randn(3, 64, 96, dtype=torch.float64)
    prepared = Prepared(Function(net, net), image, WHOLE)
    counts = [n for n in range(1, 60) if prepared._names(n)[0] == "sparse"]
    prepared.engine("sparse")
    assert min(counts) > min(n for n in range(1, 60) if prepared._names(n)[0] == "sparse") > 1


def test_maps_are_the_same_whoever_makes_them() -> None:
    net, image = chain(nn.ReLU(), nn.ReLU(), nn.ReLU()), torch.randn(3, 64, 96, dtype=torch.float64)
    pixels = [(r, c) for r in range(10, 30) for c in range(20, 30)]
    at = Explainer(net).at(image)
    alone = torch.cat([at.maps([pixel]) for pixel in pixels[::40]])
    torch.testing.assert_close(at.maps(pixels)[::40], alone, rtol=0, atol=1e-13)


def test_numbers_too_small_for_their_type_are_no_difference() -> None:
    """A network with weights so small that its gradients have no digits is not taken for one that is taken apart wrongly."""
    net = chain(nn.GELU(), nn.GELU()).float()
    for parameter in net.parameters():
        nn.init.uniform_(parameter, -1e-11, 1e-11)
    assert not take_apart(net, net, torch.randn(3, 16, 20)).differences
