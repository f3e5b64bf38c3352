"""Networks drawn by chance from every known operation, in shapes that nobody would build."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

#: Functions of single numbers with a derivative almost everywhere.
ACTIVATIONS = (
    torch.relu, torch.tanh, F.elu, torch.sigmoid, F.softplus, F.gelu, F.hardswish, F.relu6, F.silu, F.mish,
    lambda y: F.leaky_relu(y, 0.2), lambda y: y.abs(), lambda y: y.square() * 0.1, lambda y: 1 / (1 + y * y),
    lambda y: y.clamp(-0.4, 0.7), lambda y: torch.relu(y + 50), lambda y: torch.relu(y - 50),
)  # fmt: skip


class Step(nn.Module):
    """One operation or block, with its own draws; keeps ``c`` channels, may change rows and columns."""

    def __init__(self, c: int, draw: np.random.Generator) -> None:
        super().__init__()
        self.c = c
        self.d = [int(n) for n in draw.integers(0, 1000, 12)]
        self.act = ACTIVATIONS[self.d[11] % len(ACTIVATIONS)]

    def norm(self) -> nn.BatchNorm2d:
        norm = nn.BatchNorm2d(self.c)
        for tensor, low, high in ((norm.weight.data, -1.5, 1.5), (norm.bias.data, -0.5, 0.5),
                                  (norm.running_mean, -0.5, 0.5), (norm.running_var, 0.3, 2)):  # fmt: skip
            nn.init.uniform_(tensor, low, high)
        return norm


class Conv(Step):
    def __init__(self, c, draw):
        super().__init__(c, draw)
        d = self.d
        groups = (1, 2, c)[d[0] % 3]
        self.conv = nn.Conv2d(c, c, (1 + d[1] % 5, 1 + d[2] % 4), stride=(1 + d[3] % 3, 1 + d[4] % 2),
                              padding=(d[5] % 3, d[6] % 4), dilation=(1 + d[7] % 3, 1 + d[8] % 2), groups=groups,
                              bias=bool(d[9] % 2))  # fmt: skip
        self.bn = self.norm() if d[10] % 2 else nn.Identity()

    def forward(self, y):
        return self.act(self.bn(self.conv(y)))


class Wide(Step):
    """Many channels and taps, as a fully connected layer made a convolution."""

    def __init__(self, c, draw):
        super().__init__(c, draw)
        self.up = nn.Conv2d(c, 70, 5, padding=2, stride=1 + self.d[0] % 2)
        self.down = nn.Conv2d(70, c, 1)

    def forward(self, y):
        return self.down(self.up(y).relu())


class Transposed(Step):
    def __init__(self, c, draw):
        super().__init__(c, draw)
        d = self.d
        stride = (1 + d[0] % 3, 1 + d[1] % 2)
        dilation = 1 + d[4] % 2
        extra = tuple(d[5] % max(s, dilation) for s in stride)
        self.conv = nn.ConvTranspose2d(c, c, (1 + d[2] % 4, 2 + d[3] % 3), stride=stride, padding=(d[6] % 2, d[7] % 2),
                                       output_padding=extra, dilation=dilation, groups=(1, 2, c)[d[8] % 3])  # fmt: skip
        self.bn = self.norm() if d[9] % 2 else nn.Identity()

    def forward(self, y):
        return self.act(self.bn(self.conv(y)))


class Pool(Step):
    def forward(self, y):
        d = self.d
        kernel = (2 + d[0] % 2, 1 + d[1] % 3)
        return F.max_pool2d(y, kernel, stride=(1 + d[2] % 3, 1 + d[3] % 2),
                            padding=(d[4] % (kernel[0] // 2 + 1), d[5] % (kernel[1] // 2 + 1)),
                            dilation=1 + d[6] % 2, ceil_mode=bool(d[7] % 2))  # fmt: skip


class Average(Step):
    def forward(self, y):
        d = self.d
        return F.avg_pool2d(y, (2 + d[0] % 2, 2), stride=(1 + d[1] % 2, 2), padding=(d[2] % 2, d[3] % 2),
                            ceil_mode=bool(d[4] % 2), count_include_pad=bool(d[5] % 2))  # fmt: skip


class Hourglass(Step):
    """Pooling, a layer at the coarse size, unpooling with the winners, the fine map beside it."""

    def __init__(self, c, draw):
        super().__init__(c, draw)
        self.conv, self.mix = nn.Conv2d(c, c, 3, padding=1), nn.Conv2d(2 * c, c, 1)
        self.bn = self.norm()

    def forward(self, y):
        kernel, stride, padding = ((2, 2, 0), (3, 3, 0), (3, 3, 1), (2, 2, 1))[self.d[0] % 4]
        coarse, winners = F.max_pool2d(y, kernel, stride, padding, ceil_mode=bool(self.d[1] % 2), return_indices=True)
        fine = F.max_unpool2d(
            self.act(self.bn(self.conv(coarse))), winners, kernel, stride, padding, output_size=y.shape[-2:]
        )
        return self.mix(torch.cat([fine, y], 1))


class Residual(Step):
    def __init__(self, c, draw):
        super().__init__(c, draw)
        self.one, self.two, self.bn = nn.Conv2d(c, c, 3, padding=1), nn.Conv2d(c, c, 3, padding=1), self.norm()

    def forward(self, y):
        return self.act(y + self.two(self.bn(self.one(y)).relu()))


class Pyramid(Step):
    """Dilated convolutions beside each other, and the mean of all."""

    def __init__(self, c, draw):
        super().__init__(c, draw)
        rates = [1 + self.d[k] % 5 for k in (0, 1)]
        self.branches = nn.ModuleList(nn.Conv2d(c, c, 3, padding=rate, dilation=rate) for rate in rates)
        self.mix = nn.Conv2d(3 * c, c, 1)

    def forward(self, y):
        size = y.shape[-2:]
        mean = F.adaptive_avg_pool2d(y, 1)
        mean = F.interpolate(mean, size, mode="bilinear") if self.d[2] % 2 else mean.expand(-1, -1, *size)
        return self.mix(torch.cat([*(branch(y).relu() for branch in self.branches), mean], 1))


class Twice(Step):
    """One layer used two times, and its input twice."""

    def __init__(self, c, draw):
        super().__init__(c, draw)
        self.conv = nn.Conv2d(c, c, (3, 1), padding=(1, 0))

    def forward(self, y):
        return self.act(self.conv(self.act(self.conv(y)))) + y + 0.5 * y


class Resize(Step):
    def forward(self, y):
        d = self.d
        size = (6 + d[0] % 24, 7 + d[1] % 24)
        mode = ("bilinear", "nearest", "bicubic")[d[2] % 3]
        aligned = {"align_corners": bool(d[3] % 2)} if mode != "nearest" else {}
        if d[4] % 3 == 0:
            return F.interpolate(y, scale_factor=(1.5, 2.0), mode=mode, **aligned)
        return F.interpolate(y, size=size, mode=mode, **aligned)


class Move(Step):
    """Padding, cropping, flipping, rolling, striding."""

    def forward(self, y):
        d = self.d
        ways = (
            lambda z: F.pad(z, (d[0] % 4, -(d[1] % 3), d[2] % 4, -(d[3] % 2)), value=1.0),
            lambda z: F.pad(z, (1, 2, d[0] % 3, 1), mode=("reflect", "replicate")[d[1] % 2]),
            lambda z: z.flip(2 + d[0] % 2) + z,
            lambda z: z.roll((d[0] % 5 - 2, d[1] % 5 - 2), (2, 3)),
            lambda z: z[..., d[0] % 2 :: 1 + d[1] % 2, d[2] % 3 : -1],
            lambda z: torch.cat([z[..., : 5 + d[0] % 3, :], z.flip(2)], 2),
            lambda z: torch.cat([z[:, 1:], z[:, :1] * 2], 1),
        )
        return ways[d[10] % 7](ways[d[9] % 7](y))


class Interleaved(Step):
    """Four maps as one of twice the size: pixel shuffle of a stack, or of plain channels."""

    def __init__(self, c, draw):
        super().__init__(c, draw)
        self.wide = nn.Conv2d(c, 4 * c, 3, padding=1)

    def forward(self, y):
        if self.d[0] % 2:
            return F.pixel_shuffle(self.wide(y), 2)
        parts = torch.stack(self.wide(y).chunk(4, 1), 2)
        return self.act(F.pixel_shuffle(parts.flatten(1, 2), 2))[..., : y.shape[-2], : y.shape[-1] + 1]


class Gate(Step):
    def __init__(self, c, draw):
        super().__init__(c, draw)
        self.conv = nn.Conv2d(c, c, 3, padding=1)

    def forward(self, y):
        return self.conv(y).neg_().sigmoid() * y - 0.3 * y.tanh() * y.detach()


class Split(Step):
    """Halves of the channels go different ways."""

    def __init__(self, c, draw):
        super().__init__(c, draw)
        self.conv = nn.Conv2d(c // 2, c // 2, 3, padding=1)

    def forward(self, y):
        left, right = y.chunk(2, 1)
        return torch.cat([right * 2, self.act(self.conv(left))], 1)


class Masks(Step):
    """A map and parts of it that a ReLU has cut, in sums and side by side."""

    def __init__(self, c, draw):
        super().__init__(c, draw)
        self.conv, self.mix = nn.Conv2d(c, c, 3, padding=1), nn.Conv2d(2 * c, c, 1)

    def forward(self, y):
        d = self.d
        z = (y, self.conv(y))[d[0] % 2]
        ways = (
            lambda z: z.relu() + z,
            lambda z: z.relu() + (-z).relu(),
            lambda z: z.relu() + torch.cat([z.relu()[:, 1:], self.act(z)[:, :1]], 1),
            lambda z: self.mix(torch.cat([z, torch.ones_like(z)], 1).relu()),
            lambda z: self.mix(torch.cat([z.relu(), (z - 0.2).relu()], 1)) + z.relu(),
            lambda z: torch.cat([z.relu()[..., :4, :], z[..., 4:, :].relu()], 2) + z.clamp(-0.5, 0.5),
            lambda z: (z.relu() - z) * 0.5 + F.relu6(z),
        )
        return ways[d[1] % len(ways)](ways[d[2] % len(ways)](z))


class Weighted(Step):
    """Channels weighed by the whole map, places weighed by all channels; the larger, the one or the other."""

    def __init__(self, c, draw):
        super().__init__(c, draw)
        self.squeeze, self.place, self.prelu = nn.Conv2d(c, c, 1), nn.Conv2d(c, 1, 3, padding=1), nn.PReLU(c)

    def forward(self, y):
        channels = self.squeeze(F.adaptive_avg_pool2d(y, 1)).sigmoid()
        ways = (
            lambda y: y * channels,
            lambda y: self.place(y).sigmoid() * y + y,
            lambda y: torch.maximum(y, y.flip(3)) - channels,
            lambda y: torch.where(y.detach() > 0, self.prelu(y), y.minimum(self.place(y)) * torch.ones_like(y)),
            lambda y: self.prelu(self.place(y) + channels),
        )
        return ways[self.d[0] % len(ways)](y)


STEPS = (Conv, Conv, Wide, Transposed, Pool, Average, Hourglass, Residual, Pyramid, Twice, Resize, Move, Interleaved,
         Gate, Split, Masks, Masks, Weighted)  # fmt: skip


#: Ways to end.
TAILS = 10


class RandomNetwork(nn.Module):
    """A chain of steps with a shortcut over some of them, back to the input's size by one of several tails.

    Args:
        seed: of everything.
        steps: how many.
    """

    def __init__(self, seed: int, steps: int = 5) -> None:
        super().__init__()
        draw = np.random.default_rng(seed)
        torch.manual_seed(seed)
        self.channels = c = int(draw.choice([2, 4, 6, 10]))
        self.inputs = int(draw.integers(1, 4))
        self.first = nn.Conv2d(self.inputs, c, int(draw.choice([1, 3, 7])), padding=1, stride=int(draw.integers(1, 3)))
        self.steps = nn.ModuleList(STEPS[int(k)](c, draw) for k in draw.integers(0, len(STEPS), steps))
        self.last = nn.Conv2d(c, 3, int(draw.choice([1, 3])), padding=1)
        self.d = [int(n) for n in draw.integers(0, 1000, 4)]

    def forward(self, x: Tensor) -> Tensor:
        size = x.shape[-2:]
        y = self.first((x, x.relu(), torch.cat([x[:, :1], x[:, 1:].relu()], 1), x.relu() + x)[self.d[3] % 4])
        kept = y
        for index, step in enumerate(self.steps):
            if min(y.shape[-2:]) < 13 or max(y.shape[-2:]) > 70:  # too small for a step, or too much work
                break
            y = step(y)
            if index == 1:
                kept = y
        if self.d[0] % 2:
            y = y + F.interpolate(kept, y.shape[-2:], mode="nearest")
        tail = self.d[1] % TAILS
        if tail == 0:  # the last layer mixes channels at full size: there is no linear tail
            y = self.last(F.interpolate(y, size, mode="bilinear")).tanh()
            return y[..., : size[0], : size[1]]  # a 1x1 kernel with its padding makes it larger
        if tail == 1:
            return F.interpolate(self.last(y), size, mode="bilinear", align_corners=bool(self.d[2] % 2)) * 1.5
        if tail == 2:
            return F.interpolate(self.last(y), size, mode="bicubic").sigmoid()
        if tail == 3:
            return F.interpolate(F.interpolate(self.last(y), scale_factor=2), size, mode="bilinear")
        y = F.interpolate(self.last(y), size, mode="bilinear")
        if tail == 4:  # the last operation joins maps, parts of which are dead
            return torch.cat([y[..., :5, :].relu(), y.flip(2)[..., 5:, :], y[..., :0, :]], 2)
        if tail == 5:
            return F.max_pool2d(y, 3, 1, 1)
        if tail == 6:  # ends that join or cut what is dead, without a layer above
            return y.relu() + y
        if tail == 7:
            return torch.cat([y.relu(), (-y).relu(), y], 1)[:, 1:4]
        if tail == 8:
            return torch.cat([y[:, :1], y[:, 1:].relu()], 1)
        return y.relu() * y.flip(3).sigmoid()  # the last is a sum

    def __str__(self) -> str:
        return " ".join([*(type(step).__name__ for step in self.steps), f"tail {self.d[1] % TAILS}"])


class RandomWeb(nn.Module):
    """Values of one size, each made of any of those before it, used any number of times; the output is one of the last.

    Where :class:`RandomNetwork` draws operations, this draws who reads whom.

    Args:
        seed: of everything.
        values: how many.
    """

    channels = 4

    def __init__(self, seed: int, values: int = 12) -> None:
        super().__init__()
        draw = np.random.default_rng(seed)
        torch.manual_seed(seed)
        c = self.channels
        self.inputs = 3
        self.first = nn.Conv2d(3, c, 3, padding=1)
        self.convs = nn.ModuleList(nn.Conv2d(c, c, 3, padding=1, bias=False) for _ in range(3))
        self.mixes = nn.ModuleList(nn.Conv2d(2 * c, c, 1) for _ in range(2))
        self.from_picture = bool(draw.integers(2))
        self.plan = []
        for made in range(1, values + 1):
            a, b = (int(made - 1 - min(made - 1, draw.geometric(0.4) - 1)) for _ in range(2))
            self.plan.append((int(draw.integers(len(self.ways()))), a, b))

    def ways(self):
        c, half = self.channels, self.channels // 2
        conv, mix = self.convs, self.mixes
        return (
            lambda a, b: a.relu(),
            lambda a, b: a.relu(),
            lambda a, b: a + b,
            lambda a, b: a.relu() + b,
            lambda a, b: a.clamp(-0.3, 0.6),
            lambda a, b: a - 0.5 * b.relu(),
            lambda a, b: torch.cat([a[:, :half], b[:, half:]], 1),
            lambda a, b: torch.cat([a, b], 1)[:, 1 : c + 1],
            lambda a, b: torch.cat([a[..., :5, :], b[..., 5:, :].relu()], 2),
            lambda a, b: torch.cat([b, a], 1).relu()[:, half : half + c],
            lambda a, b: conv[0](a),
            lambda a, b: conv[1](a.relu()) + b,
            lambda a, b: conv[2](a).relu(),
            lambda a, b: mix[0](torch.cat([a, b.relu()], 1)),
            lambda a, b: mix[1](torch.cat([a, b], 1).relu()),
            lambda a, b: F.max_pool2d(a, 3, 1, 1) + b,
            lambda a, b: F.interpolate(a[..., ::2, ::2], a.shape[-2:], mode="bilinear") - b,
            lambda a, b: a.sigmoid() * b,
            lambda a, b: F.pad(a[..., 1:, :], (0, 0, 0, 1)).relu(),
            lambda a, b: a.flip(3).relu() + b,
            lambda a, b: torch.maximum(a, b),
        )

    def forward(self, x: Tensor) -> Tensor:
        values = [torch.cat([x, x[:, :1].relu()], 1) if self.from_picture else self.first(x)]
        ways = self.ways()
        for way, a, b in self.plan:
            values.append(ways[way](values[a], values[b]))
        return values[-1]

    def __str__(self) -> str:
        return str(self.plan)
