"""From the operations of a trace to the nodes of a graph; what no file in ``operations/`` knows becomes blocks."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, fx

from segdepth.core.errors import reason

from .calls import Call
from .fold import fold_scales
from .layouts import Layouts
from .lowering import Shape
from .operations import LOWERS
from .operations.block import Block, Leaving
from .operations.node import Input, Node
from .operations.window import Window
from .regions import Regions, carrying
from .results import ends, first_of, is_item
from .unsupported import UnsupportedOperationError
from .views import View

__all__ = ["lower", "name_of"]


def lower(traced: fx.GraphModule, like: Tensor, unknown: dict[fx.Node, str], everywhere: set[fx.Node]) -> list[Node]:
    """The nodes between the picture and the output, in order.

    Args:
        traced: the network.
        like: an empty tensor of the picture's type, on its device.
        unknown: operations that are in blocks, and why, in words; those that are found here are added.
        everywhere: those of them that are known to depend on whole maps.

    Raises:
        UnsupportedOperationError: if the output does not depend on the picture.
    """
    operations = carrying(traced)
    while True:
        regions = Regions(operations, {*unknown, *everywhere})
        attempt = _Attempt(traced, like, operations, regions, everywhere)
        attempt.run()
        if not attempt.unknown:
            return fold_scales(attempt.finished())
        unknown.update(attempt.unknown)


class _Attempt:
    """One way through the trace, with some operations in blocks; collects those that should have been, too."""

    def __init__(
        self,
        traced: fx.GraphModule,
        like: Tensor,
        operations: list[fx.Node],
        regions: Regions,
        everywhere: set[fx.Node],
    ) -> None:
        placeholder, self.output = ends(traced)
        self.unknown: dict[fx.Node, str] = {}
        _, *shape = placeholder.meta["val"].shape
        self.low = Layouts(traced, placeholder, Input((), (shape[0], shape[1], shape[2])), like)
        self._operations = set(operations)
        self._regions = regions
        self._everywhere = everywhere
        for node in traced.graph.nodes:
            if not self.low.from_input.isdisjoint(node.all_input_nodes):
                self.low.from_input.add(node)

    def run(self) -> None:
        """Lower every operation, or block."""
        for unit in self._regions.order:
            if isinstance(unit, int):
                self._block(self._regions.members(unit))
            else:
                self._operation(unit)

    def finished(self) -> list[Node]:
        """The nodes; the output comes last."""
        if not self.low.carries(self.output):
            why = "torch.no_grad(), inference_mode or detach() in the forward pass, or nothing of the picture in it"
            raise UnsupportedOperationError(f"an answer without a gradient ({why})")
        return self.low.nodes[: self.low.map(self.output) + 1]

    def _operation(self, node: fx.Node) -> None:
        self.low.source = node
        if is_item(node):
            results = self.low.views[node.args[0]]  # type: ignore[index]
            view = results[node.args[1]] if isinstance(results, tuple) else None  # type: ignore[index]
            if view is not None:
                self.low.views[node] = view
            return
        try:
            if (why := self._strange(node)) is not None:
                raise UnsupportedOperationError(why)
            LOWERS[node.target](self.low, node)
        except UnsupportedOperationError as error:
            self.unknown[node] = error.operation
            self._stand_in(node)
        except Exception as error:  # of a form that nobody has thought of: autograd knows it
            self.unknown[node] = f"{name_of(node)} in an unknown form ({reason(error)})"
            self._stand_in(node)

    def _strange(self, node: fx.Node) -> str | None:
        """Why no file can know an operation, whatever it is; None: one may."""
        if isinstance(node.target, Call):
            return node.target.name
        numbers = [node, *(n for n in node.all_input_nodes if self.low.carries(n))]
        for dtype in filter(None, map(_dtype, numbers)):
            if dtype.is_complex:
                return "complex numbers"
            if dtype != self.low.like.dtype:
                return f"numbers of another type ({str(dtype).removeprefix('torch.')})"
        return None if node.target in LOWERS else name_of(node)

    def _stand_in(self, node: fx.Node) -> None:
        """Something in the place of an unknown result, so that what comes after it is tried, too."""
        value = node.meta.get("val")
        values = value if isinstance(value, (tuple, list)) else [value]
        views: list[View | None] = []
        for one in (tensor for tensor in values if tensor is not None):
            if not one.numel():
                views.append(None)
                continue
            view, shape = View.of_tensor(len(self.low.nodes), one.shape)
            self.low.append(Window((0,), shape, channels=shape[0], start=(0, 0, 0)))
            views.append(view)
        first = views[0]
        if isinstance(value, (tuple, list)) or first is None:
            self.low.views[node] = tuple(views)
        else:
            self.low.views[node] = first

    def _block(self, members: list[fx.Node]) -> None:
        inside = set(members)
        arguments = list(dict.fromkeys(n for node in members for n in node.all_input_nodes if self.low.carries(n)))
        arguments = [node for node in arguments if node not in inside]
        results = [node for node in members if node is self.output or any(
            user in self._operations and user not in inside for user in node.users
        )]  # fmt: skip
        self.low.source = members[-1]
        views = [self.low.single(node) for node in arguments]
        laid_out = [self._laid_out(node.meta["val"].shape, views) for node in results]
        shapes = tuple(shape for _, shape in laid_out)
        block = Block(
            tuple(view.values[0] for view in views),
            _joined(shapes),
            tuple(arguments),
            tuple(results),
            tuple(views),
            tuple(view for view, _ in laid_out),
            shapes,
            frozenset(members),
            own=inside.isdisjoint(self._everywhere),
            custom=any(isinstance(node.target, Call) for node in members),
        )
        self._leave(self.low.append(block), block)

    def _laid_out(self, sizes: Sequence[int], arguments: list[View]) -> tuple[View, Shape]:
        """A block's result as a map: with the positions of an argument, if there are such."""
        found = (view.of_positions(0, sizes, self.low.shape(view.values[0])) for view in arguments)
        return next((one for one in found if one is not None), None) or View.of_tensor(0, sizes)

    def _leave(self, index: int, block: Block) -> None:
        start = 0
        for node, view, shape in zip(block.results, block.result_views, block.result_shapes, strict=True):
            value = index
            if len(block.results) > 1 and block.is_beside:
                value = self.low.append(Window((index,), shape, channels=block.shape[0], start=(start, 0, 0)))
                start += shape[0]
            elif len(block.results) > 1:
                value = self.low.append(Leaving((index,), shape, start))
                start += math.prod(shape)
            self.low.views[node] = View((value,), view.axes)


def _joined(shapes: tuple[Shape, ...]) -> Shape:
    """The form of a block's value."""
    if len({shape[1:] for shape in shapes}) == 1:
        return (sum(shape[0] for shape in shapes), *shapes[0][1:])
    return (1, sum(math.prod(shape) for shape in shapes), 1)


def _dtype(node: fx.Node) -> torch.dtype | None:
    """Of an operation's result, or of the first of several."""
    first = first_of(node.meta.get("val"))
    return first.dtype if isinstance(first, Tensor) else None


#: What people call operations; others are called as PyTorch does.
_NAMES = {
    "_scaled_dot_product_flash_attention_for_cpu": "attention",
    "_scaled_dot_product_flash_attention": "attention",
    "_scaled_dot_product_efficient_attention": "attention",
    "_scaled_dot_product_attention_math": "attention",
    "grid_sampler_2d": "sampling at places that depend on the picture",
}


def name_of(node: fx.Node) -> str:
    """What people call an operation."""
    name = str(node.target).removeprefix("aten.").rsplit(".", 1)[0]
    return _NAMES.get(name, name.removeprefix("_").replace("_", " ").strip())
