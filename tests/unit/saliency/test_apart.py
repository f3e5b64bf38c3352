"""What differs from autograd is found and named, and made a block."""

import logging

import pytest
import torch
from torch import Tensor, nn

from segdepth.saliency import Explainer
from segdepth.saliency.graph.operations.group_norm import GroupNorm
from segdepth.saliency.graph.operations.node import Node
from segdepth.saliency.graph.operations.pointwise import Pointwise
from segdepth.saliency.graph.operations.scale import Scale

PIXELS = [(3, 4), (20, 31)]


def rows(net: nn.Module, image: Tensor) -> Tensor:
    x = image[None].clone().requires_grad_()
    y = net(x)
    return torch.cat([torch.autograd.grad(y[0, 1, r, c], x, retain_graph=True)[0] for r, c in PIXELS])


@pytest.mark.parametrize(
    ("kind", "layer", "words"),
    [
        (Scale, nn.BatchNorm2d(6), "native batch norm in '2' (BatchNorm2d)"),
        (GroupNorm, nn.GroupNorm(2, 6), "native group norm in '2' (GroupNorm)"),
        (Pointwise, nn.GELU(), "gelu in '2' (GELU)"),
    ],
)
def test_a_wrong_rule_is_named_and_its_operation_is_a_block(
    kind: type[Node], layer: nn.Module, words: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    net = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.MaxPool2d(3, 1, 1), layer, nn.Conv2d(6, 3, 3, padding=1))
    net, image = net.double().eval(), torch.rand(3, 24, 32, dtype=torch.float64)
    right = kind.gradient
    monkeypatch.setattr(kind, "gradient", lambda *given, **named: 1.01 * right(*given, **named))
    with caplog.at_level(logging.WARNING, "segdepth"):
        at = Explainer(net, engine="windowed").at(image)
        torch.testing.assert_close(at.jacobian(PIXELS, target=1), rows(net, image))
    (said,) = [record.getMessage() for record in caplog.records if "autograd takes otherwise" in record.getMessage()]
    assert words in said
    assert [part.module for part in at.parts if part.how == "block"] == ["2"]


class AsksForGradients(nn.Module):
    """One answer, and another gradient where the input asks for one, as a trace's does not."""

    def forward(self, x: Tensor) -> Tensor:
        return x.detach() * x if x.requires_grad else x * x


def test_a_module_that_no_trace_shows_rightly_is_found_and_called_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    inner = nn.Sequential(nn.Conv2d(6, 6, 1), AsksForGradients(), nn.Tanh())
    net = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), inner, nn.Conv2d(6, 3, 3, padding=1)).double().eval()
    image = torch.rand(3, 24, 32, dtype=torch.float64)
    with caplog.at_level(logging.WARNING, "segdepth"):
        at = Explainer(net, engine="windowed").at(image)
        torch.testing.assert_close(at.jacobian(PIXELS, target=1), rows(net, image))
    assert "'1.1' (AsksForGradients)" in caplog.text
    assert [part.module for part in at.parts if part.how == "block"] == ["1.1"]
