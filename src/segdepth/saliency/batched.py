"""Many pixels in one backward pass, for any module: chunked vector-Jacobian products, no parameter gradients."""

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import cache, cached_property
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.graph import GradientEdge

from .agreement import TOLERANCE
from .boxes import NOTHING, Boxes, Reach
from .engine import Chunk, Engine
from .graph import Box
from .graph.operations.node import own_places
from .memory import free_memory, in_halves, is_out_of_memory
from .modes import recording, taking_back
from .seeds import Seeds
from .tail import Tail
from .target import Pixel, Target, run_network

__all__ = ["BatchedEngine", "Recorded"]

#: Largest number of targets at once, and what they may take on a CPU, where more only leaves the caches behind.
LARGEST = 256
CPU_BYTES = 64 << 20

#: From how many targets on a network is taken apart to see which of them share backward passes.
MANY = 64


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

    def products(self, outputs: Float[Tensor, "n *form"], at: GradientEdge | None = None) -> Float[Tensor, "n _ h w"]:
        """The picture's gradient for each gradient of a value, all at once on a GPU where PyTorch can.

        Args:
            outputs: gradients of the value, whose first axis, of length 1, is left out.
            at: the value, by its place in the history; the answer by default.
        """
        if not self.y.requires_grad:  # nothing of the picture reaches the output
            return self.x.new_zeros((len(outputs), *self.x.shape[1:]))
        if self._together and len(outputs) > 1:
            found = self._all_at_once(outputs, at)
            if found is not None:
                return found
            self._together = False
        with taking_back():
            return torch.cat([self._backward(output[None], at) for output in outputs])

    def _all_at_once(
        self, outputs: Float[Tensor, "n *form"], at: GradientEdge | None
    ) -> Float[Tensor, "n _ h w"] | None:
        """All at once; None where PyTorch cannot, or gives another gradient than one at a time.

        (Through a batch norm in eval mode whose gradient stands in memory with channels last it does, in PyTorch 2.13 and 2.14.)
        """
        try:
            found = self._backward(outputs[:, None], at, is_grads_batched=True)[:, 0]
        except Exception as error:  # of any kind: backward functions that are users' code may not take several
            if is_out_of_memory(error):
                raise
            return None
        alone = self._backward(outputs[-1:], at)[0]
        right = torch.allclose(found[-1], alone, rtol=1e-2, atol=1e-3 * float(alone.abs().max()), equal_nan=True)
        return found if right else None

    def _backward(self, outputs: Tensor, at: GradientEdge | None, *, is_grads_batched: bool = False) -> Tensor:
        with warnings.catch_warnings(), recording():
            warnings.simplefilter("ignore", UserWarning)  # that an operation has no batching rule and loops
            (gradient,) = torch.autograd.grad(
                self.y if at is None else at, self.x, outputs, retain_graph=True, allow_unused=True,
                is_grads_batched=is_grads_batched,
            )  # fmt: skip
        many = outputs.shape[:1] if is_grads_batched else ()
        return self.x.new_zeros((*many, *self.x.shape)) if gradient is None else gradient

    @cached_property
    def last_values(self) -> list[GradientEdge]:
        """The values that the answer comes from one after the other, the last first, each from nothing else of the picture."""
        found: list[GradientEdge] = []
        node: Any = self.y.grad_fn
        while node is not None:
            before = [GradientEdge(*edge) for edge in node.next_functions if edge[0] is not None]
            before = [edge for edge in before if not hasattr(edge.node, "variable")]  # no weight, nor the picture
            if len(before) != 1:
                break
            found += before
            node = before[0].node
        return found

    @property
    def may_share(self) -> bool:
        """Whether there is a value with fewer numbers among those, as before a resize."""
        return any(math.prod(_form(edge)) < self.y.numel() for edge in self.last_values)

    def before(self, tail: Tail, reach: Reach) -> "CoarsePass | None":
        """Backward passes from the value before a tail, which is found by its gradient; None where it is not.

        Args:
            tail: of the same function, taken apart.
            reach: likewise.
        """
        shape, (_, height, width) = reach.graph.nodes[tail.last].shape, self.y.shape[1:]
        boxes = reach.back(((0, height), (0, width)))
        if boxes.values[0] == NOTHING:
            return None
        seed = torch.zeros_like(self.y)
        numbers = torch.randn(self.y.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).to(seed)
        seed[own_places(boxes.values[-1])] = numbers[own_places(boxes.values[-1])]
        expected = tail.back(seed[own_places(boxes.values[-1])], boxes)
        for edge in self.last_values:
            form = _form(edge)
            if form[0] == 1 and math.prod(form) == math.prod(shape):
                with recording():
                    (found,) = torch.autograd.grad(self.y, [edge], seed, retain_graph=True)
                difference = found.reshape(1, *shape)[own_places(boxes.values[tail.last])] - expected
                if difference.norm() <= TOLERANCE * torch.finfo(found.dtype).eps * expected.norm():
                    return CoarsePass(self, edge, torch.empty_like(found), shape, tail.last)
        return None


class CoarsePass:
    """Backward passes through all of a network but for its tail.

    Args:
        recorded: the forward pass.
        edge: the value before the tail, in its history.
        like: a gradient of that value, as it stands in memory: PyTorch's backward of some norms reads any other one wrongly.
        shape: channels, rows and columns of the value.
        last: its number in the graph.
    """

    def __init__(
        self, recorded: Recorded, edge: GradientEdge, like: Tensor, shape: tuple[int, int, int], last: int
    ) -> None:
        self.lanes = recorded.chunk
        self.width = 1
        self._recorded, self._edge, self._like = recorded, edge, like
        self._shape, self._last = shape, last

    def gradients(self, seeds: Float[Tensor, "n c h w"], boxes: Boxes) -> Float[Tensor, "n _ _h _w"]:
        """See :class:`~segdepth.saliency.windowed.BackwardPass`; it is computed whole and cut."""
        whole = seeds.new_zeros((len(seeds), *self._shape))
        whole[own_places(boxes.values[self._last])] = seeds
        form, strides = (len(seeds), *self._like.shape[1:]), (self._like.numel(), *self._like.stride()[1:])
        outputs = torch.empty_strided(form, strides, dtype=seeds.dtype, device=seeds.device).copy_(whole.reshape(form))
        return self._recorded.products(outputs, self._edge)[own_places(boxes.values[0])]


class BatchedEngine:
    """Backward passes with several output gradients at once.

    Args:
        recorded: the forward pass.
        window: what of the gradient is wanted; it is computed whole and cut.
        taken_apart: gives an engine that shares backward passes between targets, where the network allows that.

    Attributes:
        chunk: targets at once.
    """

    def __init__(
        self, recorded: Recorded, window: Box, taken_apart: Callable[[], Engine | None] = lambda: None
    ) -> None:
        self._recorded = recorded
        self._window = window
        self._taken_apart = cache(taken_apart)
        self.chunk = recorded.chunk

    @property
    def output(self) -> Float[Tensor, "c h w"]:
        """See :class:`Engine`."""
        return self._recorded.y[0].detach()

    def gradients(self, pixels: Sequence[Pixel], targets: Sequence[Target]) -> Iterator[Chunk]:
        """See :class:`Engine`."""
        shared = self._taken_apart() if len(pixels) >= MANY and self._recorded.may_share else None
        yield from self._one_each(pixels, targets) if shared is None else shared.gradients(pixels, targets)

    def _one_each(self, pixels: Sequence[Pixel], targets: Sequence[Target]) -> Iterator[Chunk]:
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


def _form(edge: GradientEdge) -> tuple[int, ...]:
    node: Any = edge.node
    return tuple(node._input_metadata[edge.output_nr].shape)


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
