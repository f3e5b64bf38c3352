"""A part of the trace that no operation knows, taken back by autograd; and its results, as maps."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor, fx
from torch.autograd.function import BackwardCFunction

from ...modes import taking_back
from ..axes import Axis, Box
from ..views import View
from .node import Gradient, Node, Pair, Shape, fit, own_places

__all__ = ["Block", "BlockState", "Leaving"]

#: How many times as large a gradient is whose way back tells whether a user's own backward function is linear.
FAR = 2.0**20


class BlockState(NamedTuple):
    """At a picture: the block's inputs and its results, with the history of how they came from these."""

    inputs: list[Tensor]
    results: list[Tensor]


@dataclass(eq=False)
class Block(Node):
    """Operations between maps that are run, and taken back, by autograd.

    Its value is all results that others read: one after the other as channels if they are maps of one size, otherwise one after
    the other as rows of numbers.

    Attributes:
        arguments: what it reads, in the trace.
        results: what others read of it, in the trace.
        argument_views: how the former lie in the graph's maps.
        result_views: how the latter lie in maps of their own.
        result_shapes: of these maps.
        members: all operations in it.
        own: whether each position is known to depend on itself alone, at the picture that was looked at last.
        custom: whether something in it is called as it is: a user's own backward function may be in that, which may be anything
            but linear.
    """

    arguments: tuple[fx.Node, ...]
    results: tuple[fx.Node, ...]
    argument_views: tuple[View, ...]
    result_views: tuple[View, ...]
    result_shapes: tuple[Shape, ...]
    members: frozenset[fx.Node]
    own: bool
    custom: bool = False

    name = "block"
    is_layer = False

    def is_linear(self, kept: BlockState) -> bool:
        """See :meth:`Node.is_linear`: PyTorch's own derivatives are, also of what is called as it is."""
        return not self.custom or (not _holds_users_functions(kept.results) and self._is_known_linear(kept))

    @property
    def is_beside(self) -> bool:
        """Whether the results stand in the value as channels of one size."""
        return len({shape[1:] for shape in self.result_shapes}) == 1

    def axes(self, place: int, sizes: Pair) -> tuple[Axis, Axis] | None:
        """See :meth:`Node.axes`."""
        del place
        if self.own:
            return None
        return Axis.everywhere(sizes[0], self.shape[1]), Axis.everywhere(sizes[1], self.shape[2])

    @property
    def keeps(self) -> bool:
        """It is kept by :meth:`run`, piece by piece."""
        return True

    def gradients(self, g: Gradient, box: Box, parts: Sequence[Box], state: BlockState) -> list[Gradient | None]:
        """See :meth:`Node.gradients`: one backward pass for each target."""
        whole = fit(g, box, (0, self.shape[1]), (0, self.shape[2]))
        seeds = self._of_results(whole)
        found = [self._back([seed[k] for seed in seeds], state) for k in range(len(g))]
        return [
            torch.stack([one[place] for one in found])[own_places(part)].to(g.dtype)
            if part[0][0] < part[0][1]
            else None
            for place, part in enumerate(parts)
        ]

    def _of_results(self, whole: Gradient) -> list[Tensor]:
        """The gradients of the results, in the form of each, from that of the value."""
        sizes = [shape[0] if self.is_beside else math.prod(shape) for shape in self.result_shapes]
        parts = whole.split(sizes, 1 if self.is_beside else 2)
        return [
            view.from_map(part.reshape(len(whole), *shape), lead=1)
            for part, view, shape in zip(parts, self.result_views, self.result_shapes, strict=True)
        ]

    def _back(self, seeds: list[Tensor], state: BlockState) -> list[Tensor]:
        """The gradients of the inputs as maps, of one target."""
        # in the result's own memory format: PyTorch's backward of some norms reads any other one wrongly
        pairs = zip(state.results, seeds, strict=True)
        followed = [(y, torch.empty_like(y).copy_(seed)) for y, seed in pairs if y.requires_grad]
        found: Sequence[Tensor | None] = [None] * len(state.inputs)
        if followed:
            results, gradients = zip(*followed, strict=True)
            with taking_back():
                found = torch.autograd.grad(results, state.inputs, gradients, retain_graph=True, allow_unused=True)
        return [
            view.to_map(torch.zeros_like(x) if one is None else one)
            for one, x, view in zip(found, state.inputs, self.argument_views, strict=True)
        ]

    def label(self, sizes: Pair) -> str:
        """See :meth:`Node.label`."""
        del sizes
        return "" if self.own else "block"

    def look(self, state: BlockState) -> None:
        """Find out whether, at this picture, each position depends on itself alone; it stays what it was where not.

        A seed that is no number marks what it touches, whatever it is multiplied by. Every pair of different rows differs in a
        binary digit: so if the rows with a digit touch none without it, and the other way round, for every digit, then each
        touches itself at most.
        """
        self.own = self.own and self._is_own(state)

    def _is_own(self, state: BlockState) -> bool:
        if not self.is_beside or (self.custom and not self._is_known_linear(state)):
            return False
        _, height, width = self.shape
        if any(self._map_size(view) != (height, width) for view in self.argument_views):
            return False
        rows, columns = torch.arange(height)[:, None].expand(height, width), torch.arange(width).expand(height, width)
        middle = (rows == height // 2) & (columns == width // 2)
        marks = [middle]  # which shows most of those that touch others at once
        for places, size in ((rows, height), (columns, width)):
            for digit in range(max(size - 1, 0).bit_length()):
                with_digit = (places >> digit & 1).bool()
                marks += [with_digit, ~with_digit]
        noise = torch.randn(self.shape, generator=torch.Generator().manual_seed(0)).to(state.inputs[0])
        return all(self._stays_inside(mark.to(noise.device), noise, state) for mark in marks)

    def _is_known_linear(self, state: BlockState) -> bool:
        """Whether a user's own backward function looks linear.

        What is clipped by its norm stays inside any mark, but depends on all of the gradient, also on what does not reach a crop.
        """
        first = state.inputs[0]
        generator = torch.Generator().manual_seed(1)
        a, b = (torch.randn(1, *self.shape, generator=generator).to(first) for _ in range(2))
        try:
            of_a, of_b, of_sum, of_more, of_less = (
                self._back([one[0] for one in self._of_results(seed)], state)
                for seed in (a, b, a + b, a * FAR, a / FAR)
            )
        except Exception:  # see below
            return False
        expected = [x + y for x, y in zip(of_a, of_b, strict=True)], [x * FAR for x in of_a], [x / FAR for x in of_a]
        return all(
            bool((one - other).norm() <= torch.finfo(one.dtype).eps ** 0.5 * other.norm())
            for found, right in zip((of_sum, of_more, of_less), expected, strict=True)
            for one, other in zip(found, right, strict=True)
        )

    def _map_size(self, view: View) -> Pair:
        sizes = dict.fromkeys(range(3), 1)
        for atom in view.atoms:
            sizes[atom.axis] *= atom.size
        return sizes[1], sizes[2]

    def _stays_inside(self, mark: Tensor, noise: Tensor, state: BlockState) -> bool:
        for marked in (torch.nan, noise):  # a backward function that compares its numbers may swallow the former
            seed = torch.where(mark, marked, 0).to(noise.dtype).expand(1, *self.shape)
            try:
                found = self._back([one[0] for one in self._of_results(seed)], state)
            except Exception:  # of any kind: a user's backward function that looks at its numbers
                return False
            if any(((gradient != 0) & ~mark).any() for gradient in found):
                return False
        return True


def _holds_users_functions(results: Sequence[Tensor]) -> bool:
    """Whether a custom autograd function, or a hook on a module's gradients, is in a history."""
    waiting: list[Any] = [result.grad_fn for result in results]
    seen = set()
    while waiting:
        function = waiting.pop()
        if isinstance(function, BackwardCFunction):
            return True
        if function is not None and function not in seen:
            seen.add(function)
            waiting += [before for before, _ in function.next_functions]
    return False


@dataclass(eq=False)
class Leaving(Node):
    """One result of a block whose value holds several, one after the other as rows of numbers.

    Attributes:
        start: the row of the result's first number.
    """

    start: int
    length: int = field(init=False)

    name = "result of a block"
    is_layer = False

    def __post_init__(self) -> None:
        self.length = math.prod(self.shape)

    def axes(self, place: int, sizes: Pair) -> tuple[Axis, Axis]:
        """See :meth:`Node.axes`: the rows of its own numbers."""
        del place
        rows = Axis.between(self.start, self.start + self.length, sizes[0], self.shape[1])
        return rows, Axis.everywhere(sizes[1], self.shape[2])

    def gradient(self, g: Gradient, box: Box, place: int, part: Box, state: None) -> Gradient:
        """See :meth:`Node.gradient`."""
        del place, state
        whole = fit(g, box, (0, self.shape[1]), (0, self.shape[2])).reshape(len(g), 1, -1, 1)
        return fit(whole, ((self.start, self.start + self.length), (0, 1)), *part)
