"""A module of somebody else as a network: sizes, parts of answers, what does not fit."""

from collections import OrderedDict

import pytest
import torch
from torch import nn

from segdepth import wrap
from segdepth.core.errors import ConfigError, InputError
from strangers import Dictionary, Lazy, Strict, Supervised


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


class Refusing(nn.Module):
    """Raises something in its forward pass."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        raise self.error


@pytest.mark.parametrize(
    "error", [KeyError("scale"), TypeError("no len()"), IndexError("out of range"), NotImplementedError("odd")]
)
def test_whatever_a_forward_pass_raises_is_one_sentence(error: Exception) -> None:
    with pytest.raises(
        InputError, match=rf"Refusing does not answer pictures \[1, 3, 32, 48\]: {type(error).__name__}: "
    ):
        wrap(Refusing(error), classes=2).eval()(torch.rand(1, 3, 32, 48))


def test_what_is_no_fault_of_the_picture_stays_as_it_is() -> None:
    with pytest.raises(MemoryError):
        wrap(Refusing(MemoryError()), classes=2)(torch.rand(1, 3, 32, 48))


def test_lazy_weights_are_made_and_no_statistics() -> None:
    net = wrap(Lazy(), classes=3)
    assert net.training
    assert not net.guest.norm.running_mean.any()  # type: ignore[union-attr,operator]
    assert net(torch.rand(2, 3, 33, 47)).shape == (2, 3, 33, 47)


def test_weights_without_numbers_are_told() -> None:
    with torch.device("meta"):
        module = Dictionary()
    with pytest.raises(ConfigError, match="weights on the device 'meta'"):
        wrap(module, classes=3)


def test_torchscript_has_its_encoder() -> None:
    net = wrap(torch.jit.script(nn.Sequential(OrderedDict(encoder=nn.Conv2d(3, 2, 1)))), classes=2)
    assert [name for name, _ in net.encoder.named_parameters()] == ["weight", "bias"]  # type: ignore[union-attr,operator]


class Large(Supervised):
    """Takes pictures of 96 rows and columns or more."""

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        if min(x.shape[-2:]) < 96:
            raise ValueError("too small")
        return super().forward(x)


def test_what_is_idle_is_found_at_the_size_that_it_will_see() -> None:
    net = wrap(Large(), classes=3)
    assert net.idle_parameters((96, 128)) == [
        "guest.side.weight",
        "guest.side.bias",
        "guest.unread.weight",
        "guest.unread.bias",
    ]
    with pytest.raises(InputError, match="too small"):
        net.idle_parameters((64, 64))
