"""What the sparse engine does not hold: copies of weights, more rows than a picture is worth."""

import pytest
import torch
from torch import nn

from segdepth.saliency import Explainer, saliency_maps
from segdepth.saliency.apart import take_apart
from segdepth.saliency.engines import Prepared
from segdepth.saliency.graph import Box
from segdepth.saliency.graph.operations.convolution import Convolution
from segdepth.saliency.graphs import Function
from segdepth.saliency.sparse.passes import SparsePass
from segdepth.saliency.sparse.routes import lay_out
from segdepth.saliency.windowed import GraphEngine

PIXELS = [(20 + 4 * i, 20 + 4 * j) for i in range(8) for j in range(8)]


def deep(channels: int) -> nn.Module:
    torch.manual_seed(0)
    first, second = nn.Conv2d(3, channels, 3, padding=1), nn.Conv2d(channels, channels, 3, padding=1)
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), nn.Conv2d(channels, 2, 3, padding=1)).eval()


def sparse_pass(net: nn.Module, image: torch.Tensor, window: Box = ((0, 64), (0, 64))) -> SparsePass:
    engine = Prepared(Function(net, net), image, window).engine("sparse")
    assert isinstance(engine, GraphEngine)
    assert isinstance(engine.backward, SparsePass)
    return engine.backward


@pytest.mark.slow
def test_fewer_targets_go_together_where_their_rows_would_take_much(monkeypatch: pytest.MonkeyPatch) -> None:
    image = torch.rand(3, 64, 64)
    many = sparse_pass(deep(4), image)
    assert many.lanes == many.processor.blocking.vectors * many.width
    monkeypatch.setattr("segdepth.saliency.sparse.passes.LEAST_BYTES", 0)
    channels = 8192 // many.width  # of which one vector a unit is as much as may be
    few = sparse_pass(deep(channels), image)
    assert few.lanes == few.width
    corner = sparse_pass(deep(channels), image, ((0, 8), (0, 8)))  # fewer rows reach a corner: more targets fit
    assert few.lanes < corner.lanes
    found = Explainer(deep(512), engine="sparse").at(image).maps(PIXELS, target=0)
    torch.testing.assert_close(found, saliency_maps(deep(512), image, PIXELS, target=0, engine="reference"))


def test_rows_of_a_chain_are_there_with_those_that_they_come_from() -> None:
    net = deep(4)
    graph = take_apart(net, net, torch.rand(3, 16, 16))
    layout = lay_out(graph, len(graph.nodes) - 1)
    owners = sorted(layout.owners, reverse=True)
    assert len(owners) > 2
    rows = {value: 10**place for place, value in enumerate(owners)}
    assert layout.most(rows) == rows[owners[-1]] + rows[owners[-2]]
    assert layout.most(dict.fromkeys(owners, 1)) == 2


def test_weights_are_the_networks_own_until_an_engine_lays_them_out() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.ConvTranspose2d(4, 2, 2)).eval()
    graph = take_apart(net, net, torch.rand(3, 9, 9))
    convolutions = [node for node in graph.nodes if isinstance(node, Convolution)]
    own = [module.weight.data_ptr() for module in net if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d))]
    assert [node.weight.data_ptr() for node in convolutions] == own
    assert not graph._prepared  # the comparison with autograd has used all of them


def test_what_goes_through_pytorch_may_go_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    convolutions = [nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 2, 3, padding=1)]
    net = nn.Sequential(convolutions[0], nn.GroupNorm(2, 8), nn.ReLU(), convolutions[1]).eval()
    image, pixels = torch.rand(3, 20, 20), [(4 * i, 4 * j) for i in range(5) for j in range(5)]
    expected = saliency_maps(net, image, pixels, target=0, engine="reference")
    for most in (1, 3 * 8 * 20 * 20 * 4, 1 << 40):
        monkeypatch.setattr("segdepth.saliency.sparse.passes.PLAIN_BYTES", most)
        found = Explainer(net, engine="sparse").at(image).maps(pixels, target=0)
        torch.testing.assert_close(found, expected)
