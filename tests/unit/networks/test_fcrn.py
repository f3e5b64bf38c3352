"""FCRN: an up-projection's four convolutions, and where their pixels go."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from segdepth.networks.fcrn import UpProjection, interleave
from segdepth.tasks import create_network


def plain(x: Tensor, block: UpProjection, quarter: int) -> Tensor:
    """One quarter: three taps are around a pixel, two are the one before and the pixel itself."""
    conv = block.convs[quarter]
    down, right = (1 if taps == 3 else 0 for taps in conv.kernel_size)
    return F.conv2d(F.pad(x, (1, right, 1, down)), conv.weight, conv.bias)


def test_each_parity_has_a_convolution_of_its_own() -> None:
    block = UpProjection(3, 2).double().eval()
    x = torch.randn(2, 3, 4, 6, dtype=torch.float64)
    with torch.no_grad():
        whole = interleave([conv(x)[..., :4, :6] for conv in block.convs])
        for quarter, (down, right) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
            torch.testing.assert_close(whole[..., down::2, right::2], plain(x, block, quarter))


def test_quarters_stand_at_their_parities() -> None:
    quarters = [torch.full((1, 2, 3, 4), float(k)) for k in range(4)]
    whole = interleave(quarters)
    assert whole.shape == (1, 2, 6, 8)
    for k, (down, right) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
        assert (whole[..., down::2, right::2] == k).all()


def test_main_branch_and_shortcut_meet() -> None:
    block = UpProjection(3, 2).eval()
    x = torch.randn(1, 3, 4, 5)
    with torch.no_grad():
        both = block.bn1(interleave([conv(x)[..., :4, :5] for conv in block.convs]))
        expected = F.relu(block.bn2(block.conv2(F.relu(both[:, :2]))) + both[:, 2:])
        torch.testing.assert_close(block(x), expected)


@pytest.mark.parametrize("size", [(32, 64), (37, 50)])
def test_answers_have_the_picture_s_size(size: tuple[int, int]) -> None:
    net = create_network("fcrn", "depth", width=0.125).eval()
    with torch.no_grad():
        assert net(torch.rand(1, 3, *size)).shape == (1, 1, *size)


def test_half_the_size_is_what_is_resized() -> None:
    net = create_network("fcrn", "seg", width=0.125).eval()
    x = torch.rand(1, 3, 32, 64)
    with torch.no_grad():
        half = net.half_size(x)
        assert half.shape[-2:] == (16, 32)
        resized = F.interpolate(half, (32, 64), mode="bilinear", align_corners=True)
        torch.testing.assert_close(net.raw(x), resized)
