"""What a trace would get wrong: a part that is called as it is where it can be, else refused and told."""

import logging
import re
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from segdepth.saliency import Explainer, UnsupportedOperationError, saliency_maps

from .small import HEIGHT, PIXELS, WIDTH, Small, Squared, agree


class Branching(Small):
    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        return y if y.sum() > 0 else -y


def test_what_cannot_be_taken_apart_is_named_and_auto_falls_back(
    image: Tensor, caplog: pytest.LogCaptureFixture
) -> None:
    net = Branching().double()
    for engine in ("windowed", "sparse"):
        with pytest.raises(UnsupportedOperationError, match=r"decision by the picture's values.*engine 'batched'"):
            saliency_maps(net, image, PIXELS, engine=engine)
    with caplog.at_level(logging.WARNING, "segdepth"):
        agree(net, image, "auto", method="smoothgrad")
        agree(net, image, "auto")
    said = [
        record.getMessage() for record in caplog.records if "decision by the picture's values" in record.getMessage()
    ]
    assert len(said) == 1, "one line, whatever the number of engines and pictures"
    assert "in the forward pass of Branching itself" in said[0]
    assert "every pixel costs a backward pass of all of it" in said[0]


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


@pytest.mark.parametrize("forward", [_under_no_grad, _data, lambda net, x: Squared.apply(Small.forward(net, x))])
def test_what_autograd_does_not_follow_or_derives_otherwise(
    image: Tensor, forward: Callable[[Small, Tensor], Tensor]
) -> None:
    net = type("Changed", (Small,), {"forward": forward})().double()
    for engine in ("sparse", "windowed", "auto"):
        agree(net, image, engine)


@pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad:UserWarning")
@pytest.mark.parametrize(
    ("forward", "words"),
    [
        (_in_place_under_no_grad, "mul_ under torch.no_grad()"),
        (_hook, "a derivative that PyTorch's autograd takes otherwise"),
        (_number, "a decision by the picture's values"),
        (_count, "a decision by the picture's values"),
        (_numpy, "numbers that leave PyTorch"),
    ],
)
def test_what_a_trace_would_get_wrong_is_a_block_of_its_module_or_refused(
    image: Tensor, forward: Callable[[Small, Tensor], Tensor], words: str, caplog: pytest.LogCaptureFixture
) -> None:
    """In the network's own forward nothing can be done; in a module's, that module is called as it is."""
    net = type("Changed", (Small,), {"forward": forward})().double()
    for engine in ("sparse", "windowed"):
        with pytest.raises(UnsupportedOperationError, match=re.escape(words)):
            saliency_maps(net, image, PIXELS, engine=engine)
    agree(net, image, "auto")
    assert words in caplog.text
    held = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), net, nn.Conv2d(3, 3, 3, padding=1)).double()
    for engine in ("sparse", "windowed"):
        agree(held, image, engine)
    (block,) = (part for part in Explainer(held).at(image).parts if part.how == "block")
    assert block.module == "1"
    assert words in block.operation


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
    with pytest.raises(UnsupportedOperationError, match="an answer that the network itself gives otherwise"):
        saliency_maps(net, image, PIXELS, engine="windowed")
    agree(net, image, "auto", target=1)
    assert "an answer that the network itself gives otherwise" in caplog.text


@pytest.mark.filterwarnings("ignore:Using a non-full backward hook:FutureWarning")
@pytest.mark.parametrize("register", ["register_backward_hook", "register_full_backward_hook"])
def test_a_module_with_a_hook_on_its_gradients_is_a_block(net: Small, image: Tensor, register: str) -> None:
    plain = saliency_maps(net, image, PIXELS, engine="windowed")
    getattr(net.head, register)(lambda module, to_input, to_output: tuple(g if g is None else 3 * g for g in to_input))
    for engine in ("windowed", "sparse"):
        agree(net, image, engine)
    assert [part.module for part in Explainer(net).at(image).parts if part.how == "block"] == ["head"]
    if register == "register_full_backward_hook":  # the older kind sees other gradients than its name says
        torch.testing.assert_close(saliency_maps(net, image, PIXELS), 3 * plain)
    getattr(net, register)(lambda module, to_input, to_output: to_input)
    with pytest.raises(UnsupportedOperationError, match="a hook on the gradients of the network itself"):
        saliency_maps(net, image, PIXELS, engine="windowed")
