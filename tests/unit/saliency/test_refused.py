"""What a trace would get wrong is refused by the engines that take networks apart, and told."""

import logging
import re
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from segdepth.saliency import UnsupportedOperationError, saliency_maps

from .small import HEIGHT, PIXELS, WIDTH, Small, agree


@pytest.fixture
def net() -> Small:
    return Small().double()


@pytest.fixture
def image() -> Tensor:
    return torch.randn(3, HEIGHT, WIDTH, dtype=torch.float64)


class Squared(torch.autograd.Function):
    """A user-written derivative, which a trace would not see."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        return 3 * g * ctx.saved_tensors[0]


class Custom(Small):
    def forward(self, x: Tensor) -> Tensor:
        return Squared.apply(super().forward(x))


class Branching(Small):
    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        return y if y.sum() > 0 else -y


def test_an_unknown_operation_is_named_and_auto_falls_back(image: Tensor, caplog: pytest.LogCaptureFixture) -> None:
    net = Small(nn.Softmax(dim=1)).double()
    for engine in ("windowed", "sparse"):
        with pytest.raises(UnsupportedOperationError, match=r"aten\._softmax.*engine 'batched'"):
            saliency_maps(net, image, PIXELS, engine=engine)
    with caplog.at_level(logging.WARNING, "segdepth"):
        agree(net, image, "auto", method="smoothgrad")
        agree(net, image, "auto")
    said = [record.getMessage() for record in caplog.records if "aten._softmax" in record.getMessage()]
    assert len(said) == 1, "one line, whatever the number of engines and pictures"
    assert "the engines 'sparse' and 'windowed'" in said[0]


@pytest.mark.parametrize(("kind", "words"), [(Custom, "custom function Squared"), (Branching, "decision by the input")])
def test_what_a_trace_would_get_wrong_is_refused(
    image: Tensor, kind: type[Small], words: str, caplog: pytest.LogCaptureFixture
) -> None:
    net = kind().double()
    with pytest.raises(UnsupportedOperationError, match=words):
        saliency_maps(net, image, PIXELS, engine="windowed")
    agree(net, image, "auto")
    assert words in caplog.text


def _under_no_grad(net: Small, x: Tensor) -> Tensor:
    with torch.no_grad():
        weight = x.mean(1, keepdim=True).sigmoid()
    return Small.forward(net, x) * weight


def _in_place_under_no_grad(net: Small, x: Tensor) -> Tensor:
    y = Small.forward(net, x)
    with torch.no_grad():
        y.mul_(x.sigmoid())
    return y + x


def _data(net: Small, x: Tensor) -> Tensor:
    return Small.forward(net, x) * x.sigmoid().data


def _hook(net: Small, x: Tensor) -> Tensor:
    y = x.sigmoid()
    if y.requires_grad:
        y.register_hook(lambda gradient: gradient * 2)
    return Small.forward(net, x) * y


def _number(net: Small, x: Tensor) -> Tensor:
    return Small.forward(net, x) * float(x.max())


def _count(net: Small, x: Tensor) -> Tensor:
    return Small.forward(net, x) / len((x > 0).nonzero())


def _numpy(net: Small, x: Tensor) -> Tensor:
    return Small.forward(net, x) * torch.from_numpy(x.detach().numpy())


@pytest.mark.parametrize(
    ("forward", "words"),
    [
        (_under_no_grad, "aten.sigmoid.default under torch.no_grad()"),
        (_in_place_under_no_grad, "aten.mul_.Tensor under torch.no_grad()"),
        (_data, "a value used by its .data"),
        (_hook, "a hook on a gradient"),
        (_number, "a decision by the input's values"),
        (_count, "a decision by the input's values"),
        (_numpy, "what cannot be traced (.numpy()"),
    ],
)
def test_what_autograd_does_not_follow_is_refused_by_a_trace(
    image: Tensor, forward: Callable[[Small, Tensor], Tensor], words: str, caplog: pytest.LogCaptureFixture
) -> None:
    net = type("Changed", (Small,), {"forward": forward})().double()
    for engine in ("sparse", "windowed"):
        with pytest.raises(UnsupportedOperationError, match=re.escape(words)):
            saliency_maps(net, image, PIXELS, engine=engine)
    agree(net, image, "auto")
    assert words in caplog.text


def test_a_look_without_gradient_does_no_harm(image: Tensor) -> None:
    class Watched(Small):
        def forward(self, x: Tensor) -> Tensor:
            y = super().forward(x)
            with torch.no_grad():
                y.mean()
            return y * x.sigmoid().detach()

    for engine in ("sparse", "windowed", "batched"):
        agree(Watched().double(), image, engine)


def test_detach_stops_gradients(image: Tensor) -> None:
    class Detached(Small):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) * x.mean(1, keepdim=True).expand(-1, 3, -1, -1).detach() + x.detach()

    for engine in ("sparse", "windowed", "batched"):
        agree(Detached().double(), image, engine)


class Noisy(Small):
    """Draws from a generator of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.generator = torch.Generator()

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + torch.rand(3, HEIGHT, WIDTH, dtype=x.dtype, generator=self.generator)


def test_an_answer_by_chance_is_no_graph_s(image: Tensor, caplog: pytest.LogCaptureFixture) -> None:
    net = Noisy().double()
    with pytest.raises(UnsupportedOperationError, match="another answer at every look"):
        saliency_maps(net, image, PIXELS, engine="windowed")
    agree(net, image, "auto", target=1)
    assert "another answer at every look" in caplog.text


@pytest.mark.filterwarnings("ignore:Using a non-full backward hook:FutureWarning")
@pytest.mark.parametrize("register", ["register_backward_hook", "register_full_backward_hook"])
def test_hooks_on_gradients_are_refused_by_a_trace(
    net: Small, image: Tensor, register: str, caplog: pytest.LogCaptureFixture
) -> None:
    plain = saliency_maps(net, image, PIXELS, engine="windowed")
    getattr(net.head, register)(lambda module, to_input, to_output: tuple(g if g is None else 3 * g for g in to_input))
    for engine in ("windowed", "sparse"):
        with pytest.raises(UnsupportedOperationError, match="a hook on the gradients of head"):
            saliency_maps(net, image, PIXELS, engine=engine)
    hooked = saliency_maps(net, image, PIXELS)
    assert "a hook on the gradients of head (Conv2d)" in caplog.text
    if register == "register_full_backward_hook":  # the older kind sees other gradients than its name says
        torch.testing.assert_close(hooked, 3 * plain)
