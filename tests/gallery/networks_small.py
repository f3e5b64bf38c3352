"""Small networks with every trap that was found in other people's, and every way to write what they hold."""

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .gallery import Entry

__all__ = ["NETWORKS"]

#: Channels between the convolutions.
C = 4


class Layer(nn.Module):
    """A function of a map, with parts of its own."""

    def __init__(self, function: Callable[[Any, Tensor], Tensor], **parts: Any) -> None:
        super().__init__()
        self.function = function
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self, x)


class Around(nn.Module):
    """Layers between two convolutions."""

    def __init__(self, channels: int = C, **layers: nn.Module) -> None:
        super().__init__()
        self.before = nn.Sequential(nn.Conv2d(3, C, 3, padding=1), nn.LeakyReLU())
        self.layers = nn.Sequential(OrderedDict(layers))
        self.after = nn.Conv2d(channels, 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.after(self.layers(self.before(x)))


class Beside(Around):
    """The same, the layers beside each other: each has its share in every answer."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.before(x)
        return self.after(sum(layer(x) for layer in self.layers))


def around(channels: int = C, **functions: Callable[[Any, Tensor], Tensor]) -> Callable[[], nn.Module]:
    """A network of functions without weights."""
    return lambda: Around(channels, **{name: Layer(function) for name, function in functions.items()})


# What a network does behind autograd's back, or depends on.


class Reverse(torch.autograd.Function):
    """Goes back with the other sign."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, given: Tensor) -> Tensor:
        return -0.5 * given


class Round(torch.autograd.Function):
    """A step whose derivative is said to be one."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return (4 * x).round() / 4

    @staticmethod
    def backward(ctx: Any, given: Tensor) -> Tensor:
        return given


class Swish(torch.autograd.Function):
    """Right, and keeps one tensor of two."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x * x.sigmoid()

    @staticmethod
    def backward(ctx: Any, given: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return given * (x.sigmoid() * (1 + x * (1 - x.sigmoid())))


class HooksItself(Around):
    """Installs a hook when it runs first, and notes that it did."""

    def forward(self, x: Tensor) -> Tensor:
        if not hasattr(self, "hooked"):
            self.before.register_forward_hook(lambda module, given, answer: 2 * answer)
            self.hooked = True
        return super().forward(x)


class GrowsItself(Around):
    """A part of it is made by the first pass, which is noted in a dictionary in a dictionary, or in a namespace."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: dict[str, dict[str, bool]] = {"ready": {}}
        self.config = SimpleNamespace(passes=0)

    def forward(self, x: Tensor) -> Tensor:
        if not self.notes["ready"]:
            self.notes["ready"]["yes"] = True
            self.config.passes += 1
            self.middle = nn.Conv2d(C, C, 1, dtype=x.dtype)
            nn.init.eye_(self.middle.weight[..., 0, 0].data)
            nn.init.ones_(self.middle.bias)
        return self.after(self.middle(self.before(x)))


class CalledModules(nn.Module):
    """Its parts in a list called ``modules``, as ESPNet has it, and a flag called ``train``."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 2, 3, padding=1)
        self.modules = [self.first]
        self.train = False

    def forward(self, x: Tensor) -> Tensor:
        return self.modules[0](x).tanh()


class Tables(Around):
    """Notes what it needs at a size: a ramp and a table by size, and what it sees in containers of every kind."""

    def __init__(self) -> None:
        super().__init__()
        self.ramp: Tensor | None = None
        self.tables: dict[int, Tensor] = {}
        self.ordered: OrderedDict[str, int] = OrderedDict(a=1, b=2)
        self.recent: deque[int] = deque([1, 2], maxlen=2)
        self.names = {"a"}
        self.steps = [1]

    def forward(self, x: Tensor) -> Tensor:
        width = x.shape[-1]
        if self.ramp is None or self.ramp.shape[-1] != width:
            self.ramp = torch.linspace(0.5, 1, width, dtype=x.dtype)
        if width not in self.tables:
            self.tables[width] = torch.arange(width, dtype=x.dtype).sin()
        self.ordered.move_to_end("a")
        self.recent.append(3)
        self.names.add("b")
        self.steps.append(len(self.steps))
        return self.after(self.before(x) * self.ramp + self.tables[width])


class Counts(Around):
    """Writes what it computes to a buffer of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros(()))
        self.register_buffer("recent", torch.zeros(C))

    def forward(self, x: Tensor) -> Tensor:
        y = self.before(x)
        self.seen += 1
        self.recent.mul_(0.9).add_(0.1 * y.detach().mean((0, 2, 3)))
        return self.after(y * y.sigmoid())


class HookedBackward(Around):
    """A hook that changes the gradients that pass a module."""

    def __init__(self) -> None:
        super().__init__(act=nn.Tanh())
        self.layers.act.register_full_backward_hook(lambda module, to_input, to_output: (3 * to_input[0],))


def unpacked(_: Any, x: Tensor) -> Tensor:
    """What autograd keeps is changed on its way: the answer is the same, the derivative is not."""
    with torch.autograd.graph.saved_tensors_hooks(lambda kept: kept, lambda kept: 3 * kept):
        return x.sigmoid() * x


def hooked_tensor(_: Any, x: Tensor) -> Tensor:
    y = x.sigmoid()
    if y.requires_grad:
        y.register_hook(lambda g: 2 * g)
    return y * x


def gate_by_values(_: Any, x: Tensor) -> Tensor:
    return x.tanh() if x.mean() > 0 else 2 * x.sigmoid()


def without_autograd(_: Any, x: Tensor) -> Tensor:
    with torch.no_grad():
        scale = x.sigmoid()
    return x * scale


def overwritten(_: Any, x: Tensor) -> Tensor:
    y = x * 1
    with torch.no_grad():
        y.clamp_(-0.5, 0.5)
    return y * x.sigmoid()


def overwritten_in_parts(_: Any, x: Tensor) -> Tensor:
    y = x.clone()
    y[:, 1::2] *= x[:, ::2].sigmoid()
    y[..., :4] = 0
    return y


def depends_on_requires_grad(_: Any, x: Tensor) -> Tensor:
    return x.sigmoid() * (x if x.requires_grad else x.detach())


def depends_on_grad_mode(_: Any, x: Tensor) -> Tensor:
    return x.sigmoid() * (x if torch.is_grad_enabled() else x.detach())


def gradients_inside(_: Any, x: Tensor) -> Tensor:
    """One step against the gradient of an energy, as networks that optimise have it; the gradient is a constant."""
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        (slope,) = torch.autograd.grad((y.sigmoid() ** 2).sum(), y)
    return x.tanh() - 0.5 * slope


def checkpointed(_: Any, x: Tensor) -> Tensor:
    from torch.utils.checkpoint import checkpoint

    return checkpoint(lambda y: y.sigmoid() * y, x, use_reentrant=False)  # type: ignore[no-any-return]


# What reaches far, or where the picture says.


class Fourier(nn.Module):
    """A filter of frequencies."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(C, 1, 1, 2))

    def forward(self, x: Tensor) -> Tensor:
        spectrum = torch.fft.rfft2(x, norm="ortho") * torch.view_as_complex(self.weight)
        return torch.fft.irfft2(spectrum, s=x.shape[-2:], norm="ortho")


def complex_numbers(_: Any, x: Tensor) -> Tensor:
    z = torch.complex(x[:, ::2], x[:, 1::2])
    z = z * z.conj().roll(1, 1) + z**2
    return torch.cat([z.real, z.imag], 1) * z.abs().repeat(1, 2, 1, 1)


class Bent(nn.Module):
    """Samples a map where a convolution of it says."""

    def __init__(self) -> None:
        super().__init__()
        self.offset = nn.Conv2d(C, 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        rows, columns = (torch.linspace(-1, 1, n, dtype=x.dtype) for n in x.shape[-2:])
        grid = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), -1)
        grid = grid + 0.1 * self.offset(x).permute(0, 2, 3, 1).tanh()
        return F.grid_sample(x, grid, align_corners=True, padding_mode="border")


def turned(_: Any, x: Tensor) -> Tensor:
    """Samples a map at places that do not depend on it."""
    theta = torch.tensor([[[0.9, 0.2, 0.1], [-0.2, 0.9, 0.0]]], dtype=x.dtype)
    return F.grid_sample(x, F.affine_grid(theta, list(x.shape), align_corners=False), align_corners=False)


class Deformable(nn.Module):
    """Gathers from whole places that a convolution chooses, and weighs what it found by what it chose."""

    def __init__(self) -> None:
        super().__init__()
        self.offset = nn.Conv2d(C, 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        columns = x.shape[-1]
        moved = torch.arange(columns) + self.offset(x).mul(3).round().long()
        found = x.gather(3, moved.clamp(0, columns - 1).expand_as(x))
        return found * self.offset(x).sigmoid()


class NonLocal(nn.Module):
    """Attention between all positions."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v = (nn.Conv2d(C, C, 1) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (part(x).flatten(2) for part in (self.q, self.k, self.v))
        weights = (q.transpose(1, 2) @ k / 2).softmax(-1)
        return x + (v @ weights.transpose(1, 2)).view_as(x)


class Axial(nn.Module):
    """Attention along each row."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(C, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        rows = x[0].permute(1, 2, 0)
        return x + self.attention(rows, rows, rows, need_weights=False)[0].permute(2, 0, 1)[None]


class Recurrent(nn.Module):
    """A recurrent network along each row."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(C, C, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.gru(x[0].permute(1, 2, 0))[0].permute(2, 0, 1)[None]


def windows(_: Any, x: Tensor) -> Tensor:
    """Moved windows of 4x4, each normed, as a Swin transformer cuts them; and back."""
    b, c, h, w = x.shape
    x = torch.roll(x, (-2, -2), (2, 3)).permute(0, 2, 3, 1)
    x = x.view(b, h // 4, 4, w // 4, 4, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, 16, c)
    x = x * x.sigmoid() + x.mean(1, keepdim=True)
    x = x.view(b, h // 4, w // 4, 4, 4, c).permute(0, 1, 3, 2, 4, 5).reshape(b, h, w, c)
    return torch.roll(x, (2, 2), (1, 2)).permute(0, 3, 1, 2)


class Tokens(nn.Module):
    """An encoder of tokens with a class token, and a convolutional decoder."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, 8, 4, 4)
        self.cls = nn.Parameter(torch.randn(1, 1, 8))
        self.place = nn.Parameter(torch.randn(1, 1 + 8 * 8, 8))
        self.encoder = nn.TransformerEncoderLayer(8, 2, 16, 0.0, "gelu", batch_first=True, norm_first=True)
        self.decoder = nn.Sequential(
            nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Upsample(scale_factor=4, mode="bilinear"),
            nn.Conv2d(8, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 2, 1),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        maps = self.embed(x)
        tokens = torch.cat([self.cls, maps.flatten(2).transpose(1, 2)], 1) + self.place
        tokens = self.encoder(tokens)[:, 1:]
        return self.decoder(tokens.transpose(1, 2).unflatten(2, maps.shape[-2:]))


# One thing in all its spellings.


def excited(function: Callable[[Any, Tensor], Tensor], kind: type[nn.Module]) -> nn.Module:
    """Squeeze and excitation: a function gives one number a channel, ``[1, c, 1, 1]``."""
    parts = [nn.Linear(C, 2), nn.Linear(2, C)] if kind is nn.Linear else [nn.Conv2d(C, 2, 1), nn.Conv2d(2, C, 1)]
    both = nn.Sequential(parts[0], nn.SiLU(), parts[1], nn.Sigmoid())
    return Layer(lambda self, x: x * function(self.weigh, x), weigh=both)


def squeeze_and_excitation() -> nn.Module:
    return Beside(
        pooled_conv=excited(lambda f, x: f(F.adaptive_avg_pool2d(x, 1)), nn.Conv2d),
        kept_mean_conv=excited(lambda f, x: f(x.mean((2, 3), keepdim=True)), nn.Conv2d),
        two_means_conv=excited(lambda f, x: f(x.mean(3, keepdim=True).mean(2, keepdim=True)), nn.Conv2d),
        large_pool_conv=excited(lambda f, x: f(F.avg_pool2d(x, list(x.shape[2:]))), nn.Conv2d),
        mean_linear=excited(lambda f, x: f(x.mean((2, 3)))[:, :, None, None], nn.Linear),
        pooled_linear=excited(lambda f, x: f(F.adaptive_avg_pool2d(x, 1).flatten(1)).view(1, C, 1, 1), nn.Linear),
        flat_linear=excited(lambda f, x: f(x.view(1, C, -1).mean(-1)).unsqueeze(-1).unsqueeze(-1), nn.Linear),
        sum_linear=excited(lambda f, x: f(x.sum((-1, -2)) / 100).reshape(1, C, 1, 1).expand_as(x), nn.Linear),
        last_linear=excited(lambda f, x: f(x.permute(0, 2, 3, 1).mean((1, 2), True)).permute(0, 3, 1, 2), nn.Linear),
        largest=excited(lambda f, x: f(x.amax((2, 3))).view(1, C, 1, 1), nn.Linear),
        largest_pooled=excited(lambda f, x: f(F.adaptive_max_pool2d(x, 1)), nn.Conv2d),
        along_channels=Layer(
            lambda self, x: x * self.conv(x.mean((2, 3))[:, None]).sigmoid().transpose(1, 2)[..., None],
            conv=nn.Conv1d(1, 1, 3, padding=1),
        ),
        spread=Layer(lambda self, x: x / (1 + x.std((2, 3), keepdim=True))),
        positions=Layer(
            lambda self, x: x * self.conv(torch.cat([x.mean(1, True), x.amax(1, True)], 1)).sigmoid(),
            conv=nn.Conv2d(2, 1, 3, padding=1),
        ),
        by_hand=Layer(lambda self, x: torch.einsum("bchw,bc->bchw", x, x.mean((2, 3)).softmax(1))),
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


def first_norm(_: Any, x: Tensor) -> Tensor:
    """ConvNeXt's norm over channels, by hand."""
    centred = x - x.mean(1, keepdim=True)
    return centred / torch.sqrt(centred.pow(2).mean(1, keepdim=True) + 1e-6)


def channel_norms() -> nn.Module:
    return Beside(
        layer=LastNorm(nn.LayerNorm(C)), rms=LastNorm(nn.RMSNorm(C, eps=1e-6)), by_hand=Layer(first_norm),
        variance=Layer(lambda self, x: x * (x.var(1, unbiased=False, keepdim=True) + 0.1).rsqrt()),
        unit=Layer(lambda self, x: F.normalize(x, dim=1) + 0.1 * x),
        response=nn.LocalResponseNorm(3, alpha=0.5),
        batch=nn.BatchNorm2d(C),
    )  # fmt: skip


def global_norms() -> nn.Module:
    return Beside(
        group=nn.GroupNorm(2, C), one_group=nn.GroupNorm(1, C), instance=nn.InstanceNorm2d(C, affine=True),
        tracked=nn.InstanceNorm2d(C, track_running_stats=True), grn=ResponseNorm((2, 3)), grn_last=ResponseNorm((1, 2)),
        everything=nn.LayerNorm((C, 32, 32)),
        by_hand=Layer(lambda self, x: (x - x.mean((2, 3), True)) / (x.var((2, 3), keepdim=True) + 1e-5).sqrt()),
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


def resized(**options: Any) -> Callable[[Any, Tensor], Tensor]:
    return lambda self, x: F.interpolate(x, **options)


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
        power=Layer(lambda self, x: F.lp_pool2d(x.abs() + 0.1, 2.0, 2, 1)), uneven=nn.AdaptiveAvgPool2d((11, 13)),
        largest=nn.AdaptiveMaxPool2d((7, 9)),
        there_and_back=Layer(lambda self, x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2, output_size=x.shape[-2:])),
    )  # fmt: skip


def circular(_: Any, x: Tensor) -> Tensor:
    return F.pad(x, (2, 1, 1, 3), mode="circular")


def borders() -> nn.Module:
    return Around(
        circular=Layer(circular), circular_conv=nn.Conv2d(C, C, 3, padding=2, padding_mode="circular", groups=2),
        reflected=nn.Conv2d(C, C, 5, padding=2, padding_mode="reflect"), repeated=nn.ReplicationPad2d((1, 0, 2, 0)),
        cut=nn.ZeroPad2d((-1, 2, 0, -3)), constant=nn.ConstantPad2d(1, 0.5), rolled=Layer(lambda self, x: x.roll((3, -5), (2, 3))),
        rolled_flat=Layer(lambda self, x: x.roll(7)), turned=Layer(lambda self, x: x.rot90(1, (2, 3)) + x.flip(3).transpose(2, 3)),
        same=nn.Conv2d(C, C, 4, padding="same"), triangle=Layer(lambda self, x: x.triu() + 0.5 * x),
    )  # fmt: skip


def shuffled_channels(_: Any, x: Tensor) -> Tensor:
    return x.view(1, 2, C // 2, *x.shape[-2:]).transpose(1, 2).reshape(x.shape)


def shuffles() -> nn.Module:
    return Around(
        unshuffle=Layer(lambda self, x: F.pixel_unshuffle(x, 2)), mix=nn.Conv2d(4 * C, 4 * C, 3, padding=1, groups=4),
        shuffle=nn.PixelShuffle(2), by_hand=Layer(shuffled_channels), shuffled=nn.ChannelShuffle(2),
        space_to_depth=Layer(lambda self, x: torch.cat([x[..., ::2, ::2], x[..., 1::2, ::2], x[..., ::2, 1::2], x[..., 1::2, 1::2]], 1)),
        fewer=nn.Conv2d(4 * C, C, 1), up=nn.ConvTranspose2d(C, C, 3, 2, 1, output_padding=1),
        folded=Layer(lambda self, x: F.fold(F.unfold(x, 3, padding=1), x.shape[-2:], 3, padding=1) / 9),
        halves=Layer(lambda self, x: torch.cat([half * half.flip(1) for half in x.chunk(2, 1)], 1)),
        picked=Layer(lambda self, x: x[:, [2, 0, 3, 1]] + x.index_select(1, torch.tensor([1, 1, 0, 0]))),
        repeated=Layer(lambda self, x: x.repeat(1, 1, 2, 1)[:, :, ::2] + x.repeat_interleave(2, 3)[..., 1::2]),
        straightened=Layer(lambda self, x: x.flatten(2).unflatten(2, x.shape[-2:]).movedim(1, -1).contiguous().movedim(-1, 1)),
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
    return Beside(
        linear=LinearChannels(), softmax=Layer(lambda self, x: x.softmax(1) * x), log=Layer(lambda self, x: x.log_softmax(1)),
        total=Layer(lambda self, x: x - x.logsumexp(1, keepdim=True)), largest=Layer(lambda self, x: x + x.max(1, keepdim=True).values),
        winner=Layer(lambda self, x: x * x.gather(1, x.argmax(1, keepdim=True))), sorted=Layer(lambda self, x: x + x.sort(1).values),
        cumulated=Layer(lambda self, x: x.cumsum(1)), best=Layer(lambda self, x: torch.cat([x.topk(2, 1).values, x[:, :2]], 1)),
        gated=Layer(lambda self, x: torch.cat([F.glu(x, 1)] * 2, 1)), maxout=Layer(lambda self, x: x.view(1, 2, 2, *x.shape[-2:]).amax(2).repeat(1, 2, 1, 1)),
        products=Layer(lambda self, x: torch.einsum("bchw,bdhw->bcdhw", x, x).sum(2)), prelu=nn.PReLU(C), product=Layer(lambda self, x: x * x.prod(1, keepdim=True)),
        similar=Layer(lambda self, x: x * F.cosine_similarity(x, x.roll(1, 3), dim=1)[:, None]),
    )  # fmt: skip


def numbers(_: Any, x: Tensor) -> Tensor:
    """Functions of single numbers that are not in every network."""
    y = torch.where(x > 0, x.clamp_min(1e-3).sqrt(), F.softsign(x)) + F.selu(x) + F.celu(x) + F.logsigmoid(x)
    y = y + torch.atan2(x, 1 + x**2) + torch.hypot(x, x + 1) + F.softshrink(x) + F.hardshrink(x) + F.tanhshrink(x)
    y = y + torch.addcmul(x, x, x, value=0.1) + torch.lerp(x, x**3, 0.2) + x.sinh().clamp(-2, 2) + torch.erfinv(x.tanh() / 2)
    return y + (x - x.round()) + x.sign() * x + torch.pow(2.0, x) + torch.fmod(x, 0.7) + x.masked_fill(x > 1, 0.3) + F.relu6(6 * x)


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
            lambda self, x: F.conv2d(x, self.make(x.mean((2, 3))).view(C, 1, 3, 3), padding=1, groups=C),
            make=nn.Linear(C, C * 9),
        ),
    )  # fmt: skip


class SuperResolution(nn.Module):
    """Twice the picture's size, by pixel shuffle over a resized picture."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.PReLU(8), nn.Conv2d(8, 12, 3, padding=1), nn.PixelShuffle(2))

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + F.interpolate(x, scale_factor=2, mode="bicubic")


class Denoiser(nn.Module):
    """The picture less what is noise in it."""

    def __init__(self) -> None:
        super().__init__()
        self.noise = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 1, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        return x - self.noise(x)


# What networks answer.


@dataclass
class Found:
    """An answer with a name that others use too."""

    loss: Tensor | None
    logits: Tensor


class Pair(NamedTuple):
    """An answer in two parts."""

    coarse: Tensor
    fine: Tensor


class Answers(nn.Module):
    """Its map in a container."""

    def __init__(self, wrap: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 3, padding=1)
        self.wrap = wrap

    def forward(self, x: Tensor) -> Any:
        return self.wrap(self.conv(x).tanh())


def half(y: Tensor) -> Tensor:
    return F.avg_pool2d(y, 2)


def layer(name: str, part: Callable[[], nn.Module], channels: int = C, **options: Any) -> Entry:
    return Entry(name, lambda: Around(channels, layer=part()), **options)


def function(name: str, part: Callable[[Any, Tensor], Tensor], **options: Any) -> Entry:
    return Entry(name, around(layer=part), **options)


def bilinear(found: Tensor) -> Tensor:
    return F.interpolate(found, (32, 32), mode="bilinear", align_corners=False)


NETWORKS = [
    Entry("hooks itself at the first pass", HooksItself),
    Entry("makes a part at the first pass", GrowsItself),
    Entry("an attribute called modules", CalledModules),
    Entry("tables and notes", Tables),
    Entry("counts in buffers", Counts),
    Entry("a hook on a module's gradients", HookedBackward),
    function("gradient reversal", lambda _, x: Reverse.apply(x).sigmoid()),
    function("straight-through rounding", lambda _, x: Round.apply(x) * x),
    function("a custom function that is right", lambda _, x: Swish.apply(x)),
    function("saved values changed", unpacked),
    function("a hook on a gradient", hooked_tensor),
    function("a gate by values", gate_by_values),
    function("no_grad inside", without_autograd),
    function("detach", lambda _, x: x * x.sigmoid().detach()),
    function(".data", lambda _, x: x * x.sigmoid().data),
    function("in-place under no_grad", overwritten),
    function("in-place in parts", overwritten_in_parts),
    function("asks whether its input requires grad", depends_on_requires_grad),
    function("asks whether autograd is on", depends_on_grad_mode),
    function("a gradient inside", gradients_inside),
    function("checkpointed", checkpointed),
    layer("Fourier filter", Fourier),
    function("complex numbers", complex_numbers),
    layer("learned grid_sample", Bent),
    function("fixed grid_sample", turned),
    layer("deformable gather", Deformable),
    layer("non-local attention", NonLocal),
    layer("attention along rows", Axial, size=(16, 16)),
    layer("recurrent along rows", Recurrent, size=(12, 12)),
    function("moved windows", windows),
    Entry("tokens and a convolutional decoder", Tokens),
    Entry("squeeze and excitation", squeeze_and_excitation, size=(16, 24)),
    Entry("norms over channels", channel_norms),
    Entry("norms over the picture", global_norms),
    Entry("soft-argmax depth", lambda: SoftArgmax(adaptive=False), lambda found: found[:, None], "[b, h, w]"),
    Entry("soft-argmax over adaptive bins", lambda: SoftArgmax(adaptive=True), lambda found: found[:, None], "[b, h, w]"),
    layer("image pooling", ImagePooling, 10),
    Entry("resizes", resizes),
    Entry("poolings", poolings, size=(33, 40)),
    Entry("borders", borders, size=(20, 21)),
    Entry("shuffles", shuffles, size=(20, 22)),
    Entry("over channels", over_channels, size=(16, 16)),
    function("single numbers", numbers),
    Entry("a module twice, weights tied", Twice),
    Entry("weights by rule", weights_by_rule),
    Entry("super-resolution", SuperResolution, size=(16, 20)),
    Entry("denoiser", Denoiser, channels=1),
    Entry("a list", lambda: Answers(lambda y: [y, half(y)]), lambda found: found[0], "[0]"),
    Entry("a dataclass", lambda: Answers(lambda y: Found(None, half(y))), lambda found: found.logits, ".logits"),
    Entry("a dictionary", lambda: Answers(lambda y: {"aux": half(y), "out": y}), lambda found: found["out"], '["out"]'),
    Entry("monodepth2's dictionary", lambda: Answers(lambda y: {("disp", 1): half(y), ("disp", 0): y}), lambda found: found["disp", 0], '[("disp", 0)]'),
    Entry("a named tuple, the second", lambda: Answers(lambda y: Pair(half(y), y)), lambda found: found.fine, ".fine", output="fine"),
    Entry("resized", lambda: Answers(half), bilinear, "the tensor, resized", resize="bilinear"),
]
