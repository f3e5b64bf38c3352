"""FCN-8s: upsampling and alignment."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from segdepth.networks.fcn import FCN8s, bilinear_


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(4, 2, 1), (16, 8, 4)])
def test_bilinear_weights_interpolate(kernel: int, stride: int, padding: int) -> None:
    layer = nn.ConvTranspose2d(3, 3, kernel, stride=stride, padding=padding, bias=False)
    bilinear_(layer)
    x = torch.randn(1, 3, 6, 7)
    want = F.interpolate(x, scale_factor=stride, mode="bilinear", align_corners=False)
    inner = (..., slice(stride, -stride), slice(stride, -stride))  # beyond the border one sees zeros, the other copies
    torch.testing.assert_close(layer(x)[inner], want[inner])


def test_a_shifted_picture_gives_shifted_scores() -> None:
    """The coarsest stride is 32; sizes that are no multiple of it are cropped at the same place."""
    net = FCN8s(2, "logits", width=0.125).eval()
    for skip in (net.score_pool3, net.score_pool4):
        nn.init.normal_(skip.weight, std=0.01)
    x = torch.randn(1, 3, 704, 704)
    with torch.no_grad():
        whole, part = net(x), net(x[..., 32:, 64:-5])
    # a score sees up to 258 pixels to each side: these are the ones that see no border in either picture
    torch.testing.assert_close(whole[..., 352:384, 352:384], part[..., 320:352, 288:320])


def test_the_last_upsampling_is_fixed_and_of_the_paper() -> None:
    names = [name for name, _ in FCN8s(2, "logits", width=0.125).named_parameters()]
    assert "up_to_pool4.weight" in names
    assert "up_to_image.weight" not in names
