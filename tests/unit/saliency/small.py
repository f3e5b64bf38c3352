"""A small network, and a function with a derivative of its own, that tests share."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segdepth.saliency import saliency_maps

HEIGHT, WIDTH = 20, 33
PIXELS = [(r, c) for r in range(1, HEIGHT, 4) for c in range(0, WIDTH, 5)]


class Small(nn.Module):
    """Three classes, halved and enlarged again: the tail is linear."""

    def __init__(self, tail: nn.Module | None = None) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(3, 8, 3, stride=4, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace=True))
        self.head = nn.Conv2d(8, 3, 3, padding=1)
        self.tail = tail or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        coarse = self.tail(self.head(self.encoder(x)))
        return F.interpolate(coarse, size=x.shape[-2:], mode="bilinear", align_corners=False)


class Squared(torch.autograd.Function):
    """A square whose derivative is its user's, 3 x, which a trace would not see; forward mode has none."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        return 3 * g * ctx.saved_tensors[0]


def agree(net: nn.Module, image: Tensor, engine: str, **options: object) -> None:
    expected = saliency_maps(net, image, PIXELS, engine="reference", **options)
    assert expected.max() > 0
    torch.testing.assert_close(saliency_maps(net, image, PIXELS, engine=engine, **options), expected)
