import gc
import logging
import weakref
from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn import functional as F

from segdepth.core.errors import ConfigError, InputError
from segdepth.saliency import Explainer
from segdepth.saliency.answers import answer_function
from segdepth.saliency.target import Target, check_output, check_pixels, function_for, run_network

Pair = namedtuple("Pair", ["pred", "other"])


@dataclass
class Both:
    logits: Tensor
    loss: Tensor | None = None


class Answers(nn.Module):
    """Answers what a function makes of a map of half the picture's size."""

    def __init__(self, make: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding=1, stride=2)
        self.last = nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(4, 2, 1))
        self.unused = nn.Conv2d(4, 2, 1)
        self.make = make

    def map(self, x: Tensor) -> Tensor:
        y: Tensor = self.last(self.first(x))
        return y

    def forward(self, x: Tensor) -> Any:
        return self.make(self.map(x))


@pytest.fixture
def x() -> Tensor:
    return torch.rand(1, 3, 8, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def net_that(make: Callable[[Tensor], Any]) -> Answers:
    torch.manual_seed(0)
    return Answers(make).double().eval()


MAPS: dict[str, tuple[Callable[[Tensor], Any], Any, Callable[[Tensor], Tensor]]] = {
    "tensor": (lambda y: y, None, lambda y: y),
    "no channel axis": (lambda y: y[:, 0], None, lambda y: y[:, :1]),
    "dataclass": (lambda y: Both(y), None, lambda y: y),
    "known name": (lambda y: {"aux": 2 * y, "out": y, "features": (y, y)}, None, lambda y: y),
    "known tuple": (lambda y: {("disp", 1): 2 * y, ("disp", 0): y[:, :1]}, None, lambda y: y[:, :1]),
    "only map": (lambda y: {"scores": y.mean((2, 3)), "mine": y, "tokens": y.flatten(2)}, None, lambda y: y),
    "only map without channels": (lambda y: {"mine": y[:, 0], "scores": y.mean((2, 3))}, None, lambda y: y[:, :1]),
    "depth without channels": (lambda y: {"features": y, "depth": y[:, 0]}, None, lambda y: y[:, :1]),
    "logits of tokens": (lambda y: {"logits": y.flatten(2), "mine": y}, None, lambda y: y),
    "list": (lambda y: [y, 2 * y], None, lambda y: y),
    "list in a dict in a tuple": (lambda y: (y.mean(), {"a": [y, 3 * y]}), None, lambda y: y),
    "numbers first": (lambda y: (y.argmax(1), y), None, lambda y: y),
    "named tuple": (lambda y: Pair(other=2 * y, pred=y), None, lambda y: y),
    "object": (lambda y: SimpleNamespace(mine=y, words="two"), None, lambda y: y),
    "key": (lambda y: {"out": y, "aux": 2 * y}, "aux", lambda y: 2 * y),
    "tuple key": (lambda y: {("disp", 0): y, ("disp", 1): 2 * y}, ("disp", 1), lambda y: 2 * y),
    "attribute": (lambda y: Pair(other=2 * y, pred=y), "other", lambda y: 2 * y),
    "number": (lambda y: [y, 2 * y], -1, lambda y: 2 * y),
    "number of a key": (lambda y: {0: y, 3: 2 * y}, 3, lambda y: 2 * y),
    "number in a dataclass": (lambda y: Both(y, 2 * y), 1, lambda y: 2 * y),
    "a list by its name": (lambda y: {"a": [y, 2 * y], "b": y}, "a", lambda y: y),
    "function": (lambda y: y.flatten(2), lambda t: t.unflatten(2, (4, 6)), lambda y: y),
}


@pytest.mark.parametrize("case", MAPS)
def test_the_map_is_found_in_what_a_network_answers(case: str, x: Tensor) -> None:
    make, output, expected = MAPS[case]
    net = net_that(make)
    torch.testing.assert_close(answer_function(net, output=output)(x), expected(net.map(x)), rtol=0, atol=0)


@pytest.mark.parametrize("resize", ["bilinear", "bicubic"])
def test_an_answer_is_brought_to_the_pictures_size(resize: str, x: Tensor) -> None:
    net = net_that(lambda y: {"out": y})
    expected = F.interpolate(net.map(x), (8, 12), mode=resize, align_corners=False)
    torch.testing.assert_close(answer_function(net, resize=resize)(x), expected, rtol=0, atol=0)


def test_queries_are_explained_by_their_classes(x: Tensor) -> None:
    classes = torch.randn(1, 2, 4, dtype=torch.float64)
    net = net_that(lambda y: {"class_queries_logits": classes, "masks_queries_logits": y, "pixels": y})
    found, masks = answer_function(net)(x), net.map(x).sigmoid()
    for number in range(3):
        expected = sum(classes[0, query].softmax(0)[number] * masks[0, query] for query in range(2))
        torch.testing.assert_close(found[0, number], expected)


@pytest.mark.parametrize(
    ("make", "options", "words"),
    [
        (lambda y: {"a": y, "b": y[:, 0]}, {"output": "c"}, r"'c' is not in .* a dict with a \[1, 2, 4, 6\], b \[1, 4, 6\]"),
        (lambda y: [y], {"output": 1}, r"output=1 is not in what the network answers: a list with \[0\] \[1, 2, 4, 6\]"),
        (lambda y: {"a": y, "b": y}, {}, r"several maps and none by a known name: a dict with a \[1, .*, b .*; give output="),
        (lambda y: {"logits": y.mean((2, 3))}, {}, r"nothing that is a map .*: a dict with logits \[1, 2\]; give output="),
        (lambda y: {"logits": y.flatten(2), "boxes": y.flatten(2)}, {}, "none by a known name"),
        (lambda y: "road", {}, "a str without a tensor"),
        (lambda y: y, {"output": lambda t: t.tolist()}, "the function output= gives a list"),
        (lambda y: y.argmax(1), {}, r"answers \[1, 4, 6\], torch.int64, .*real numbers"),
        (lambda y: y.flatten(1), {}, r"answers \[1, 48\], .* to a picture of \[1, 3, 8, 12\]; .* needs a map"),
        (lambda y: y[0], {}, r"answers \[2, 4, 6\]"),
        (lambda y: y, {"layer": "unused"}, "never calls its layer 'unused'"),
    ],
)  # fmt: skip
def test_an_answer_that_is_not_found_is_one_clear_sentence(
    make: Callable[[Tensor], Any], options: dict[str, Any], words: str, x: Tensor
) -> None:
    with pytest.raises(InputError, match=words):
        run_network(answer_function(net_that(make), **options), x)


@pytest.mark.usefixtures("no_checker")
@pytest.mark.parametrize("output", [True, 1.5, ["out"], (["disp"], 0), Tensor])
def test_what_can_pick_nothing_is_refused(output: Any) -> None:
    with pytest.raises(InputError, match="picks nothing"):
        answer_function(nn.ReLU(), output=output)


@pytest.mark.usefixtures("no_checker")
def test_a_layer_or_a_resize_that_is_not_there_is_refused() -> None:
    net = net_that(lambda y: y)
    with pytest.raises(InputError, match=r"no layer 'lost': at its top there are first, last, unused"):
        answer_function(net, layer="lost")
    with pytest.raises(InputError, match=r"no layer 'last.2': in 'last' there are 0, 1"):
        answer_function(net, layer="last.2")
    with pytest.raises(InputError, match=r"no layer 'first.x': in 'first' there is nothing below"):
        answer_function(net, layer="first.x")
    with pytest.raises(ConfigError, match="no way to resize an answer named 'nearest'"):
        answer_function(net, resize="nearest")


def test_a_layer_answers_what_it_gave_before_others_wrote_into_it(x: Tensor) -> None:
    net = net_that(lambda y: y)
    torch.testing.assert_close(answer_function(net, layer="first")(x), net.first(x), rtol=0, atol=0)


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.part = nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.part(self.part(x))
        if y.isnan().any():
            raise RuntimeError("not a number")
        return y


def test_a_layers_first_call_counts_and_nothing_stays_on_it(x: Tensor) -> None:
    net = Twice().double()
    before = [dict(vars(module)) for module in net.modules()]
    answer = answer_function(net, layer="part")
    torch.testing.assert_close(answer(x), net.part(x), rtol=0, atol=0)
    with pytest.raises(RuntimeError, match="not a number"):
        answer(x * torch.nan)
    assert not net.part._forward_hooks
    assert [dict(vars(module)) for module in net.modules()] == before


class Tokens(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Linear(3, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.tokens(x.flatten(2).transpose(1, 2)).transpose(1, 2).unflatten(2, x.shape[-2:])


def test_a_layer_of_tokens_needs_to_be_told_its_shape(x: Tensor) -> None:
    net = Tokens().double()
    with pytest.raises(InputError, match=r"'tokens' answers \[1, 96, 5\].*output=lambda t: t.transpose\(1, 2\)"):
        answer_function(net, layer="tokens")(x)
    found = answer_function(net, layer="tokens", output=lambda t: t.transpose(1, 2).unflatten(2, (8, 12)))(x)
    torch.testing.assert_close(found, net(x), rtol=0, atol=0)


def test_a_choice_is_said_once_a_network(x: Tensor, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "segdepth.saliency")
    net = net_that(lambda y: {"aux": y, "out": y})
    for _ in range(2):
        answer_function(net)(x)
    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert "out is explained, not aux; output= picks another" in caplog.text
    caplog.clear()
    answer_function(net_that(lambda y: [y, y]))(x)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    caplog.clear()
    answer_function(net_that(lambda y: {"logits": y, "loss": y.mean()}))(x)
    answer_function(net, output="aux")(x)
    assert not caplog.records


def test_equal_by_what_is_asked_of_whom() -> None:
    net, pick = net_that(lambda y: y), lambda t: t
    assert answer_function(net, output=pick) == answer_function(net, output=pick)
    assert answer_function(net) != answer_function(net, resize="bilinear")
    assert answer_function(net) != answer_function(net_that(lambda y: y))
    assert function_for(answer_function(net), "predicted") == answer_function(net)
    assert answer_function(net, layer="last").asked == answer_function(net_that(lambda y: y), layer="last").asked
    memo = {answer_function(net).asked: 1}
    alive = weakref.ref(net)
    del net
    gc.collect()
    assert alive() is None
    assert memo


@pytest.mark.parametrize("options", [{}, {"resize": "bilinear"}, {"layer": "first"}, {"output": lambda a: a["aux"]}])
def test_the_function_can_be_traced(options: dict[str, Any], x: Tensor) -> None:
    net = net_that(lambda y: {"out": y, "aux": 2 * y})
    answer = answer_function(net, **options)
    with torch.no_grad():
        traced = make_fx(torch.func.functionalize(answer), tracing_mode="fake", _allow_non_fake_inputs=True)(x)
        torch.testing.assert_close(traced(x), answer(x))


class TwoInputs(nn.Module):
    def forward(self, x: Tensor, task: Tensor, *, size: int, more: int = 0) -> Tensor:
        return x * task


class ByName(nn.Module):
    def forward(self, *, pixels: Tensor) -> Tensor:
        return pixels


class Wrong(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + "one"


def test_a_network_of_two_inputs_is_told_so(x: Tensor) -> None:
    with pytest.raises(
        InputError, match=r"with a picture alone: its forward needs 'task', 'size' beside it; explain a module"
    ):
        answer_function(TwoInputs())(x)
    with pytest.raises(InputError, match="its forward takes names only"):
        answer_function(ByName())(x)
    with pytest.raises(TypeError, match="unsupported operand"):
        answer_function(Wrong())(x)


def test_a_size_that_a_network_refuses_has_its_own_words(x: Tensor) -> None:
    for kind in (ValueError, AssertionError, RuntimeError):

        def refuse(y: Tensor, kind: type[Exception] = kind) -> Tensor:
            raise kind("squares only\nsays the library")

        with pytest.raises(InputError, match=r"cannot take a picture of \[3, 8, 12\].*\(squares only\)"):
            run_network(answer_function(net_that(refuse)), x)


def test_disparity_is_a_method_of_the_networks(x: Tensor) -> None:
    net = net_that(lambda y: y)
    with pytest.raises(InputError, match="needs a network with a method disparity"):
        function_for(answer_function(net), "disparity")
    net.disparity = lambda x: {"out": net.map(x)[:, :1]}
    found = function_for(answer_function(net, resize="bilinear"), "disparity")(x)
    assert found.shape == (1, 1, 8, 12)
    assert function_for(answer_function(net), "disparity") != answer_function(net)
    with pytest.raises(InputError, match="not of its layer 'first'"):
        function_for(answer_function(net, layer="first"), "disparity")


@pytest.mark.parametrize(("target", "words"), [(2, r"class 2 is outside 0\.\.1"), ("depth", "one output channel")])
def test_answers_of_any_size_are_fine_but_the_target_has_to_stand_in_them(
    target: Target, words: str, x: Tensor
) -> None:
    check_output(torch.zeros(1, 2, 3, 40), x, 1)
    with pytest.raises(InputError, match=words):
        check_output(torch.zeros(1, 2, 3, 40), x, target)
    with pytest.raises(InputError, match=r"answers \[1, 0, 3, 40\]"):
        check_output(torch.zeros(1, 0, 3, 40), x, 1)


def test_a_pixel_outside_the_answer_is_told_of_the_answer() -> None:
    check_pixels([(15, 19)], (16, 20), (4, 5))
    with pytest.raises(
        InputError, match=r"\(16, 0\) is outside the 16x20 answer to a 64x80 picture \(resize='bilinear'"
    ):
        check_pixels([(16, 0)], (16, 20), (64, 80))
    with pytest.raises(InputError, match=r"\(16, 0\) is outside the 16x20 picture: row must be 0\.\.15"):
        check_pixels([(16, 0)], (16, 20), (16, 20))


class Upsampled(nn.Module):
    """Answers twice the picture's size."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Conv2d(3, 8, 3, padding=1)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"reconstruction": F.pixel_shuffle(self.body(x).relu(), 2)}


@pytest.mark.parametrize("engine", ["auto", "batched"])
@pytest.mark.parametrize(
    ("net", "options", "pixels"),
    [
        (net_that(lambda y: {"logits": y}), {}, [(0, 0), (3, 5)]),
        (net_that(lambda y: {"logits": y}), {"resize": "bilinear"}, [(7, 11), (3, 5)]),
        (net_that(lambda y: [y[:, 0], y]), {"output": 0}, [(3, 5)]),
        (net_that(lambda y: y), {"layer": "first"}, [(3, 5)]),
        (Upsampled().double(), {}, [(15, 23), (0, 1)]),
    ],
)
def test_pixels_are_the_answers(
    net: nn.Module, options: dict[str, Any], pixels: list[tuple[int, int]], engine: Any, x: Tensor
) -> None:
    at = Explainer(net, engine=engine, **options).at(x[0])
    image = x.clone().requires_grad_()
    answer = answer_function(net, **options)(image)
    torch.testing.assert_close(at.output, answer[0].detach())
    rows = [torch.autograd.grad(answer[0, 0, r, c], image, retain_graph=True)[0][0] for r, c in pixels]
    torch.testing.assert_close(at.jacobian(pixels, target=0), torch.stack(rows))
    height, width = answer.shape[-2:]
    with pytest.raises(InputError, match=rf"pixel \({height}, 0\) is outside the {height}x{width}"):
        at.maps([(height, 0)])
