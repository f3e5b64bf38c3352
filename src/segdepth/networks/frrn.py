"""FRRN A and B: Pohlen, Hermans, Mathias and Leibe 2017, arXiv:1611.08323."""

from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from segdepth.core.tables import pick
from segdepth.layers.initialise import he_normal_, small_normal_
from segdepth.layers.padding import pad_to_multiple
from segdepth.layers.resize import resize_bilinear
from segdepth.layers.widths import Width, scale_channels

from .network import Network

__all__ = ["FRRN", "FullResolutionResidualUnit", "ResidualUnit"]

Counts = tuple[tuple[int, int], ...]

BASE_CHANNELS = 48
STREAM_CHANNELS = 32


class ResidualUnit(nn.Module):
    """Two 3x3 convolutions around a shortcut, without a ReLU after the sum.

    Args:
        in_channels: of the input; where they differ from ``out_channels``, the shortcut is a 1x1 convolution.
        out_channels: of the output.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.project = (
            nn.Identity() if in_channels == out_channels else nn.Conv2d(in_channels, out_channels, 1, bias=False)
        )

    def forward(self, x: Float[Tensor, "b _ h w"]) -> Float[Tensor, "b _ h w"]:
        """The unit's output."""
        out = F.relu(self.bn1(self.conv1(x)), inplace=True)
        return self.bn2(self.conv2(out)).add_(self.project(x))  # type: ignore[no-any-return]


class FullResolutionResidualUnit(nn.Module):
    """Two 3x3 convolutions of the pooling stream and the pooled residual stream (figure 3 of the paper).

    Args:
        in_channels: of the pooling stream that enters.
        out_channels: of the pooling stream that leaves.
        stream_channels: of the residual stream.
    """

    def __init__(self, in_channels: int, out_channels: int, stream_channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels + stream_channels, out_channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.residual = nn.Conv2d(out_channels, stream_channels, 1)

    def forward(
        self, y: Float[Tensor, "b _ h w"], pooled: Float[Tensor, "b r h w"]
    ) -> tuple[Float[Tensor, "b _ h w"], Float[Tensor, "b r h w"]]:
        """The pooling stream, and what to add to the residual stream, both at the unit's own scale.

        Args:
            y: the pooling stream.
            pooled: the residual stream, max-pooled to the same size.
        """
        y = F.relu(self.bn1(self.conv1(torch.cat([y, pooled], dim=1))), inplace=True)
        y = F.relu(self.bn2(self.conv2(y)), inplace=True)
        return y, self.residual(y)


class Stage(nn.ModuleList):
    """The full-resolution residual units of one scale.

    Args:
        count: of units.
        in_channels: of the pooling stream that enters.
        out_channels: of the pooling stream that leaves.
        stream_channels: of the residual stream.
    """

    def __init__(self, count: int, in_channels: int, out_channels: int, stream_channels: int) -> None:
        inputs = self.unit_inputs(count, in_channels, out_channels)
        super().__init__(FullResolutionResidualUnit(c, out_channels, stream_channels) for c in inputs)

    @staticmethod
    def unit_inputs(count: int, in_channels: int, out_channels: int) -> list[int]:
        """Channels of the pooling stream that each unit reads: the one that entered, then what the unit before made."""
        return [in_channels] + [out_channels] * (count - 1)

    def forward(
        self, y: Float[Tensor, "b _ h w"], pooled: Float[Tensor, "b r h w"]
    ) -> tuple[Float[Tensor, "b _ h w"], Float[Tensor, "b r h w"]]:
        """The pooling stream that leaves, and the sum of what the units add to the residual stream.

        Args:
            y: the pooling stream.
            pooled: the residual stream, max-pooled to the same size.
        """
        first, *others = self
        y, added = first(y, pooled)
        for unit in others:
            y, change = unit(y, pooled + added)
            added = added + change
        return y, added


class FRRN(Network):
    """A stream at full resolution, to which units at coarser scales add; they read it max-pooled.

    The stream is never touched at full resolution between its beginning and its end. A unit of scale ``s`` adds one
    number to all ``s x s`` pixels of a cell, and ``maxpool(z + upsample(r)) = maxpool(z) + r``; so it is enough to
    keep, at each scale, the pooled stream and the sum of what was added. The numbers are the same, without a
    full-size pooling, enlargement and sum, and a full-size copy kept for the backward pass, in every unit.

    Sizes that are no multiple of the coarsest scale (16 in A, 32 in B) are padded with zeros and cropped.

    Args:
        out_channels: see :class:`Network`.
        output: see :class:`Network`.
        model_type: ``"A"`` or ``"B"``, which goes one scale further down.
        width: multiplies every channel count; 0.25 trains on a laptop.

    Raises:
        ConfigError: if ``model_type`` is neither A nor B.
    """

    #: Table 1 of the paper: (units, channels) of the encoder's stages at scales 2, 4, 8, ..., and of the decoder's.
    STAGES: ClassVar[dict[str, tuple[Counts, Counts]]] = {
        "A": (((3, 96), (4, 192), (2, 384), (2, 384)), ((2, 96), (2, 192), (2, 192))),
        "B": (((3, 96), (4, 192), (2, 384), (2, 384), (2, 384)), ((2, 96), (2, 192), (2, 192), (2, 192))),
    }
    STAGE: ClassVar[type[Stage]] = Stage

    def __init__(
        self,
        out_channels: int,
        output: str,
        *,
        model_type: Literal["A", "B"] = "A",
        width: Width = 1.0,
    ) -> None:
        super().__init__(out_channels, output)
        encoder, decoder = pick(self.STAGES, model_type, kind="FRRN model_type")
        base, stream = (scale_channels(c, width) for c in (BASE_CHANNELS, STREAM_CHANNELS))
        self.multiple = 2 ** len(encoder)
        self.stem = nn.Sequential(self.first_convolution(base), nn.BatchNorm2d(base), nn.ReLU(inplace=True))
        self.before = nn.Sequential(*(ResidualUnit(base, base) for _ in range(3)))
        self.split = nn.Conv2d(base, stream, 1, bias=False)
        channels = base
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for count, out in encoder:
            out = scale_channels(out, width)
            self.down.append(self.STAGE(count, channels, out, stream))
            channels = out
        for count, out in reversed(decoder):  # from coarse to fine, but numbered by scale as the encoder is
            out = scale_channels(out, width)
            self.up.insert(0, self.STAGE(count, channels, out, stream))
            channels = out
        self.make_end(channels + stream, base)
        self.head = self.make_head(base)
        he_normal_(self)
        small_normal_(self.head)

    def first_convolution(self, channels: int) -> nn.Conv2d:
        """The stem's, without a bias, which batch norm would take away."""
        return nn.Conv2d(3, channels, 5, padding=2, bias=False)

    def make_end(self, in_channels: int, channels: int) -> None:
        """Make what :meth:`end` goes through before the head.

        Args:
            in_channels: of the two streams together.
            channels: that the head reads.
        """
        self.after = nn.Sequential(*(ResidualUnit(c, channels) for c in (in_channels, channels, channels)))

    def make_head(self, channels: int) -> nn.Conv2d:
        """The last linear map."""
        return nn.Conv2d(channels, self.out_channels, 1)

    def end(self, x: Float[Tensor, "b _ h w"]) -> Float[Tensor, "b _ h w"]:
        """The head's map, from the two streams together at full resolution."""
        return self.head(self.after(x))  # type: ignore[no-any-return]

    def raw(self, x: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c h w"]:
        """The head's map."""
        height, width = x.shape[-2:]
        y = self.before(self.stem(pad_to_multiple(x, self.multiple)))
        z = self.split(y)
        # per scale: the residual stream, pooled, as the encoder leaves it there; and what the encoder added there
        streams, additions = [z], []
        for stage in self.down:
            y, z = F.max_pool2d(y, 2), F.max_pool2d(z, 2)
            y, added = stage(y, z)
            z = z + added
            streams.append(z)
            additions.append(added)
        streams.pop()
        # all that was added at a scale and at coarser ones since the encoder left the next finer scale
        change = additions.pop()
        for stage in reversed(list(self.up)):
            change = _upsample(change)
            y, added = stage(_double(y), streams.pop() + change)
            change = change + additions.pop() + added
        y, z = _double(y), streams.pop() + _upsample(change)
        return self.end(torch.cat([y, z], dim=1))[..., :height, :width]


def _double(y: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h2 w2"]:
    """Bilinear unpooling."""
    return resize_bilinear(y, (2 * y.shape[-2], 2 * y.shape[-1]))


def _upsample(change: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h2 w2"]:
    """Each number over its 2x2 pixels."""
    return F.interpolate(change, scale_factor=2, mode="nearest")
