"""Tracing, lowering, boxes and the windowed pass, on small graphs made of every kind of operation."""

import numpy as np
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from segdepth.saliency import saliency_maps
from segdepth.saliency.engines import ENGINES

FAST = [engine for engine in ENGINES if engine != "reference"]


class RandomNetwork(nn.Module):
    """A random chain of operations with shortcuts and two readers of one map, back to the input's size at the end."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.random = np.random.default_rng(seed)
        self.layers = nn.ModuleList()
        self.steps: list[str] = [str(name) for name in self.random.choice(sorted(STEPS), size=6)]
        self.choices = self.random.integers(0, 1000, size=(6, 6))
        self.convs = nn.ModuleList(nn.Conv2d(4, 4, 1) for _ in range(6))
        for index, step in enumerate(self.steps):
            self.layers.append(STEPS[step][0](self.choices[index]))
        self.norm = nn.BatchNorm2d(4)
        nn.init.uniform_(self.norm.weight, 0.5, 1.5)
        self.first, self.last = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        size = x.shape[-2:]
        y = self.first(x)
        for index, step in enumerate(self.steps):
            if min(y.shape[-2:]) < 8:  # too small for any step
                break
            y = STEPS[step][1](self.layers[index], self.convs[index](y), self.choices[index])
            if index == 3:
                y = self.norm(y)
        y = F.interpolate(y, size=size, mode="bilinear", align_corners=bool(self.choices[0][0] % 2))
        return self.last(y) * 1.5


def _conv(c):
    k, s, d = 1 + c[0] % 4, 1 + c[1] % 3, 1 + c[2] % 2
    groups = 2 if c[3] % 3 == 0 else 1
    return nn.Conv2d(4, 4, (k, 3), stride=(s, 1 + c[4] % 2), padding=(int(c[5] % 3), 1), dilation=d, groups=groups)


def _transposed(c):
    return nn.ConvTranspose2d(4, 4, 1 + c[0] % 4, stride=1 + c[1] % 2, padding=0, groups=2 if c[3] % 2 else 1)


def _pooled(_, y, c):
    k = 2 + c[0] % 2
    return F.max_pool2d(y, k, stride=1 + c[1] % 3, padding=int(c[2] % (k // 2 + 1)), ceil_mode=bool(c[3] % 2))


def _unpooled(_, y, c):
    pooled, indices = F.max_pool2d(y, 2, return_indices=True, ceil_mode=bool(c[0] % 2))
    return F.max_unpool2d(pooled.sigmoid(), indices, [2, 2], output_size=y.shape[-2:])


def _stacked(layer, y, c):
    parts = torch.stack([layer(y), y, y.roll(1, 3), y * 0.5], 2)
    shuffled = F.pixel_shuffle(parts.flatten(1, 2), 2)
    return shuffled[..., : y.shape[-2], 1 : y.shape[-1]]


def _shortcut(layer, y, c):
    left, right = y.chunk(2, dim=1)
    return torch.cat([left.relu(), layer(y).tanh(), right], 1)[:, 1:5] + y


def _shifted(_, y, c):
    padded = F.pad(y, (int(c[0] % 3), -int(c[1] % 2), int(c[2] % 4), 1))
    return padded[..., :: 1 + c[3] % 2, c[4] % 3 :]


def _resized(_, y, c):
    size = (7 + int(c[0] % 20), 8 + int(c[1] % 20))
    mode = ("bilinear", "nearest", "bicubic")[c[2] % 3]
    return F.interpolate(y, size=size, mode=mode)


def _averaged(_, y, c):
    return F.avg_pool2d(y, (2, 3), stride=1 + int(c[0] % 2), padding=1, count_include_pad=bool(c[1] % 2))


def _bordered(_, y, c):
    return F.pad(y, (1, 2, int(c[0] % 3), 1), mode=("reflect", "replicate")[c[1] % 2])


def _gated(layer, y, c):
    return layer(y).neg_().sigmoid() * y - 0.3 * y + F.adaptive_avg_pool2d(y, 1).expand_as(y) * y.detach()


def _nothing(_):
    return nn.Identity()


STEPS = {
    "conv": (_conv, lambda layer, y, _: layer(y).relu()),
    "transposed": (_transposed, lambda layer, y, _: F.leaky_relu(layer(y), 0.1)),
    "pool": (_nothing, _pooled),
    "unpool": (_nothing, _unpooled),
    "stack": (lambda _: nn.Conv2d(4, 4, 3, padding=1), _stacked),
    "shortcut": (lambda _: nn.Conv2d(4, 2, 3, padding=1), _shortcut),
    "shift": (_nothing, _shifted),
    "resize": (_nothing, _resized),
    "average": (_nothing, _averaged),
    "border": (_nothing, _bordered),
    "gate": (lambda _: nn.Conv2d(4, 4, 3, padding=1), _gated),
}


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**6), crop=st.booleans(), data=st.data())
def test_random_graphs_agree_with_autograd(seed, crop, data):
    torch.manual_seed(seed)
    net = RandomNetwork(seed).double()
    height, width = data.draw(st.integers(12, 22)), data.draw(st.integers(12, 25))
    image = torch.randn(2, height, width, dtype=torch.float64)
    pixels = data.draw(
        st.lists(st.tuples(st.integers(0, height - 1), st.integers(0, width - 1)), min_size=1, max_size=9)
    )
    window = (slice(3, height - 2), slice(2, width)) if crop else None
    options = {"crop": window, "target": 1}
    expected = saliency_maps(net, image, pixels, engine="reference", **options)
    for engine in FAST:
        found = saliency_maps(net, image, pixels, engine=engine, **options)
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12 * (1 + expected.max().item()), msg=engine)
