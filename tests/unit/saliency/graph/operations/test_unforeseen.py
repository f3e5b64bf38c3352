"""Operations that go wrong where nobody thought of it become blocks; and these tests can fail."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from segdepth.saliency import Explainer
from segdepth.saliency.graph.operations import LOWERS
from segdepth.saliency.graph.operations.channels import Channels
from segdepth.saliency.graph.operations.pointwise import Pointwise
from segdepth.saliency.graph.operations.separable import Separable

from .around import Alone, Around, check

aten = torch.ops.aten


def wrong(*_: Any) -> Any:
    raise KeyError("nobody thought of this")


def softmax(x: Tensor) -> Tensor:
    return x.softmax(1)


@pytest.mark.parametrize("where", ["lowering", "gradient", "state"])
def test_an_error_in_an_operation_s_file_makes_it_a_block(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    net, image = Around(softmax, 4, (7, 10)), torch.randn(4, 7, 10, dtype=torch.float64)
    expected = Explainer(net, engine="reference").at(image).maps([(3, 4)])
    if where == "lowering":
        monkeypatch.setitem(LOWERS, aten._softmax.default, wrong)
    else:
        monkeypatch.setattr(Channels, "gradient" if where == "gradient" else "keep", wrong)
    for engine in ("auto", "windowed", "sparse"):
        at = Explainer(net, engine=engine).at(image)
        torch.testing.assert_close(at.maps([(3, 4)]), expected)
        (block,) = (part for part in at.parts if part.how == "block")
        assert "nobody thought of this" in block.operation


def test_a_wrong_gradient_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Separable.gradient
    monkeypatch.setattr(Separable, "gradient", lambda *a: right(*a) * (1 + 1e-9))
    with pytest.raises(AssertionError, match="autograd takes otherwise"):
        check(lambda x: F.interpolate(x, (5, 6)), Separable)


def test_a_wrong_rule_for_live_units_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Pointwise._nonzero

    def fewer(self: Pointwise, kept: Tensor) -> Tensor:
        mask = right(self, kept)
        found = torch.ones(self.shape, dtype=torch.bool) if mask is None else mask.clone()
        found[:, 2, 3] = False
        return found

    monkeypatch.setattr(Pointwise, "_nonzero", fewer)
    with pytest.raises(AssertionError, match="dead units"):
        check(torch.sigmoid, Pointwise)


def test_a_wrong_stride_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Separable, "steps", lambda *_: (1, 2))
    with pytest.raises(AssertionError, match="Separable"):
        check(lambda x: F.interpolate(x, scale_factor=2), Separable)


def test_a_block_where_an_operation_was_known_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(LOWERS, aten._softmax.default)
    with pytest.raises(AssertionError, match="softmax"):
        check(softmax, Channels)
    with pytest.raises(AssertionError, match="softmax"):
        check(softmax, Channels, exactly=False, alone=True)


@pytest.mark.parametrize(
    "operation",
    [
        lambda x: x.max(1, keepdim=True).values,
        lambda x: x.amax(1, keepdim=True),
        lambda x: x.min(3, keepdim=True).values,
        lambda x: x.amin((2, 3), keepdim=True),
        lambda x: F.max_pool2d(x, 3, 2, 1),
        lambda x: x.maximum(x.flip(1)),
        lambda x: x.sort(1).values,
        lambda x: x.clamp(0, 1),
    ],
)
def test_equal_numbers(operation: Any) -> None:
    """Which of them gets the gradient is PyTorch's to say."""

    def few(x: Tensor) -> Tensor:
        return operation(x.detach().round() * 0.5 + (x - x.detach()))

    net, image = Alone(few), torch.randn(4, 7, 10, dtype=torch.float64)
    x = image[None].clone().requires_grad_()
    y = few(x)
    pixels = [(0, 0), (y.shape[2] // 2, y.shape[3] // 2), (y.shape[2] - 1, y.shape[3] - 1)]
    expected = torch.stack([torch.autograd.grad(y[0, 0, r, c], x, retain_graph=True)[0][0] for r, c in pixels])
    for engine in ("windowed", "sparse"):
        torch.testing.assert_close(Explainer(net, engine=engine).at(image).jacobian(pixels, target=0), expected)
