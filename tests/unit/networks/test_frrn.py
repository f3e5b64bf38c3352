"""FRRN: the residual stream that is never touched at full resolution gives what the paper's formulas give."""

from typing import Literal

import pytest
import torch
import torch.nn.functional as F
from jaxtyping import TypeCheckError

from segdepth.core.errors import ConfigError
from segdepth.networks.frrn import FRRN

from ...oracles.frrn import check_frrn


@pytest.mark.parametrize("model_type", ["A", "B"])
def test_equals_the_plain_form(model_type: Literal["A", "B"]) -> None:
    check_frrn(FRRN(4, "logits", model_type=model_type, width=0.25).double(), chained=True)


def test_pads_by_zeros_at_the_bottom_and_the_right() -> None:
    net = FRRN(2, "logits", width=0.25).eval()
    x = torch.randn(1, 3, 37, 50)
    with torch.no_grad():
        torch.testing.assert_close(net(x), net(F.pad(x, (0, 14, 0, 11)))[..., :37, :50])


def test_channels_are_the_papers() -> None:
    net = FRRN(19, "logits")
    assert [(len(stage), stage[0].conv1.out_channels) for stage in net.down] == [(3, 96), (4, 192), (2, 384), (2, 384)]
    assert [(len(stage), stage[0].conv1.out_channels) for stage in net.up] == [(2, 96), (2, 192), (2, 192)]
    assert net.down[0][1].conv1.in_channels == 96 + 32  # chained
    assert net.after[0].conv1.in_channels == 96 + 32
    assert net.head.kernel_size == (1, 1)


def test_an_unknown_variant_is_refused() -> None:
    # where the tests check annotations, they are the first to say so
    with pytest.raises((ConfigError, TypeCheckError), match="'C'"):
        FRRN(2, "logits", model_type="C")  # type: ignore[arg-type]
