"""The same numbers in other orders, as matrices and index by index."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from segdepth.saliency import Explainer
from segdepth.saliency.graph import layouts

from ..held import HEIGHT, WIDTH, attack, held, picture

ORDER = torch.randperm(HEIGHT * WIDTH, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    "function",
    [
        lambda _, x: x.flatten(2).roll(5, -1).view_as(x),
        lambda _, x: x.flip((1, 2, 3)),
        lambda _, x: x.flatten(2)[:, :, ORDER].view_as(x),
        lambda _, x: x[:, [3, 0, 0, -1]],
        lambda _, x: x[:, :, [0, 0, 5, -1, 3, 2, 2, 1, 8, 9, 10, 0]],
    ],
)
@pytest.mark.parametrize("largest", [0, layouts.LARGEST_MATRIX])
def test_other_orders(function: Callable[..., Tensor], largest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layouts, "LARGEST_MATRIX", largest)
    attack(held(function), picture())


def test_long_axes_in_another_order_take_no_matrix() -> None:
    """All positions at once, rolled: a matrix would have 10^10 numbers."""
    net = held(lambda _, x: x.flatten(2).roll(5, -1).view_as(x))
    image = torch.rand(3, 256, 416, dtype=torch.float64)
    x = image[None].clone().requires_grad_()
    (expected,) = torch.autograd.grad(net(x)[0, 0, 100, 200], x)
    torch.testing.assert_close(Explainer(net, engine="windowed").at(image).jacobian([(100, 200)], target=0), expected)
