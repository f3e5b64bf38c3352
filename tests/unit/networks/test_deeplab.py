"""DeepLab v2: stride, dilation, alignment."""

import pytest
import torch

from segdepth.layers.padding import pad_to_multiple
from segdepth.networks.deeplab import DeepLab


def test_strides_are_where_the_imagenet_weights_have_them() -> None:
    block = DeepLab(2, "logits", width=0.125).encoder.layer2[0]
    assert (block.conv1.stride, block.conv2.stride) == ((1, 1), (2, 2))


@pytest.mark.parametrize("size", [(33, 41), (40, 50)])
def test_an_eighth_of_the_resolution_and_corners_on_corners(size: tuple[int, int]) -> None:
    net = DeepLab(2, "logits", width=0.125).eval()
    x = torch.randn(1, 3, *size)
    with torch.no_grad():
        features = net.encoder(pad_to_multiple(x, 8, remainder=1))
        assert features.shape[-2:] == tuple(-(-(side - 1) // 8) + 1 for side in size)
        scores = sum(branch(features) for branch in net.head)
        # every eighth pixel, from the first on, shows a score of its own
        rows, cols = (-(-side // 8) for side in size)
        torch.testing.assert_close(net(x)[..., ::8, ::8], scores[..., :rows, :cols])


def test_everything_learns() -> None:
    assert all(p.requires_grad for p in DeepLab(2, "logits", width=0.125).parameters())
