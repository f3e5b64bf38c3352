"""Many pixels in one backward pass, for any module: chunked vector-Jacobian products, no parameter gradients."""

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from .engine import Chunk
from .graph import Box
from .memory import free_memory, in_halves, is_out_of_memory
from .modes import recording, taking_back
from .seeds import Seeds
from .target import Pixel, Target, run_network

__all__ = ["BatchedEngine", "Recorded"]

#: Largest number of targets at once, and what they may take on a CPU, where more only leaves the caches behind.
LARGEST = 256
CPU_BYTES = 64 << 20


class Recorded:
    """A forward pass that autograd has recorded, for any number of backward passes.

    Args:
        function: from ``[1, ., h, w]`` to ``[1, c, h', w']``.
        image: the picture.

    Attributes:
        x: the picture as a batch of one.
        y: the answer, with its history.
        chunk: backward passes at once, as many as memory allows.
    """

    def __init__(self, function: Callable[[Tensor], Tensor], image: Float[Tensor, "_ h w"]) -> None:
        with recording():
            self.x = image.detach()[None].clone().requires_grad_()
            self.y = run_network(function, self.x)
        self.chunk = _chunk_size(_bytes_behind(self.y), image.device)
        self._together = image.device.type != "cpu"  # where nothing is won by it

    def products(self, outputs: Float[Tensor, "n c _h _w"]) -> Float[Tensor, "n _ h w"]:
        """The picture's gradient for each gradient of the answer, all at once on a GPU where PyTorch can."""
        if not self.y.requires_grad:  # nothing of the picture reaches the output
            return self.x.new_zeros((len(outputs), *self.x.shape[1:]))
        if self._together and len(outputs) > 1:
            found = self._all_at_once(outputs)
            if found is not None:
                return found
            self._together = False
        with taking_back():
            return torch.cat([self._backward(output[None]) for output in outputs])

    def _all_at_once(self, outputs: Float[Tensor, "n c _h _w"]) -> Float[Tensor, "n _ h w"] | None:
        """All at once; None where PyTorch cannot, or gives another gradient than one at a time.

        (Through a batch norm in eval mode whose gradient stands in memory with channels last it does, in PyTorch 2.13 and 2.14.)
        """
        try:
            found = self._backward(outputs[:, None], is_grads_batched=True)[:, 0]
        except Exception as error:  # of any kind: backward functions that are users' code may not take several
            if is_out_of_memory(error):
                raise
            return None
        alone = self._backward(outputs[-1:])[0]
        right = torch.allclose(found[-1], alone, rtol=1e-2, atol=1e-3 * float(alone.abs().max()), equal_nan=True)
        return found if right else None

    def _backward(self, outputs: Tensor, **how: Any) -> Tensor:
        with warnings.catch_warnings(), recording():
            warnings.simplefilter("ignore", UserWarning)  # that an operation has no batching rule and loops
            gradients = torch.autograd.grad(self.y, self.x, outputs, retain_graph=True, allow_unused=True, **how)
        zeros = self.x.new_zeros((*outputs.shape[: outputs.dim() - 4], *self.x.shape))
        return zeros if gradients[0] is None else gradients[0]


class BatchedEngine:
    """Backward passes with several output gradients at once.

    Args:
        recorded: the forward pass.
        window: what of the gradient is wanted; it is computed whole and cut.

    Attributes:
        chunk: targets at once.
    """

    def __init__(self, recorded: Recorded, window: Box) -> None:
        self._recorded = recorded
        self._window = window
        self.chunk = recorded.chunk

    @property
    def output(self) -> Float[Tensor, "c h w"]:
        """See :class:`Engine`."""
        return self._recorded.y[0].detach()

    def gradients(self, pixels: Sequence[Pixel], targets: Sequence[Target]) -> Iterator[Chunk]:
        """See :class:`Engine`."""
        seeds = Seeds(self.output, pixels, targets)
        rows, columns = (slice(*span) for span in self._window)
        for start in range(0, len(pixels), self.chunk):
            indices = list(range(start, min(start + self.chunk, len(pixels))))
            for group, gradients in in_halves(indices, lambda group: self._products(seeds, group)):
                yield Chunk(group, self._window, gradients[:, :, rows, columns])

    def _products(self, seeds: Seeds, group: list[int]) -> Float[Tensor, "n _ h w"]:
        (rows, columns), values = seeds.gather(group)
        outputs = self._recorded.y.new_zeros((len(group), *self._recorded.y.shape[1:]))
        outputs[:, :, slice(*rows), slice(*columns)] = values
        return self._recorded.products(outputs)


def _bytes_behind(y: Tensor) -> int:
    """What all gradients of a backward pass take together, by the form of what they are gradients of.

    Not by looking at what was saved with a hook: PyTorch would not notice any more what is written to after it was saved.
    """
    waiting: list[Any] = [y.grad_fn]
    seen, total = set(), 0
    while waiting:
        function = waiting.pop()
        if function is None or function in seen:
            continue
        seen.add(function)
        if not hasattr(function, "variable"):  # whose gradient is not computed
            total += sum(math.prod(form.shape) * form.dtype.itemsize for form in function._input_metadata)
        waiting += [before for before, _ in function.next_functions]
    return total


def _chunk_size(per_target: int, device: torch.device) -> int:
    budget = free_memory(device) // 2
    if device.type == "cpu":
        budget = min(budget, CPU_BYTES)
    return max(1, min(LARGEST, budget // max(1, per_target)))
