"""Parts that are called as they are: once they gave a wrong answer, a traceback, or were left otherwise than before."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from segdepth.saliency import Explainer, IntegratedGradients, UnsupportedOperationError, saliency_maps

from ..held import ENGINES, PIXELS, Part, attack, held, picture


class Clip(torch.autograd.Function):
    """A gradient that is too large is made shorter: what it is anywhere depends on all of it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        norm = g.norm()
        return g / norm if norm > 0.05 else g


class Finite(torch.autograd.Function):
    """Refuses gradients that are no numbers."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x * 2

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        assert g.isfinite().all()
        return g * 2


class Described(torch.autograd.Function):
    """Answers a text, too."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> tuple[Tensor, None, str]:
        return x * 2, None, "twice"

    @staticmethod
    def backward(ctx: Any, g: Tensor, *_: None) -> Tensor:
        return g * 2


class Reversible(torch.autograd.Function):
    """Computes its way back itself, and adds to the weights' gradients, as reversible networks do."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, function: nn.Module) -> Tensor:
        ctx.function = function
        ctx.save_for_backward(x)
        with torch.no_grad():
            return x + function(x)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, None]:
        with torch.enable_grad():
            x = ctx.saved_tensors[0].detach().requires_grad_()
            y = x + ctx.function(x)
        torch.autograd.backward(y, g)
        return x.grad, None


@pytest.mark.parametrize("function", [Clip, Finite])
def test_backward_functions_that_look_at_their_numbers(function: type[torch.autograd.Function]) -> None:
    attack(held(lambda _, x: function.apply(x)))


def test_a_function_that_answers_a_text_too() -> None:
    attack(held(lambda _, x: Described.apply(x)[0]))


def test_reversible_layers_leave_no_gradients() -> None:
    net = held(lambda part, x: Reversible.apply(x, part.inner), inner=nn.Sequential(nn.Conv2d(4, 4, 1), nn.Tanh()))
    attack(net, engines=(*ENGINES, "batched", "reference"))
    for parameter in net.parameters():
        parameter.grad = torch.ones_like(parameter)
    before = [parameter.grad for parameter in net.parameters()]
    at = Explainer(net).at(picture())
    at.maps(PIXELS)
    at.operator(PIXELS).rmatvec(torch.ones(len(PIXELS)).numpy())
    assert all(
        parameter.grad is old and bool((old == 1).all())
        for parameter, old in zip(net.parameters(), before, strict=True)
    )


def decides(x: Tensor) -> bool:
    return bool(x.sum() > 1e9)


@dataclass
class Told:
    value: Tensor


@pytest.mark.parametrize(
    ("answer", "used"),
    [
        (lambda x: {"value": x * 2, "name": "two", "count": 2, "none": None}, lambda told: told["value"]),
        (lambda x: Told(x * 2), lambda told: told.value),
        (
            lambda x: [x[:, 1:], (x[:, :1].expand(-1, 3, -1, -1),)],
            lambda told: torch.cat([told[0], told[1][0][:, :1]], 1),
        ),
    ],
)
def test_what_parts_that_are_called_as_they_are_answer(
    answer: Callable[[Tensor], Any], used: Callable[[Any], Tensor]
) -> None:
    inner = Part(lambda _, x, scale: answer(x * (2 if decides(x) else scale)))
    attack(held(lambda part, x: used(part.inner(x, scale=3.0)), inner=inner))


def test_what_a_part_is_told_without_arguments() -> None:
    def forward(part: Part, x: Tensor) -> Tensor:
        part.inner.told = x.sigmoid()
        result = part.inner(x)
        part.inner.told = None
        return result

    net = held(forward, inner=Part(lambda part, x: x if decides(x) else x * part.told))
    net.part.inner.told = None
    attack(net)
    alone = net.part
    with pytest.raises(UnsupportedOperationError, match="fails when it is called alone"):
        Explainer(alone, engine="windowed").at(torch.rand(4, 8, 9, dtype=torch.float64)).maps([(0, 0)])
    Explainer(alone).at(torch.rand(4, 8, 9, dtype=torch.float64)).maps([(0, 0)])


@pytest.mark.parametrize(
    ("answer", "used"),
    [
        (lambda x: (x * 2, None) if x.mean() > 0 else (None, x * 2), lambda a, b: a if a is not None else b * 5),
        (lambda x: (x * 2 if x.mean() > 0 else x[:, :1] * 2, 0), lambda a, _: a),
    ],
)
@pytest.mark.parametrize("method", ["gradient", IntegratedGradients(steps=4)])
def test_a_part_that_answers_in_another_form_at_another_picture(
    answer: Callable[[Tensor], Any], used: Callable[..., Tensor], method: Any
) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.part, self.last = Part(lambda _, x: answer(x)), nn.Conv2d(3, 2, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            return self.last(used(*self.part(x)) + x)

    net = Net().double()
    for image in (picture().abs(), -picture().abs()):
        expected = saliency_maps(net, image + 0.1, PIXELS, engine="reference", method=method)
        torch.testing.assert_close(saliency_maps(net, image + 0.1, PIXELS, method=method), expected)
    if method == "gradient":
        attack(net, picture().abs(), -picture().abs())


def test_shapes_by_the_picture() -> None:
    def forward(part: Part, x: Tensor) -> Tensor:
        return x * part.pool(part.pick(x))

    def pick(_: Part, x: Tensor) -> Tensor:
        tokens = x.flatten(2)[0].T
        return tokens[tokens[:, 0] > 0.1]

    pool = Part(lambda _, tokens: (tokens.tanh() * tokens).sum(0)[None, :, None, None].sigmoid())
    attack(held(forward, pick=Part(pick), pool=pool))


def test_another_thread_is_not_looked_at() -> None:
    """Its calls of modules and custom functions are its own, also while this thread takes a network apart."""
    other, image = held(lambda _, x: Finite.apply(x)), picture()
    done, errors = threading.Event(), list[Exception]()

    def train() -> None:
        while not done.is_set():
            try:
                other(image[None]).sum().backward()
            except Exception as error:
                errors.append(error)

    thread = threading.Thread(target=train)
    thread.start()
    try:
        deep = nn.Sequential(*[nn.Sequential(nn.Conv2d(3, 3, 1), nn.GELU(), nn.Conv2d(3, 3, 1)) for _ in range(12)])
        Explainer(deep.double()).at(image).maps(PIXELS)
    finally:
        done.set()
        thread.join()
    assert not errors
