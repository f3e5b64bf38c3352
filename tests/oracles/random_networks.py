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


def filled(module: nn.Module) -> nn.Module:
    """Weights and statistics as of a network that was trained."""
    for tensor in module.parameters():
        nn.init.uniform_(tensor, -1.5, 1.5)
    return module


def tokens(y: Tensor) -> Tensor:
    """``[1, c, h, w]`` to ``[1, h w, c]``.

    By way of channels last: after a transposition of the last two axes, which does the same, gradients have steps in memory with
    which PyTorch's own backward of batch norm is wrong on a CPU.
    """
    return y.permute(0, 2, 3, 1).flatten(1, 2)


def from_tokens(t: Tensor, like: Tensor) -> Tensor:
    """Back."""
    return t.unflatten(1, like.shape[2:]).permute(0, 3, 1, 2)


def padded(y: Tensor, rows: int, columns: int) -> Tensor:
    """With zeros up to the next multiple."""
    return F.pad(y, (0, -y.shape[3] % columns, 0, -y.shape[2] % rows))


class Tokens(Step):
    """As a transformer has them: a norm of each token, two linear layers and a function between."""

    def __init__(self, c, draw):
        super().__init__(c, draw)
        self.by_token = filled((nn.LayerNorm, nn.RMSNorm)[self.d[0] % 2](c))
        self.wide, self.narrow = nn.Linear(c, 2 * c), nn.Linear(2 * c, c, bias=bool(self.d[1] % 2))

    def mixed(self, t):
        return self.narrow(self.act(self.wide(self.by_token(t))))

    def forward(self, y):
        h, w = y.shape[-2:]
        ways = (
            lambda y: from_tokens(self.mixed(tokens(y)), y),
            lambda y: self.mixed(y.permute(0, 2, 3, 1)).permute(0, 3, 1, 2) + y,
            lambda y: self.mixed(y[0].movedim(0, -1)).permute(2, 0, 1)[None],
            lambda y: self.mixed(y.permute(0, 3, 2, 1).reshape(-1, self.c)).view(1, w, h, self.c).permute(0, 3, 2, 1),
        )
        return ways[self.d[2] % len(ways)](y).contiguous()


class Windows(Tokens):
    """Tokens of windows of a rolled map, mixed with each other in each window."""

    def __init__(self, c, draw):
        super().__init__(c, draw)
        self.size = 2 + self.d[3] % 3, 2 + self.d[4] % 2
        self.places = nn.Linear(self.size[0] * self.size[1], self.size[0] * self.size[1])

    def forward(self, y):
        (a, b), (h, w) = self.size, y.shape[-2:]
        z = padded(y.roll((1, -1), (2, 3)), a, b)
        rows, columns = z.shape[2] // a, z.shape[3] // b
        t = z.view(self.c, rows, a, columns, b).permute(1, 3, 2, 4, 0).reshape(-1, a * b, self.c)
        ways = (
            lambda t: self.mixed(t),
            lambda t: self.places(t.transpose(1, 2)).transpose(1, 2),
            lambda t: t - t.mean(1, keepdim=True) + self.mixed(t),
            lambda t: t * t.amax(1, keepdim=True).sigmoid(),
            lambda t: (t @ t.transpose(1, 2) / self.c).softmax(-1) @ t,
        )
        t = ways[self.d[5] % len(ways)](t)
        z = t.view(rows, columns, a, b, self.c).permute(4, 0, 2, 1, 3).reshape(1, self.c, rows * a, columns * b)
        return y + z[..., :h, :w].roll((-1, 1), (2, 3))


class Squeezed(Step):
    """Weighed by what is known of the whole map, in the spellings that there are."""

    def __init__(self, c, draw):
        super().__init__(c, draw)
        self.layer, self.scale = nn.Linear(c, c), nn.Parameter(torch.rand(c))

    def forward(self, y):
        def response(y):
            size = torch.linalg.vector_norm(y, dim=(2, 3), keepdim=True)
            return y + self.scale[:, None, None] * y * (size / (size.mean(1, keepdim=True) + 1e-3))

        ways = (
            lambda y: y * self.layer(y.mean((2, 3))).sigmoid()[..., None, None],
            lambda y: y * self.layer(F.adaptive_avg_pool2d(y, 1).flatten(1)).sigmoid().view(1, -1, 1, 1).expand_as(y),
            lambda y: y * torch.einsum("bchw,dc->bd", y, self.layer.weight).tanh().unsqueeze(-1).unsqueeze(-1),
            lambda y: y + self.layer(y.flatten(2).amax(2))[:, :, None, None],
            response,
            lambda y: y - y.std((2, 3), keepdim=True) * self.scale[:, None, None],
            lambda y: y / (y.abs().max() + 1) + y.mean(3, keepdim=True) * y.mean(2, keepdim=True),
        )
        return ways[self.d[0] % len(ways)](y)


class Normed(Step):
    """By a picture's own statistics, or by those of each position."""

    def __init__(self, c, draw):
        super().__init__(c, draw)
        self.group, self.instance = (filled(nn.GroupNorm(groups, c)) for groups in ((1, 2, c)[self.d[0] % 3], c))
        self.conv = nn.Conv2d(c, c, 3, padding=1)

    def forward(self, y):
        ways = (
            lambda y: self.group(self.conv(y)),
            lambda y: self.act(self.instance(y)),
            lambda y: F.normalize(y, dim=1) * 2,
            lambda y: (y - y.mean((1, 2, 3), keepdim=True)) / (y.var((1, 2, 3), keepdim=True) + 0.1).sqrt(),
            lambda y: F.layer_norm(y.permute(0, 2, 3, 1), (self.c,)).permute(0, 3, 1, 2),
        )
        return ways[self.d[1] % len(ways)](y)


class OverChannels(Step):
    """Softmax, maxima, sums over channels."""

    def forward(self, y):
        ways = (
            lambda y: y.softmax(1),
            lambda y: y.log_softmax(1) * 0.3,
            lambda y: y * y.amax(1, keepdim=True).sigmoid(),
            lambda y: y - y.max(1, keepdim=True).values * 0.5,
            lambda y: y + (y.softmax(1) * torch.arange(self.c, dtype=y.dtype)[:, None, None]).sum(1, keepdim=True),
            lambda y: y.cumsum(1) * 0.4,
            lambda y: F.glu(torch.cat([y, y.flip(1)], 1), 1),
            lambda y: y * torch.stack([y, y.tanh()], 1).softmax(1)[:, 1],
            lambda y: y.sort(1).values + 0.1 * y,
        )
        return self.act(ways[self.d[0] % len(ways)](y))


class Shuffled(Step):
    """The same numbers in other orders."""

    def __init__(self, c, draw):
        super().__init__(c, draw)
        self.conv = nn.Conv2d(4 * c, 4 * c, 3, padding=1, groups=2)

    def forward(self, y):
        h, w = y.shape[-2:]
        ways = (
            lambda y: F.pixel_shuffle(self.act(self.conv(F.pixel_unshuffle(padded(y, 2, 2), 2))), 2)[..., :h, :w],
            lambda y: F.channel_shuffle(y, 2) + y,
            lambda y: self.act(y.transpose(2, 3)),
            lambda y: (
                padded(y, 2, 3).unflatten(3, (-1, 3)).mean(4).repeat_interleave(3, 3)[..., :w]
                + padded(y, 2, 3)[..., :w]
            ),
            lambda y: (
                y[:, :, :, None, :, None].expand(-1, -1, -1, 2, -1, 2).reshape(1, -1, 2 * h, 2 * w)[..., 1 : h + 1, :w]
            ),
            lambda y: F.fold(
                F.unfold(padded(y, 2, 1), (2, 1), stride=(2, 1)).tanh(),
                padded(y, 2, 1).shape[2:],
                (2, 1),
                stride=(2, 1),
            ),
            lambda y: torch.stack(y.unbind(1)[::-1], 1) * y,
            lambda y: y.view(1, 2, -1, h, w).flip(1).reshape(y.shape).relu() - y,
        )
        return ways[self.d[0] % len(ways)](y)


class Round(Step):
    """Borders that go on at the other side."""

    def __init__(self, c, draw):
        super().__init__(c, draw)
        self.conv = nn.Conv2d(
            c, c, 3, padding=1 + self.d[0] % 2, padding_mode=("circular", "reflect", "replicate")[self.d[1] % 3]
        )

    def forward(self, y):
        return self.act(self.conv(y))


class Attention(Step):
    """Every position sees all of a coarser map: a block."""

    def __init__(self, c, draw):
        super().__init__(c, draw)
        self.query, self.pair = nn.Linear(c, c), nn.Linear(c, 2 * c)

    def forward(self, y):
        t = tokens(y)
        key, value = self.pair(tokens(F.adaptive_avg_pool2d(y, (3, 4)))).chunk(2, -1)
        query = self.query(t)
        if self.d[0] % 2:
            found = F.scaled_dot_product_attention(query[None], key[None], value[None])[0]
        else:
            found = (query @ key.transpose(1, 2) / 2).softmax(-1) @ value
        return y + from_tokens(found if self.d[1] % 2 else self.act(found), y)


class Doubled(torch.autograd.Function):
    """A user's own derivative."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    def backward(ctx, g):
        return 2 * g * ctx.saved_tensors[0].cos()


class Own(Step):
    """What no operation knows, position by position."""

    def __init__(self, c, draw):
        super().__init__(c, draw)
        self.conv = nn.Conv2d(c, c, 3, padding=1)

    def forward(self, y):
        ways = (
            lambda y: Doubled.apply(self.conv(y)),
            lambda y: self.conv(Doubled.apply(y).relu()) + y,
            lambda y: y + (self.conv(y).float() * 2).sigmoid().to(y.dtype),
            lambda y: self.conv(y.topk(2, 1).values.repeat(1, self.c // 2, 1, 1)),
            lambda y: y * torch.view_as_real(torch.view_as_complex(torch.stack([y, y.flip(1)], -1)) ** 2)[..., 1] * 0.2,
        )
        return ways[self.d[0] % len(ways)](y)


class Product(Step):
    """Of two maps, and of one with fixed numbers."""

    def __init__(self, c, draw):
        super().__init__(c, draw)
        self.one, self.two = nn.Conv2d(c, c, 3, padding=1), nn.Conv2d(c, c, 1)
        self.matrices = nn.Parameter(torch.rand(2, c // 2, c // 2))
        self.scale = nn.Parameter(torch.rand(c, 1, 1))

    def forward(self, y):
        h, w = y.shape[-2:]
        ways = (
            lambda y: self.one(y) * self.two(y),
            lambda y: self.one(y) / (self.two(y).abs() + 0.5) + self.scale * y,
            lambda y: torch.bmm(self.matrices, y.view(2, -1, h * w)).view(y.shape) - self.scale,
            lambda y: torch.lerp(self.one(y), self.two(y), y.sigmoid()),
            lambda y: (1 - y.sigmoid()) * y - self.scale * self.one(y),
            lambda y: torch.where(y > 0.2, self.one(y), self.two(y)),
            lambda y: torch.einsum("bchw,dc->bdhw", y, self.two.weight[:, :, 0, 0]) * y,
        )
        return ways[self.d[0] % len(ways)](y)


class Sampled(Step):
    """Resizes that smooth, and samples at fixed places."""

    def __init__(self, c, draw):
        super().__init__(c, draw)
        self.register_buffer("places", torch.rand(1, 14 + self.d[0] % 9, 13 + self.d[1] % 12, 2) * 2.4 - 1.2)

    def forward(self, y):
        d, size = self.d, (13 + self.d[2] % 12, 14 + self.d[3] % 15)
        mode = ("bilinear", "nearest", "bicubic")[d[4] % 3]
        ways = (
            lambda y: F.interpolate(y, size, mode="bilinear", antialias=True, align_corners=bool(d[5] % 2)),
            lambda y: F.interpolate(y, size, mode="bicubic", antialias=True),
            lambda y: F.interpolate(y, size, mode="nearest-exact"),
            lambda y: F.adaptive_avg_pool2d(y, size),
            lambda y: F.grid_sample(
                y,
                self.places,
                mode=mode,
                padding_mode=("zeros", "border", "reflection")[d[5] % 3],
                align_corners=bool(d[6] % 2),
            ),
        )
        return self.act(ways[d[7] % len(ways)](y))


class Written(Step):
    """Parts of a map overwritten in place."""

    def forward(self, y):
        z, d = y.clone(), self.d
        ways = (
            lambda: z[:, 0].copy_(y[:, 1].tanh()),
            lambda: z[..., d[1] % 5 : 9, :].mul_(0.3),
            lambda: z[..., ::2, 1::3].add_(y[..., ::2, 1::3].tanh()),
            lambda: z[:, :, 3, :].fill_(0.5),
            lambda: z[:, :1].zero_(),
            lambda: z[..., 2:8].copy_(y[..., 1:7].flip(3)),
        )
        ways[d[0] % len(ways)]()
        return self.act(z)


STEPS = (Conv, Conv, Wide, Transposed, Pool, Average, Hourglass, Residual, Pyramid, Twice, Resize, Move, Interleaved,
         Gate, Split, Masks, Masks, Weighted, Tokens, Windows, Squeezed, Normed, OverChannels, Shuffled, Round, Attention, Own,
         Product, Sampled, Written)  # fmt: skip


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
            lambda a, b: a.softmax(1) * b,
            lambda a, b: F.layer_norm(a.permute(0, 2, 3, 1), (c,)).permute(0, 3, 1, 2) + b,
            lambda a, b: a * b.mean((2, 3), keepdim=True),
            lambda a, b: F.group_norm(a, 2) - b.relu(),
            lambda a, b: F.channel_shuffle(torch.cat([a, b], 1), 2)[:, :c],
            lambda a, b: Doubled.apply(a) + b,
            lambda a, b: torch.stack([a, b.relu()], 1).amax(1),
            lambda a, b: (
                (a.flatten(2).transpose(1, 2) @ self.convs[0].weight[:, :, 1, 1]).transpose(1, 2).view(b.shape) + b
            ),
            lambda a, b: a.sort(1).values - b,
            lambda a, b: torch.cat([a.unsqueeze(2), b.unsqueeze(2)], 2).flatten(1, 2)[:, 1 : c + 1],
        )

    def forward(self, x: Tensor) -> Tensor:
        values = [torch.cat([x, x[:, :1].relu()], 1) if self.from_picture else self.first(x)]
        ways = self.ways()
        for way, a, b in self.plan:
            values.append(ways[way](values[a], values[b]))
        return values[-1]

    def __str__(self) -> str:
        return str(self.plan)
