"""A module of somebody else as a network: sizes, parts of answers, what does not fit."""

import pytest
import torch
from torch import nn

from segdepth import wrap
from segdepth.core.errors import ConfigError, InputError
from strangers import Dictionary, Strict


def test_the_map_is_found_and_brought_to_the_picture_s_size() -> None:
    module = Dictionary(5).eval()
    net = wrap(module, classes=5).eval()
    x = torch.rand(2, 3, 40, 56)
    want = nn.functional.interpolate(module(x)["out"], (40, 56), mode="bilinear")
    torch.testing.assert_close(net(x), want)
    assert net.train()(x).shape == (2, 5, 40, 56)


def test_another_part_of_the_answer() -> None:
    net = wrap(Dictionary(), classes=3, output="aux").train()
    assert not net(torch.rand(2, 3, 32, 32)).any()


def test_a_network_that_wants_multiples_takes_any_size() -> None:
    module = Strict(2)
    net = wrap(module, classes=2, size=16)
    x = torch.rand(1, 3, 37, 50)
    filled = nn.functional.pad(x, (0, 14, 0, 11))
    want = nn.functional.interpolate(module(filled)[0], (48, 64), mode="bilinear")[..., :37, :50]
    torch.testing.assert_close(net(x), want)


@pytest.mark.parametrize(
    ("module", "classes", "words"),
    [
        (
            nn.Conv2d(3, 4, 1),
            5,
            r"Conv2d answers \[2, 4, 32, 32\] to a batch of 2; for seg it has to answer \[2, 5, rows",
        ),
        (nn.Flatten(), 5, r"Flatten answers \[2, 3072\]"),
        (nn.LSTM(32, 2), 5, "LSTM"),
    ],
    ids=["channels", "vector", "no picture"],
)
def test_an_answer_of_the_wrong_shape_is_told(module: nn.Module, classes: int, words: str) -> None:
    with pytest.raises((InputError, ValueError), match=words):
        wrap(module, classes=classes)(torch.rand(2, 3, 32, 32))


def test_an_encoder_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match="no part 'bone' that could be its encoder"):
        wrap(Dictionary(), classes=3, encoder="bone")
    assert wrap(Dictionary(), classes=3).encoder is not None  # type: ignore[truthy-bool]


class Slip(nn.Module):
    def __init__(self, error: type[Exception]) -> None:
        super().__init__()
        self.error = error

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        raise self.error("oops")


@pytest.mark.parametrize("error", [AttributeError, TypeError, KeyError, RuntimeError])
def test_whatever_a_module_raises_is_told_with_its_place(error: type[Exception]) -> None:
    net = wrap(Slip(error), classes=2).eval()
    with pytest.raises(
        InputError, match=rf"Slip does not answer .*: {error.__name__}: '?oops'? \(test_guest\.py, line"
    ):
        net(torch.rand(1, 3, 32, 32))
    with pytest.raises(InputError, match="in training"):
        net.train()(torch.rand(1, 3, 32, 32))


def test_no_memory_is_no_mistake_of_the_module_s() -> None:
    with pytest.raises(MemoryError):
        wrap(Slip(MemoryError), classes=2)(torch.rand(1, 3, 32, 32))
