"""From a network's last map to what it answers: class logits, depth in metres, relative depth, normals."""

import math
from abc import abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from segdepth.core.errors import InputError
from segdepth.kinds import ANSWERS, KINDS, Kind

__all__ = [
    "OUTPUTS",
    "DepthOutput",
    "InverseDepth",
    "InverseMetres",
    "LogDepth",
    "Logits",
    "Metres",
    "Normals",
    "Output",
    "RelativeDepth",
    "RelativeInverseDepth",
]


class Output(nn.Module):
    """The last step of a network, without parameters.

    Attributes:
        name: what cards call it: what :meth:`forward` gives.
        answers: the kind of what :meth:`decode` answers; its name is that of the truth that it is compared with, and
            ``is_relative`` says whether that takes an alignment first.
        channels: how many the answer has; None: as many as there are classes.
        pipeline: what the hub calls networks that answer so.
        channel_names: what its channels are called, where they are not classes; a single one needs no name.
        explained: what saliency explains where nothing is said (see :data:`segdepth.saliency.Target`).
        unknown: named targets that do not follow from the answer.
        start: bias of the last layer with which an untrained network says what is usual.
    """

    name: ClassVar[str]
    answers: ClassVar[Kind]
    channels: ClassVar[int | None] = None
    pipeline: ClassVar[str]
    channel_names: ClassVar[tuple[str, ...]] = ()
    explained: ClassVar[str] = "predicted"
    unknown: ClassVar[frozenset[str]] = frozenset()
    start: ClassVar[float] = 0.0

    @abstractmethod
    def forward(self, raw: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """The network's answer from its last linear map."""

    @abstractmethod
    def decode(self, output: Float[Tensor, "b c h w"]) -> Shaped[Tensor, "b h w *values"]:
        """What a user reads: train ids (int64), metres, or what :attr:`answers` says."""

    def coarse(self, raw: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """What a coarse level hands on to a finer one."""
        return raw

    def disparity(self, raw: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 1 h w"]:
        """Inverse metres.

        Raises:
            InputError: if it answers something else than depth.
        """
        del raw
        raise InputError(f"a network that answers {self.name} has no disparity; load the depth network")

    @abstractmethod
    def change(self, before: Float[Tensor, "1 c"], after: Float[Tensor, "n c"]) -> Float[Tensor, " n"]:
        """How far an answer at a pixel moved, 0 where it did not.

        Args:
            before: output at the pixel.
            after: outputs there, for changed pictures.
        """


class Logits(Output):
    """Class logits, as they come."""

    name: ClassVar[str] = "logits"
    answers: ClassVar[Kind] = KINDS["labels"]
    pipeline: ClassVar[str] = "image-segmentation"

    def forward(self, raw: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """The logits, unchanged: without a ReLU, which would cut the negative ones and their gradients."""
        return raw

    def decode(self, output: Float[Tensor, "b c h w"]) -> Shaped[Tensor, "b h w"]:
        """The class with the largest logit."""
        return output.max(1).indices

    def change(self, before: Float[Tensor, "1 c"], after: Float[Tensor, "n c"]) -> Float[Tensor, " n"]:
        """By how much the probability of the class predicted before changed, 0..1."""
        predicted = int(before[0].argmax())
        return (after.softmax(1)[:, predicted] - before.softmax(1)[:, predicted]).abs()


class DepthOutput(Output):
    """Depth, in metres where nothing else is said; what outputs of depth share."""

    name: ClassVar[str] = "depth"
    answers: ClassVar[Kind] = KINDS["depth"]
    channels: ClassVar[int | None] = 1
    pipeline: ClassVar[str] = "depth-estimation"

    def coarse(self, raw: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h w"]:
        """Disparity, in the map's own type."""
        return self.disparity(raw).to(raw.dtype)

    def disparity(self, raw: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h w"]:
        """Inverse metres."""
        return 1 / self(raw)  # type: ignore[no-any-return]

    def decode(self, output: Float[Tensor, "b 1 h w"]) -> Shaped[Tensor, "b h w"]:
        """What is answered: metres, or what :attr:`answers` says."""
        return output.squeeze(1)

    def change(self, before: Float[Tensor, "1 c"], after: Float[Tensor, "n c"]) -> Float[Tensor, " n"]:
        """The absolute logarithm of the ratio, so 0.1 is about 10 %."""
        return (after[:, 0] / before[:, 0]).log().abs()


class LogDepth(DepthOutput):
    """Depth ``10 m * exp(b(z))`` of an unbounded ``z``, with ``b(z) = 5 * 2/pi * atan(pi/2 * z/5)``: 0.07 m to 1.5 km.

    A step in ``z`` is a relative step in depth, which is what abs_rel measures. ReLU heads stop learning wherever they
    answer 0; this one has a gradient for every ``z`` that float32 holds: the slope of ``b`` is ``1 / (1 + (pi z / 10)^2)``,
    where a hyperbolic tangent is exactly flat from 45 on. The soft bound keeps one wild update from overflowing ``exp``.
    """

    CENTRE_M: ClassVar[float] = 10.0
    BOUND: ClassVar[float] = 5.0

    def forward(self, raw: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h w"]:
        """Metres. Computed in float32 at least: half precision has not enough digits for an exponential."""
        z = raw.float() if raw.dtype in (torch.float16, torch.bfloat16) else raw
        scale = math.pi / (2 * self.BOUND)
        return self.CENTRE_M * torch.exp(torch.atan(z * scale) / scale)


class InverseDepth(DepthOutput):
    """Disparity ``10 sigmoid(z) + 0.01`` and its inverse, 0.1 m to 100 m: what DispNet predicts.

    Flat in float32 only where ``z`` is above 17, that is, where the answer is nearer than 0.1 m.
    """

    ALPHA: ClassVar[float] = 10.0
    BETA: ClassVar[float] = 0.01
    #: 10 m, as the others start, rather than 0.2 m.
    start: ClassVar[float] = math.log((1 / LogDepth.CENTRE_M - BETA) / (ALPHA - 1 / LogDepth.CENTRE_M + BETA))

    def disparity(self, raw: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h w"]:
        """Inverse metres."""
        z = raw.float() if raw.dtype in (torch.float16, torch.bfloat16) else raw
        return self.ALPHA * torch.sigmoid(z) + self.BETA

    def forward(self, raw: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h w"]:
        """Metres."""
        return 1 / self.disparity(raw)


class Metres(DepthOutput):
    """The map is depth in metres, as the metric networks of other libraries answer it.

    Depth is above zero: what is not above 2^-10 m is bent (see :func:`_above`), so that logarithms are finite and the slope is
    never zero. A network whose own last step is a ReLU has no slope where it cuts, whatever follows.
    """

    #: Metres.
    FLOOR: ClassVar[float] = 2**-10

    name: ClassVar[str] = "metres"
    start: ClassVar[float] = LogDepth.CENTRE_M

    def forward(self, raw: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h w"]:
        """Metres."""
        return _above(raw, self.FLOOR)


class InverseMetres(DepthOutput):
    """The map is disparity in inverse metres.

    Bent where it is not above 2^-10 (1 km), as :class:`Metres` bends depth. Where a ReLU gave 0 the answer is 2 km, with a
    slope; whether that passes the ReLU is the ReLU's affair.
    """

    #: Inverse metres.
    FLOOR: ClassVar[float] = 2**-10

    name: ClassVar[str] = "inverse_metres"
    start: ClassVar[float] = 1 / LogDepth.CENTRE_M

    def disparity(self, raw: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h w"]:
        """Inverse metres."""
        return _above(raw, self.FLOOR)

    def forward(self, raw: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h w"]:
        """Metres."""
        return 1 / self.disparity(raw)


class RelativeDepth(DepthOutput):
    """The map is depth up to a factor above zero, which differs from picture to picture.

    Bent where it is not above 2^-20, as :class:`Metres` bends depth.
    """

    FLOOR: ClassVar[float] = 2**-20

    name: ClassVar[str] = "relative_depth"
    answers: ClassVar[Kind] = ANSWERS["relative depth"]
    start: ClassVar[float] = 1.0

    def forward(self, raw: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h w"]:
        """Depth up to a factor."""
        return _above(raw, self.FLOOR)


class RelativeInverseDepth(DepthOutput):
    """The map is ``a / depth + b``, with ``a`` above zero and ``b`` of each picture's own: MiDaS, DPT, Depth Anything.

    It is answered as it comes, of any sign: without ``b`` there is no depth to be had from it, nor its logarithm. Saliency
    explains it itself, by "predicted" or by "disparity".

    Source:
        Ranftl et al. 2020, arXiv:1907.01341, section 5.
    """

    name: ClassVar[str] = "relative_inverse_depth"
    answers: ClassVar[Kind] = ANSWERS["relative inverse depth"]
    unknown: ClassVar[frozenset[str]] = frozenset({"depth", "log_depth"})

    def forward(self, raw: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h w"]:
        """The map, unchanged."""
        return raw

    def disparity(self, raw: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h w"]:
        """Inverse depth up to a factor and a shift."""
        return raw

    def change(self, before: Float[Tensor, "1 c"], after: Float[Tensor, "n c"]) -> Float[Tensor, " n"]:
        """The absolute difference, in the network's own units: a ratio would depend on the shift."""
        return (after[:, 0] - before[:, 0]).abs()


def _above(values: Float[Tensor, "b 1 h w"], floor: float) -> Float[Tensor, "b 1 h w"]:
    """Values as they are where they are above a floor, below it ``floor^2 / (2 floor - value)``, at least in float32.

    That is above zero, without a jump in value or slope, and its logarithm's slope is ``1 / (2 floor - value)``: never zero, so
    that a network learns its way back from however far below.

    Args:
        values: of any sign.
        floor: a power of two, so that values above it come out bit for bit.
    """
    values = values.float() if values.dtype in (torch.float16, torch.bfloat16) else values
    return values.clamp(min=floor) * (floor / (2 * floor - values.clamp(max=floor)))


class Normals(Output):
    """Vectors along surface normals; only their direction counts.

    Their length is left free, as that of logits is: the gradient of a unit vector along itself is zero everywhere.
    """

    name: ClassVar[str] = "normals"
    answers: ClassVar[Kind] = KINDS["normals"]
    channels: ClassVar[int | None] = 3
    pipeline: ClassVar[str] = "image-to-image"
    channel_names: ClassVar[tuple[str, ...]] = ("x", "y", "z")
    explained: ClassVar[str] = "direction"

    def forward(self, raw: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """The vectors, unchanged."""
        return raw

    def decode(self, output: Float[Tensor, "b 3 h w"]) -> Shaped[Tensor, "b h w 3"]:
        """Unit vectors."""
        return nn.functional.normalize(output, dim=1).movedim(1, -1)

    def change(self, before: Float[Tensor, "1 3"], after: Float[Tensor, "n 3"]) -> Float[Tensor, " n"]:
        """See :meth:`Output.change`: the sine of half the angle between the two, which needs no arc cosine."""
        one, other = (nn.functional.normalize(vectors, dim=1) for vectors in (before, after))
        return (one - other).square().sum(1).sqrt() / 2


#: By the name that cards call them by, where a paper has none of its own.
OUTPUTS: Mapping[str, type[Output]] = MappingProxyType(
    {
        output.name: output
        for output in (Logits, LogDepth, Metres, InverseMetres, RelativeInverseDepth, RelativeDepth, Normals)
    }
)
