"""Signed gradients to maps: in native loops what PyTorch gives."""

import math

import pytest
import torch

from segdepth.saliency.strongest import strongest


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_layouts_give_the_same_maps(channels: int, dtype: torch.dtype) -> None:
    """Targets innermost, as the sparse engine has them, or outermost; NaN and infinity in any colour stay."""
    torch.manual_seed(0)
    signed = torch.randn(6, channels, 7, 37, dtype=dtype)
    for place, value in enumerate((math.nan, -math.inf, math.nan)):
        signed[place, place % channels, place, 5] = value
    signed[3, 0, 3, 3], signed[3, -1, 3, 3] = math.nan, 9.0
    innermost = signed.permute(2, 3, 1, 0).contiguous().permute(3, 2, 0, 1)
    expected = signed.abs().amax(1)
    for given in (signed, innermost, signed.contiguous(memory_format=torch.channels_last)):
        torch.testing.assert_close(strongest(given), expected, rtol=0, atol=0, equal_nan=True)
