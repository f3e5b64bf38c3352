"""From gradients to maps: the gradient itself, input times gradient, integrated gradients, SmoothGrad."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from segdepth.core.errors import InputError

from .engine import Chunk, Explainer
from .graph import Box
from .target import Pixel, Target

__all__ = ["METHODS", "Gradient", "InputXGradient", "IntegratedGradients", "Method", "MethodName", "SmoothGrad"]

#: Makes an explainer for a picture.
Prepare = Callable[[Float[Tensor, "_ h w"]], Explainer]


@dataclass(frozen=True)
class Gradient:
    """The gradient.

    Source:
        Simonyan, Vedaldi and Zisserman 2014, arXiv:1312.6034, section 3.
    """

    def attributions(
        self, prepare: Prepare, image: Float[Tensor, "_ h w"], window: Box, pixels: Sequence[Pixel],
        targets: Sequence[Target],
    ) -> Iterator[Chunk]:  # fmt: skip
        """Signed numbers per input value whose absolute maximum over the colours is the map.

        Args:
            prepare: makes an explainer for a picture.
            image: the picture.
            window: rows and columns that matter.
            pixels: (row, column) of the targets.
            targets: per pixel.
        """
        del window
        yield from prepare(image).gradients(pixels, targets)


@dataclass(frozen=True)
class InputXGradient:
    """Each input value times its gradient.

    Source:
        Shrikumar et al. 2016, arXiv:1605.01713.
    """

    def attributions(
        self, prepare: Prepare, image: Float[Tensor, "_ h w"], window: Box, pixels: Sequence[Pixel],
        targets: Sequence[Target],
    ) -> Iterator[Chunk]:  # fmt: skip
        """See :meth:`Gradient.attributions`."""
        del window
        for indices, (rows, columns), gradients in prepare(image).gradients(pixels, targets):
            yield Chunk(indices, (rows, columns), gradients * image[:, slice(*rows), slice(*columns)])


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

    def attributions(
        self, prepare: Prepare, image: Float[Tensor, "_ h w"], window: Box, pixels: Sequence[Pixel],
        targets: Sequence[Target],
    ) -> Iterator[Chunk]:  # fmt: skip
        """See :meth:`Gradient.attributions`."""
        difference = image - self.baseline
        pictures = (self.baseline + difference * (step + 0.5) / self.steps for step in range(self.steps))
        mean = _mean_gradients(prepare, pictures, self.steps, window, pixels, targets)
        rows, columns = window
        yield Chunk(list(range(len(pixels))), window, mean * difference[:, slice(*rows), slice(*columns)])


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

    def attributions(
        self, prepare: Prepare, image: Float[Tensor, "_ h w"], window: Box, pixels: Sequence[Pixel],
        targets: Sequence[Target],
    ) -> Iterator[Chunk]:  # fmt: skip
        """See :meth:`Gradient.attributions`."""
        generator = torch.Generator().manual_seed(self.seed)  # on the CPU: the same noise on any device
        deviation = self.noise * (image.max() - image.min())
        pictures = (
            image + deviation * torch.randn(image.shape, dtype=image.dtype, generator=generator).to(image.device)
            for _ in range(self.samples)
        )
        mean = _mean_gradients(prepare, pictures, self.samples, window, pixels, targets)
        yield Chunk(list(range(len(pixels))), window, mean)


def _mean_gradients(
    prepare: Prepare,
    pictures: Iterator[Float[Tensor, "_ h w"]],
    count: int,
    window: Box,
    pixels: Sequence[Pixel],
    targets: Sequence[Target],
) -> Float[Tensor, "p _ _h _w"]:
    """The gradients' mean over pictures, over the window."""
    (top, bottom), (left, right) = window
    total: Tensor | None = None
    for picture in pictures:
        if total is None:
            total = picture.new_zeros((len(pixels), len(picture), bottom - top, right - left))
        for indices, (rows, columns), gradients in prepare(picture).gradients(pixels, targets):
            inside = total[:, :, rows[0] - top : rows[1] - top, columns[0] - left : columns[1] - left]
            inside[indices] += gradients
    assert total is not None
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
