"""From gradients to maps: the gradient itself, input times gradient, integrated gradients, SmoothGrad."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from segdepth.core.errors import InputError

from .engine import Chunk, Engine
from .graph import Box
from .target import Pixel, Target

__all__ = [
    "METHODS",
    "Gradient",
    "InputXGradient",
    "IntegratedGradients",
    "Method",
    "MethodName",
    "Question",
    "SmoothGrad",
]


@dataclass(frozen=True, eq=False)
class Question:
    """Some pixels of a network's answer to a picture, ready to be explained.

    Attributes:
        image: the picture.
        window: rows and columns of it that matter.
        pixels: (row, column) of the targets in the answer.
        targets: per pixel.
        engine_at: gets an engine ready at a picture of this size.
    """

    image: Float[Tensor, "_ h w"]
    window: Box
    pixels: Sequence[Pixel]
    targets: Sequence[Target]
    engine_at: Callable[[Float[Tensor, "_ h w"]], Engine]

    def gradients(self, image: Float[Tensor, "_ h w"]) -> Iterator[Chunk]:
        """Of every target, at a picture of this size."""
        return self.engine_at(image).gradients(self.pixels, self.targets)


@dataclass(frozen=True)
class Gradient:
    """The gradient.

    Source:
        Simonyan, Vedaldi and Zisserman 2014, arXiv:1312.6034, section 3.
    """

    def attributions(self, asked: Question) -> Iterator[Chunk]:
        """Signed numbers per input value whose absolute maximum over the colours is the map.

        Args:
            asked: which pixels of which picture.
        """
        yield from asked.gradients(asked.image)


@dataclass(frozen=True)
class InputXGradient:
    """Each input value times its gradient.

    Source:
        Shrikumar et al. 2016, arXiv:1605.01713.
    """

    def attributions(self, asked: Question) -> Iterator[Chunk]:
        """See :meth:`Gradient.attributions`."""
        for indices, (rows, columns), gradients in asked.gradients(asked.image):
            yield Chunk(indices, (rows, columns), gradients * asked.image[:, slice(*rows), slice(*columns)])


@dataclass(frozen=True)
class IntegratedGradients:
    """The mean gradient on the straight line from a baseline to the picture, times their difference.

    The attributions of one pixel sum up to the target's change from the baseline to the picture, up to the error of
    the midpoint rule.

    Attributes:
        steps: points on the line.
        baseline: the value of all inputs at its beginning; 0 is the mean colour after ImageNet's normalisation.

    Raises:
        InputError: if there is no step.

    Source:
        Sundararajan, Taly and Yan 2017, arXiv:1703.01365.
    """

    steps: int = 32
    baseline: float = 0.0

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise InputError(f"integrated gradients with steps={self.steps}; at least 1 is needed")

    def attributions(self, asked: Question) -> Iterator[Chunk]:
        """See :meth:`Gradient.attributions`."""
        difference = asked.image - self.baseline
        pictures = (self.baseline + difference * (step + 0.5) / self.steps for step in range(self.steps))
        mean = _mean_gradients(asked, pictures, self.steps)
        rows, columns = (slice(*span) for span in asked.window)
        yield Chunk(list(range(len(asked.pixels))), asked.window, mean * difference[:, rows, columns])


@dataclass(frozen=True)
class SmoothGrad:
    """The mean gradient of noisy copies of the picture.

    Attributes:
        samples: number of copies.
        noise: deviation of the noise, as a share of the picture's range of values.
        seed: of the noise.

    Raises:
        InputError: if there is no sample, or the noise is negative.

    Source:
        Smilkov et al. 2017, arXiv:1706.03825.
    """

    samples: int = 16
    noise: float = 0.15
    seed: int = 0

    def __post_init__(self) -> None:
        if self.samples < 1 or not self.noise >= 0:
            raise InputError(
                f"SmoothGrad with samples={self.samples}, noise={self.noise}; at least 1 sample and no negative noise are needed"
            )

    def attributions(self, asked: Question) -> Iterator[Chunk]:
        """See :meth:`Gradient.attributions`."""
        image = asked.image
        generator = torch.Generator().manual_seed(self.seed)  # on the CPU: the same noise on any device
        deviation = self.noise * (image.max() - image.min())
        pictures = (
            image + deviation * torch.randn(image.shape, dtype=image.dtype, generator=generator).to(image.device)
            for _ in range(self.samples)
        )
        mean = _mean_gradients(asked, pictures, self.samples)
        yield Chunk(list(range(len(asked.pixels))), asked.window, mean)


def _mean_gradients(
    asked: Question, pictures: Iterator[Float[Tensor, "_ h w"]], count: int
) -> Float[Tensor, "p _ _h _w"]:
    """The gradients' mean over pictures, over the window."""
    (top, bottom), (left, right) = asked.window
    total = asked.image.new_zeros((len(asked.pixels), len(asked.image), bottom - top, right - left))
    for picture in pictures:
        for indices, (rows, columns), gradients in asked.gradients(picture):
            inside = total[:, :, rows[0] - top : rows[1] - top, columns[0] - left : columns[1] - left]
            inside[indices] += gradients
    return total.div_(count)


Method = Gradient | InputXGradient | IntegratedGradients | SmoothGrad
MethodName = Literal["gradient", "input_x_gradient", "integrated_gradients", "smoothgrad"]

#: By name, with the usual settings; ``SmoothGrad(samples=50)`` and the like can be given instead of a name.
METHODS: dict[str, Method] = {
    "gradient": Gradient(),
    "input_x_gradient": InputXGradient(),
    "integrated_gradients": IntegratedGradients(),
    "smoothgrad": SmoothGrad(),
}
