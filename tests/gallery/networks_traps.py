"""Small networks with every trap that was found in other people's: behind autograd's back, far reaches, answers."""

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gallery.gallery import Entry, Library
from gallery.layers import CHANNELS as C
from gallery.layers import Around, Layer, around

__all__ = ["LIBRARY"]

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


class Counts(nn.Module):
    """Writes what it computes to a buffer of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros(()))
        self.register_buffer("recent", torch.zeros(C))

    def forward(self, x: Tensor) -> Tensor:
        self.seen += 1
        self.recent.mul_(0.9).add_(0.1 * x.detach().mean((0, 2, 3)))
        return x * x.sigmoid()


class HookedBackward(Around):
    """A hook that changes the gradients that pass a module."""

    def __init__(self) -> None:
        super().__init__(act=nn.Tanh())
        self.layers.act.register_full_backward_hook(lambda module, to_input, to_output: (3 * to_input[0],))


def unpacked(x: Tensor) -> Tensor:
    """What autograd keeps is changed on its way: the answer is the same, the derivative is not."""
    with torch.autograd.graph.saved_tensors_hooks(lambda kept: kept, lambda kept: 3 * kept):
        return x.sigmoid() * x


def hooked_tensor(x: Tensor) -> Tensor:
    y = x.sigmoid()
    if y.requires_grad:
        y.register_hook(lambda g: 2 * g)
    return y * x


def gate_by_values(x: Tensor) -> Tensor:
    return x.tanh() if x.mean() > 0 else 2 * x.sigmoid()


def without_autograd(x: Tensor) -> Tensor:
    with torch.no_grad():
        scale = x.sigmoid()
    return x * scale


def overwritten(x: Tensor) -> Tensor:
    y = x * 1
    with torch.no_grad():
        y.clamp_(-0.5, 0.5)
    return y * x.sigmoid()


def overwritten_in_parts(x: Tensor) -> Tensor:
    y = x.clone()
    y[:, 1::2] *= x[:, ::2].sigmoid()
    y[..., :4] = 0
    return y


def depends_on_requires_grad(x: Tensor) -> Tensor:
    return x.sigmoid() * (x if x.requires_grad else x.detach())


def depends_on_grad_mode(x: Tensor) -> Tensor:
    return x.sigmoid() * (x if torch.is_grad_enabled() else x.detach())


def gradients_inside(x: Tensor) -> Tensor:
    """One step against the gradient of an energy, as networks that optimise have it; the gradient is a constant."""
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        (slope,) = torch.autograd.grad((y.sigmoid() ** 2).sum(), y)
    return x.tanh() - 0.5 * slope


def inference_mode_inside(x: Tensor) -> Tensor:
    with torch.inference_mode():
        scale = x.detach().sigmoid()
    return x * scale.clone()


def in_single_precision(x: Tensor) -> Tensor:
    """As networks do that were trained in half precision."""
    return x.float().softmax(1).to(x.dtype) * x


class Scripted(nn.Module):
    """A part of it is TorchScript, which has no Python to look at."""

    def __init__(self) -> None:
        super().__init__()
        self.script = torch.jit.script(nn.Sequential(nn.Conv2d(C, C, 3, padding=1), nn.SiLU()))

    def forward(self, x: Tensor) -> Tensor:
        return self.script(x) + x


class ChannelsLast(nn.Module):
    """A map in channels-last memory and one that is not, added before a convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.tokens, self.conv = nn.BatchNorm2d(C), nn.LayerNorm(C), nn.Conv2d(C, C, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(self.norm(x) + self.tokens(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2))


def checkpointed(x: Tensor) -> Tensor:
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


def complex_numbers(x: Tensor) -> Tensor:
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


def turned(x: Tensor) -> Tensor:
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


def windows(x: Tensor) -> Tensor:
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


class SuperResolution(nn.Module):
    """Twice the picture's size, by pixel shuffle over a resized picture."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.PReLU(8), nn.Conv2d(8, 12, 3, padding=1), nn.PixelShuffle(2)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + F.interpolate(x, scale_factor=2, mode="bicubic")


class Denoiser(nn.Module):
    """The picture less what is noise in it."""

    def __init__(self) -> None:
        super().__init__()
        self.noise = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(4, 4, 3, padding=1),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.Conv2d(4, 1, 3, padding=1),
        )

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


def layer(name: str, part: Callable[[], nn.Module], **options: Any) -> Entry:
    """One layer between two convolutions."""
    return Entry(name, around(part), **options)


def function(name: str, of: Callable[[Tensor], Tensor]) -> Entry:
    """The same, without weights."""
    return Entry(name, around(lambda: Layer(of)))


def resized(found: Tensor) -> Tensor:
    return F.interpolate(found, (32, 32), mode="bilinear", align_corners=False)


def answers(
    name: str, wrap: Callable[[Tensor], Any], answer: Callable[[Any], Tensor], picked: str, **options: Any
) -> Entry:
    """A network that wraps its map."""
    return Entry(name, lambda: Answers(wrap), answer, picked, **options)


LIBRARY = Library(
    "traps",
    "2.13",
    [
        Entry("hooks itself at the first pass", HooksItself),
        Entry("makes a part at the first pass", GrowsItself),
        Entry("an attribute called modules", CalledModules),
        Entry("tables and notes", Tables),
        layer("counts in buffers", Counts),
        Entry("a hook on a module's gradients", HookedBackward),
        function("gradient reversal", lambda x: Reverse.apply(x).sigmoid()),
        function("straight-through rounding", lambda x: Round.apply(x) * x),
        function("a custom function that is right", Swish.apply),
        function("saved values changed", unpacked),
        function("a hook on a gradient", hooked_tensor),
        function("a gate by values", gate_by_values),
        function("no_grad inside", without_autograd),
        function("detach", lambda x: x * x.sigmoid().detach()),
        function(".data", lambda x: x * x.sigmoid().data),
        function("in-place under no_grad", overwritten),
        function("in-place in parts", overwritten_in_parts),
        function("asks whether its input requires grad", depends_on_requires_grad),
        function("asks whether autograd is on", depends_on_grad_mode),
        function("a gradient inside", gradients_inside),
        function("inference_mode inside", inference_mode_inside),
        Entry("single precision inside", around(lambda: Layer(in_single_precision)), digits=1e-6),
        function("checkpointed", checkpointed),
        layer("TorchScript inside", Scripted),
        layer("channels-last memory", ChannelsLast),
        layer("Fourier filter", Fourier),
        function("complex numbers", complex_numbers),
        layer("learned grid_sample", Bent),
        function("fixed grid_sample", turned),
        layer("deformable gather", Deformable),
        layer("non-local attention", NonLocal, size=(24, 24)),
        layer("attention along rows", Axial, size=(16, 16)),
        layer("recurrent along rows", Recurrent, size=(12, 12)),
        function("moved windows", windows),
        Entry("tokens and a convolutional decoder", Tokens),
        Entry("super-resolution", SuperResolution, size=(16, 20)),
        Entry("denoiser", Denoiser, channels=1),
        answers("a list", lambda y: [y, half(y)], lambda found: found[0], "[0]"),
        answers("a dataclass", lambda y: Found(None, half(y)), lambda found: found.logits, ".logits"),
        answers("a dictionary", lambda y: {"aux": half(y), "out": y}, lambda found: found["out"], '["out"]'),
        answers(
            "a dictionary of disparities", lambda y: {("disp", 1): half(y), ("disp", 0): y}, lambda found: found["disp", 0],
            '[("disp", 0)]',
        ),
        answers("the second of two", lambda y: Pair(half(y), y), lambda found: found.fine, ".fine", output="fine"),
        answers("resized", half, resized, "the tensor, resized", resize="bilinear"),
    ],
)  # fmt: skip
