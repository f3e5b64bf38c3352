"""One backward pass per pixel: slow, plain, right. What every faster engine is compared with."""

from collections.abc import Callable, Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from .engine import Chunk
from .graph import Box
from .modes import first_pass, recording, undisturbed
from .target import (
    Pixel,
    Target,
    as_target,
    check_output,
    check_pixels,
    fixed_targets,
    output_function,
    run_network,
    target_value,
)

__all__ = ["ReferenceExplainer", "reference_gradients"]


class ReferenceExplainer:
    """The obvious way.

    Args:
        function: from ``[1, ., h, w]`` to ``[1, c, h, w]``.
        image: the picture.
        window: what of the gradient is wanted; it is computed whole and cut.
    """

    def __init__(self, function: Callable[[Tensor], Tensor], image: Float[Tensor, "_ h w"], window: Box) -> None:
        with recording():
            self._x = image.detach()[None].clone().requires_grad_()
            self._y = run_network(function, self._x)
        self._window = window

    @property
    def output(self) -> Float[Tensor, "c h w"]:
        """See :class:`Explainer`."""
        return self._y[0].detach()

    def gradients(self, pixels: Sequence[Pixel], targets: Sequence[Target]) -> Iterator[Chunk]:
        """See :class:`Explainer`."""
        rows, columns = (slice(*span) for span in self._window)
        for index, (pixel, target) in enumerate(zip(pixels, targets, strict=True)):
            with recording():
                value = target_value(self._y, pixel, target)
                gradient = self._gradient(value)
            yield Chunk([index], self._window, gradient[:, :, rows, columns])

    def _gradient(self, value: Float[Tensor, ""]) -> Float[Tensor, "1 _ h w"]:
        if not value.requires_grad:  # nothing of the picture reaches the output
            return torch.zeros_like(self._x)
        (gradient,) = torch.autograd.grad(value, self._x, retain_graph=True, allow_unused=True)
        return torch.zeros_like(self._x) if gradient is None else gradient


def reference_gradients(
    net: nn.Module, image: Float[Tensor, "_ h w"], pixels: Sequence[Pixel], target: Target
) -> Iterator[Float[Tensor, "_ h w"]]:
    """The gradient of the target's value at each pixel with respect to the picture, one after the other.

    The network is in eval mode meanwhile and left as it was; its parameters' gradients are not touched.

    Raises:
        InputError: if a pixel is outside the picture or the target does not fit the network.
    """
    height, width = image.shape[-2:]
    target = as_target(target)
    check_pixels(pixels, (height, width))
    function = output_function(net, target)
    first_pass(net, lambda: run_network(function, image.detach()[None]))
    with undisturbed(net):
        explainer = ReferenceExplainer(function, image, ((0, height), (0, width)))
        check_output(explainer.output[None], image[None], target)
        for chunk in explainer.gradients(pixels, fixed_targets(explainer.output, pixels, target)):
            yield chunk.gradients[0]
