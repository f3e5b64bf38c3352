"""Which sizes a network takes, and how a picture is made to fit."""

import pytest
import torch
from torch import Tensor

from segdepth.core.errors import InputError
from segdepth.networks import SizeRule


@pytest.mark.parametrize(("multiple", "size"), [(1, (37, 50)), (32, (64, 64)), (8, (40, 56))])
def test_a_picture_is_filled_up_below_and_on_the_right(multiple: int, size: tuple[int, int]) -> None:
    x = torch.rand(2, 3, 37, 50)
    fitting = SizeRule(multiple=multiple).fit(x)
    assert fitting.shape[-2:] == size
    assert torch.equal(fitting[..., :37, :50], x)
    assert fitting.sum() == pytest.approx(x.sum().item(), rel=1e-5)


def test_a_picture_that_fits_is_left_alone() -> None:
    x: Tensor = torch.rand(1, 3, 32, 64)
    assert SizeRule(multiple=32).fit(x) is x
    assert SizeRule(fixed=(32, 64)).fit(x) is x


def test_another_size_than_the_only_one_is_refused() -> None:
    with pytest.raises(InputError, match=r"the picture is 37x50 .* takes 32x64 only"):
        SizeRule(fixed=(32, 64)).fit(torch.rand(1, 3, 37, 50))
    with pytest.raises(InputError, match="32x64 only"):
        SizeRule(fixed=(32, 64)).require(64, 32)
    SizeRule(fixed=(32, 64)).require(32, 64)
    SizeRule(multiple=32).require(37, 50)


def test_rules_have_words() -> None:
    assert [SizeRule().words(), SizeRule(fixed=(32, 64)).words()] == ["any", "32x64 only"]
    assert "multiples of 32" in SizeRule(multiple=32).words()
