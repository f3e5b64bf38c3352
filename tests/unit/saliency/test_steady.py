"""Whether two answers are one, and what is said of a network whose are not."""

import logging

import pytest
import torch
from torch import Tensor, nn

from segdepth.core.errors import InputError
from segdepth.saliency.steady import alike, say_once, statistics_words, steady_answer


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_answers_are_alike_but_for_rounding(dtype: torch.dtype) -> None:
    answer = torch.randn(2, 5, 6, dtype=dtype)
    resolution = torch.finfo(dtype).eps
    assert alike(answer, answer)
    assert alike(answer * (1 + 10 * resolution), answer)
    assert not alike(answer * (1 + 10 * resolution**0.5), answer)
    assert alike(1e-20 * answer, 1e-20 * answer)
    assert not alike(answer, answer[:1])
    assert not alike(answer, torch.zeros_like(answer))
    assert alike(torch.zeros_like(answer), torch.zeros_like(answer))


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_what_is_no_number_has_to_stand_in_the_same_places(value: float) -> None:
    answer = torch.randn(2, 3, 4)
    broken = answer.clone()
    broken[0, 1, 2] = value
    assert alike(broken, broken.clone())
    assert not alike(broken, answer)
    assert not alike(answer, broken)


class Counted(nn.Module):
    """Draws, or does not, and counts its passes."""

    def __init__(self, draws: str) -> None:
        super().__init__()
        self.draws, self.passes, self.drop = draws, 0, nn.Dropout(0.5)

    def forward(self, x: Tensor) -> Tensor:
        self.passes += 1
        if self.draws == "answers otherwise":
            return x + torch.rand(())
        if self.draws == "in vain":
            torch.rand(())
        return self.drop(x)


@pytest.mark.parametrize(("draws", "passes"), [("never", 1), ("in vain", 2)])
def test_only_a_network_that_draws_is_looked_at_twice(draws: str, passes: int) -> None:
    net, x = Counted(draws).eval(), torch.rand(1, 2, 3)
    assert torch.equal(steady_answer(net, lambda: net(x)), x)
    assert net.passes == passes


def test_why_answers_differ_is_told() -> None:
    net, x = Counted("answers otherwise").eval(), torch.rand(1, 2, 3)
    with pytest.raises(InputError, match=r"answers otherwise at every look \(F.dropout without training"):
        steady_answer(net, lambda: net(x))
    net = Counted("never").eval()
    net.drop.train()
    with pytest.raises(InputError, match=r"'drop' stays in training mode"):
        steady_answer(net, lambda: net(torch.rand(1, 20, 30)))


def test_a_line_is_said_once_a_network(caplog: pytest.LogCaptureFixture) -> None:
    first, second = nn.Identity(), nn.Identity()
    with caplog.at_level(logging.INFO, "segdepth.saliency.steady"):
        for net in (first, first, second):
            say_once(net, "one")
        say_once(first, "two", logging.INFO)
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("WARNING", "one"), ("WARNING", "one"), ("INFO", "two"),
    ]  # fmt: skip


def test_norms_are_counted_in_words() -> None:
    assert "BatchNorm2d 'a' of the network takes" in statistics_words(["BatchNorm2d 'a'"])
    assert "BatchNorm2d 'a' and 2 more of" in statistics_words(["BatchNorm2d 'a'", "b", "c"])
