"""Small networks that hold what others do in every way to write it."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gallery.gallery import Entry, Library
from gallery.layers import CHANNELS as C
from gallery.layers import Around, Beside, Layer, around

__all__ = ["LIBRARY"]


def excited(function: Callable[[Tensor, nn.Module], Tensor], kind: type[nn.Module]) -> nn.Module:
    """Squeeze and excitation: a function gives one number a channel, ``[1, c, 1, 1]``."""
    parts = [nn.Linear(C, 2), nn.Linear(2, C)] if kind is nn.Linear else [nn.Conv2d(C, 2, 1), nn.Conv2d(2, C, 1)]
    both = nn.Sequential(parts[0], nn.SiLU(), parts[1], nn.Sigmoid())
    return Layer(lambda x, weigh: x * function(x, weigh), weigh=both)


def squeeze_and_excitation() -> nn.Module:
    return Beside(
        pooled_conv=excited(lambda x, f: f(F.adaptive_avg_pool2d(x, 1)), nn.Conv2d),
        kept_mean_conv=excited(lambda x, f: f(x.mean((2, 3), keepdim=True)), nn.Conv2d),
        two_means_conv=excited(lambda x, f: f(x.mean(3, keepdim=True).mean(2, keepdim=True)), nn.Conv2d),
        large_pool_conv=excited(lambda x, f: f(F.avg_pool2d(x, list(x.shape[2:]))), nn.Conv2d),
        mean_linear=excited(lambda x, f: f(x.mean((2, 3)))[:, :, None, None], nn.Linear),
        pooled_linear=excited(lambda x, f: f(F.adaptive_avg_pool2d(x, 1).flatten(1)).view(1, C, 1, 1), nn.Linear),
        flat_linear=excited(lambda x, f: f(x.view(1, C, -1).mean(-1)).unsqueeze(-1).unsqueeze(-1), nn.Linear),
        sum_linear=excited(lambda x, f: f(x.sum((-1, -2)) / 100).reshape(1, C, 1, 1).expand_as(x), nn.Linear),
        last_linear=excited(lambda x, f: f(x.permute(0, 2, 3, 1).mean((1, 2), True)).permute(0, 3, 1, 2), nn.Linear),
        largest=excited(lambda x, f: f(x.amax((2, 3))).view(1, C, 1, 1), nn.Linear),
        largest_pooled=excited(lambda x, f: f(F.adaptive_max_pool2d(x, 1)), nn.Conv2d),
        along_channels=Layer(
            lambda x, conv: x * conv(x.mean((2, 3))[:, None]).sigmoid().transpose(1, 2)[..., None],
            conv=nn.Conv1d(1, 1, 3, padding=1),
        ),
        spread=Layer(lambda x: x / (1 + x.std((2, 3), keepdim=True))),
        positions=Layer(
            lambda x, conv: x * conv(torch.cat([x.mean(1, True), x.amax(1, True)], 1)).sigmoid(),
            conv=nn.Conv2d(2, 1, 3, padding=1),
        ),
        by_hand=Layer(lambda x: torch.einsum("bchw,bc->bchw", x, x.mean((2, 3)).softmax(1))),
    )


class LastNorm(nn.Module):
    """A norm over the last axis, given to channels."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ResponseNorm(nn.Module):
    """ConvNeXt V2's, over the last axis or the first."""

    def __init__(self, axes: tuple[int, int]) -> None:
        super().__init__()
        self.axes = axes
        shape = (1, C, 1, 1) if axes == (2, 3) else (C,)
        self.gamma, self.beta = nn.Parameter(torch.ones(shape)), nn.Parameter(torch.zeros(shape))

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.axes == (2, 3) else x.permute(0, 2, 3, 1)
        size = y.norm(p=2, dim=self.axes, keepdim=True)
        size = size / (size.mean(1 if self.axes == (2, 3) else -1, keepdim=True) + 1e-6)
        y = self.gamma * (y * size) + self.beta + y
        return y if self.axes == (2, 3) else y.permute(0, 3, 1, 2)


def first_norm(x: Tensor) -> Tensor:
    """ConvNeXt's norm over channels, by hand."""
    centred = x - x.mean(1, keepdim=True)
    return centred / torch.sqrt(centred.pow(2).mean(1, keepdim=True) + 1e-6)


def channel_norms() -> nn.Module:
    return Beside(
        layer=LastNorm(nn.LayerNorm(C)), rms=LastNorm(nn.RMSNorm(C, eps=1e-6)), by_hand=Layer(first_norm),
        variance=Layer(lambda x: x * (x.var(1, unbiased=False, keepdim=True) + 0.1).rsqrt()),
        unit=Layer(lambda x: F.normalize(x, dim=1) + 0.1 * x),
        response=nn.LocalResponseNorm(3, alpha=0.5),
        batch=nn.BatchNorm2d(C),
    )  # fmt: skip


def global_norms() -> nn.Module:
    return Beside(
        group=nn.GroupNorm(2, C), one_group=nn.GroupNorm(1, C), instance=nn.InstanceNorm2d(C, affine=True),
        tracked=nn.InstanceNorm2d(C, track_running_stats=True), grn=ResponseNorm((2, 3)), grn_last=ResponseNorm((1, 2)),
        everything=nn.LayerNorm((C, 32, 32)),
        by_hand=Layer(lambda x: (x - x.mean((2, 3), True)) / (x.var((2, 3), keepdim=True) + 1e-5).sqrt()),
    )  # fmt: skip


class SoftArgmax(Around):
    """Depth as the mean of its bins; the bins are of the network or of the picture."""

    def __init__(self, *, adaptive: bool) -> None:
        super().__init__()
        self.scores = nn.Conv2d(C, 8, 1)
        self.register_buffer("bins", torch.linspace(1, 10, 8))
        self.widths = nn.Linear(C, 8) if adaptive else None

    def forward(self, x: Tensor) -> Tensor:
        features = self.before(x)
        bins = self.bins
        if self.widths is not None:
            bins = self.widths(features.mean((2, 3))).softmax(1).cumsum(1)[0]
        return (self.scores(features).softmax(1) * bins[None, :, None, None]).sum(1)


def depth(found: Tensor) -> Tensor:
    return found[:, None]


class ImagePooling(nn.Module):
    """Deeplab's pyramid: dilated convolutions beside what the whole picture says."""

    def __init__(self) -> None:
        super().__init__()
        self.dilated = nn.ModuleList(nn.Conv2d(C, 2, 3, padding=d, dilation=d) for d in (1, 3))
        self.pooled = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(C, 2, 1), nn.BatchNorm2d(2), nn.ReLU())
        self.pyramid = nn.ModuleList(nn.Sequential(nn.AdaptiveAvgPool2d(n), nn.Conv2d(C, 2, 1)) for n in (2, 3))

    def forward(self, x: Tensor) -> Tensor:
        size = list(x.shape[-2:])
        parts = [layer(x) for layer in self.dilated] + [F.interpolate(self.pooled(x), size, mode="bilinear")]
        parts += [F.interpolate(layer(x), size, mode="bilinear", align_corners=True) for layer in self.pyramid]
        return torch.cat(parts, 1)


def resized(**options: Any) -> Callable[[Tensor], Tensor]:
    return lambda x: F.interpolate(x, **options)


def resizes() -> nn.Module:
    options: dict[str, dict[str, Any]] = {
        "smaller_antialiased": {"size": (19, 23), "mode": "bilinear", "antialias": True},
        "bicubic": {"scale_factor": 1.5, "mode": "bicubic"},
        "bicubic_antialiased": {"size": (17, 20), "mode": "bicubic", "antialias": True},
        "nearest_exact": {"size": (25, 31), "mode": "nearest-exact"},
        "nearest": {"size": (18, 22), "mode": "nearest"},
        "area": {"size": (13, 15), "mode": "area"},
        "corners": {"scale_factor": 2, "mode": "bilinear", "align_corners": True},
        "recomputed": {"scale_factor": 1.3, "mode": "bilinear", "recompute_scale_factor": True},
    }
    return Around(**{name: Layer(resized(**chosen)) for name, chosen in options.items()})


def poolings() -> nn.Module:
    return Around(
        ceil=nn.MaxPool2d(3, 2, 1, ceil_mode=True), dilated=nn.MaxPool2d(3, 1, 1, dilation=2),
        average=nn.AvgPool2d(3, 1, 1, count_include_pad=False), blurred=nn.AvgPool2d(2, 1, 1, ceil_mode=True),
        power=Layer(lambda x: F.lp_pool2d(x.abs() + 0.1, 2.0, 2, 1)), uneven=nn.AdaptiveAvgPool2d((11, 13)),
        largest=nn.AdaptiveMaxPool2d((7, 9)), there_and_back=Layer(unpooled),
    )  # fmt: skip


def unpooled(x: Tensor) -> Tensor:
    return F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2, output_size=x.shape[-2:])


def circular(x: Tensor) -> Tensor:
    return F.pad(x, (2, 1, 1, 3), mode="circular")


def borders() -> nn.Module:
    return Around(
        circular=Layer(circular), circular_conv=nn.Conv2d(C, C, 3, padding=2, padding_mode="circular", groups=2),
        reflected=nn.Conv2d(C, C, 5, padding=2, padding_mode="reflect"), repeated=nn.ReplicationPad2d((1, 0, 2, 0)),
        cut=nn.ZeroPad2d((-1, 2, 0, -3)), constant=nn.ConstantPad2d(1, 0.5),
        rolled=Layer(lambda x: x.roll((3, -5), (2, 3))), rolled_flat=Layer(lambda x: x.roll(7)),
        turned=Layer(lambda x: x.rot90(1, (2, 3)) + x.flip(3).transpose(2, 3)),
        same=nn.Conv2d(C, C, 3, padding="same", dilation=2), triangle=Layer(lambda x: x.triu() + 0.5 * x),
    )  # fmt: skip


def shuffled_channels(x: Tensor) -> Tensor:
    return x.view(1, 2, C // 2, *x.shape[-2:]).transpose(1, 2).reshape(x.shape)


def space_to_depth(x: Tensor) -> Tensor:
    return torch.cat([x[..., row::2, column::2] for row in (0, 1) for column in (0, 1)], 1)


def straightened(x: Tensor) -> Tensor:
    return x.flatten(2).unflatten(2, x.shape[-2:]).movedim(1, -1).contiguous().movedim(-1, 1)


def shuffles() -> nn.Module:
    return Around(
        unshuffle=Layer(lambda x: F.pixel_unshuffle(x, 2)), mix=nn.Conv2d(4 * C, 4 * C, 3, padding=1, groups=4),
        shuffle=nn.PixelShuffle(2), channels_by_hand=Layer(shuffled_channels), channels_shuffled=nn.ChannelShuffle(2),
        depth=Layer(space_to_depth), fewer=nn.Conv2d(4 * C, C, 1), up=nn.ConvTranspose2d(C, C, 3, 2, 1, output_padding=1),
        folded=Layer(lambda x: F.fold(F.unfold(x, 3, padding=1), x.shape[-2:], 3, padding=1) / 9),
        halves=Layer(lambda x: torch.cat([half * half.flip(1) for half in x.chunk(2, 1)], 1)),
        picked=Layer(lambda x: x[:, [2, 0, 3, 1]] + x.index_select(1, torch.tensor([1, 1, 0, 0]))),
        repeated=Layer(lambda x: x.repeat(1, 1, 2, 1)[:, :, ::2] + x.repeat_interleave(2, 3)[..., 1::2]),
        straightened=Layer(straightened),
    )  # fmt: skip


class LinearChannels(nn.Module):
    """A linear layer on channels, in three layouts."""

    def __init__(self) -> None:
        super().__init__()
        self.last, self.tokens = nn.Linear(C, C), nn.Linear(C, C, bias=False)
        self.weight = nn.Parameter(torch.randn(C, C))

    def forward(self, x: Tensor) -> Tensor:
        y = self.last(x.permute(0, 2, 3, 1)).relu().permute(0, 3, 1, 2)
        y = self.tokens(y.flatten(2).transpose(1, 2)).transpose(1, 2).reshape(x.shape)
        return torch.einsum("oc,bchw->bohw", self.weight, y) + (self.weight @ x.flatten(2)).view_as(x)


def over_channels() -> nn.Module:
    functions: dict[str, Callable[[Tensor], Tensor]] = {
        "softmax": lambda x: x.softmax(1) * x,
        "log": lambda x: x.log_softmax(1),
        "total": lambda x: x - x.logsumexp(1, keepdim=True),
        "largest": lambda x: x + x.max(1, keepdim=True).values,
        "winner": lambda x: x * x.gather(1, x.argmax(1, keepdim=True)),
        "sorted": lambda x: x + x.sort(1).values,
        "best": lambda x: torch.cat([x.topk(2, 1).values, x[:, :2]], 1),
        "cumulated": lambda x: x.cumsum(1),
        "gated": lambda x: torch.cat([F.glu(x, 1)] * 2, 1),
        "maxout": lambda x: x.view(1, 2, 2, *x.shape[-2:]).amax(2).repeat(1, 2, 1, 1),
        "products": lambda x: torch.einsum("bchw,bdhw->bcdhw", x, x).sum(2),
        "product": lambda x: x * x.prod(1, keepdim=True),
        "similar": lambda x: x * F.cosine_similarity(x, x.roll(1, 3), dim=1)[:, None],
    }
    layers = {name: Layer(function) for name, function in functions.items()}
    return Beside(linear=LinearChannels(), prelu=nn.PReLU(C), **layers)


def numbers(x: Tensor) -> Tensor:
    """Functions of single numbers that are not in every network."""
    y = torch.where(x > 0, x.clamp_min(1e-3).sqrt(), F.softsign(x)) + F.selu(x) + F.celu(x) + F.logsigmoid(x)
    y = y + torch.atan2(x, 1 + x**2) + torch.hypot(x, x + 1) + F.softshrink(x) + F.hardshrink(x) + F.tanhshrink(x)
    y = (
        y
        + torch.addcmul(x, x, x, value=0.1)
        + torch.lerp(x, x**3, 0.2)
        + x.sinh().clamp(-2, 2)
        + torch.erfinv(x.tanh() / 2)
    )
    return (
        y
        + (x - x.round())
        + x.sign() * x
        + torch.pow(2.0, x)
        + torch.fmod(x, 0.7)
        + x.masked_fill(x > 1, 0.3)
        + F.relu6(6 * x)
    )


class ConvexUpsampling(nn.Module):
    """RAFT's: each fine position is a mean of nine coarse neighbours, with weights that the network predicts."""

    def __init__(self) -> None:
        super().__init__()
        self.depth, self.mask = nn.Conv2d(C, 1, 3, 2, padding=1), nn.Conv2d(C, 9 * 4, 3, 2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        depth, mask = self.depth(x), self.mask(x)
        b, _, h, w = depth.shape
        mask = mask.view(b, 1, 9, 2, 2, h, w).softmax(2)
        near = F.unfold(2 * depth, 3, padding=1).view(b, 1, 9, 1, 1, h, w)
        return (mask * near).sum(2).permute(0, 1, 4, 2, 5, 3).reshape(b, 1, 2 * h, 2 * w)


class CostVolume(nn.Module):
    """Products of a map with itself at several disparities, a convolution over all, and their mean disparity."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv3d(C, 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        volume = torch.stack([x * F.pad(x, (d, 0))[..., : x.shape[-1]] for d in range(4)], 2)
        likely = self.conv(volume)[:, 0].softmax(1)
        return (likely * torch.arange(4, dtype=x.dtype).view(1, 4, 1, 1)).sum(1, keepdim=True)


class Refined(Around):
    """A recurrent convolution that runs three times, as networks of optical flow have it."""

    def __init__(self) -> None:
        super().__init__()
        self.gates, self.new = nn.Conv2d(2 * C, 2 * C, 3, padding=1), nn.Conv2d(2 * C, C, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        seen = self.before(x)
        state = seen.tanh()
        for _ in range(3):
            update, reset = self.gates(torch.cat([state, seen], 1)).sigmoid().chunk(2, 1)
            state = (1 - update) * state + update * self.new(torch.cat([reset * state, seen], 1)).tanh()
        return self.after(state)


class Mixer(nn.Module):
    """Linear layers over all positions, over rows and over columns."""

    def __init__(self) -> None:
        super().__init__()
        self.positions, self.rows, self.columns = nn.Linear(64, 64), nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        y = F.gelu(self.positions(F.avg_pool2d(x, 2).flatten(2))).unflatten(2, (8, 8))
        y = self.rows(y.transpose(2, 3)).transpose(2, 3) + self.columns(y)
        return x + F.interpolate(y, scale_factor=2, mode="bilinear")


class OwnStatistics(Around):
    """The picture is brought to mean 0 and deviation 1, and its answer back; its colours by a system that is solved."""

    def forward(self, x: Tensor) -> Tensor:
        mean, spread = x.mean(), x.std()
        flat = x.flatten(2)[0] / 32
        mixed = torch.linalg.solve(flat @ flat.T + torch.eye(3, dtype=x.dtype), x.flatten(2)[0]).view_as(x)
        return super().forward((x - mean) / spread + 0.1 * mixed / x.amax()) * spread + mean


class Twice(nn.Module):
    """One convolution called twice, and a decoder that has its weights turned around."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.shared = nn.Conv2d(3, C, 3, padding=1), nn.Conv2d(C, C, 3, padding=1)
        self.last = nn.Conv2d(C, 3, 3, padding=1)
        self.tied = nn.Conv2d(3, C, 3, padding=1)
        self.tied.weight = self.first.weight

    def forward(self, x: Tensor) -> Tensor:
        y = self.shared(self.shared(self.first(x)).relu()).relu()
        return self.last(y + self.tied(x)) + F.conv_transpose2d(y, self.first.weight, padding=1)


class Standardised(nn.Conv2d):
    """A convolution whose weights are normed at every pass."""

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        return F.conv2d(x, weight / (weight.std((1, 2, 3), keepdim=True) + 1e-5), self.bias, padding=1)


def weights_by_rule() -> nn.Module:
    return Beside(
        standardised=Standardised(C, C, 3), normed=nn.utils.parametrizations.weight_norm(nn.Conv2d(C, C, 3, padding=1)),
        spectral=nn.utils.parametrizations.spectral_norm(nn.Conv2d(C, C, 3, padding=1)),
        dynamic=Layer(
            lambda x, make: F.conv2d(x, make(x.mean((2, 3))).view(C, 1, 3, 3), padding=1, groups=C),
            make=nn.Linear(C, C * 9),
        ),
    )  # fmt: skip


LIBRARY = Library(
    "spellings",
    "2.13",
    [
        Entry("squeeze and excitation", squeeze_and_excitation, size=(16, 24)),
        Entry("norms over channels", channel_norms),
        Entry("norms over the picture", global_norms),
        Entry("soft-argmax depth", partial(SoftArgmax, adaptive=False), depth, "[b, h, w]"),
        Entry("soft-argmax over adaptive bins", partial(SoftArgmax, adaptive=True), depth, "[b, h, w]"),
        Entry("image pooling", around(ImagePooling, 10)),
        Entry("resizes", resizes),
        Entry("poolings", poolings, size=(33, 40)),
        Entry("borders", borders, size=(20, 21)),
        Entry("shuffles", shuffles, size=(20, 22)),
        Entry("over channels", over_channels, size=(16, 16)),
        Entry("single numbers", around(lambda: Layer(numbers))),
        Entry("a module twice, weights tied", Twice),
        Entry("convex upsampling", around(ConvexUpsampling, 1)),
        Entry("cost volume", around(CostVolume, 1), size=(16, 24)),
        Entry("refined three times", Refined),
        Entry("mixed positions", around(Mixer), size=(16, 16)),
        Entry("statistics of its own", OwnStatistics, size=(24, 24)),
        Entry("weights by rule", weights_by_rule),
    ],
)
