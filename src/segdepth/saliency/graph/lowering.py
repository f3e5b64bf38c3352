"""The graph as it is made: what the operations' files put their nodes into."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, fx
from torch.fx.node import map_arg

from .results import first_of
from .trace import run_operation
from .unsupported import UnsupportedOperationError
from .views import CHANNELS, COLUMNS, ROWS, Atom, View, is_run

__all__ = ["Lowering", "arguments_of", "pair", "reshaped"]

Shape = tuple[int, int, int]

#: The longest axis of which a matrix is made: that of a picture, not of all of its positions.
LONGEST = 1 << 13

#: One result of an operation, or of each of several results the view (None where it carries no gradient).
Lowered = View | tuple[View | None, ...]


def arguments_of(node: fx.Node, values: tuple[Any, ...] | None = None) -> dict[str, Any]:
    """All arguments of an operation by name, defaults included.

    Args:
        node: the operation.
        values: of its positional arguments, if they are known.
    """
    schema = node.target._schema.arguments  # type: ignore[union-attr]
    given = dict(zip((a.name for a in schema), node.args if values is None else values, strict=False)) | dict(
        node.kwargs
    )
    return {a.name: given.get(a.name, a.default_value) for a in schema}


def pair(value: Any, default: Any = None) -> tuple[int, int]:
    """Numbers of rows and columns, of which PyTorch takes one for both."""
    value = list(value) if isinstance(value, Sequence) else [value]
    if not value:
        value = list(default)
    return (int(value[0]), int(value[-1]))


def reshaped(view: View, sizes: Sequence[int], refusal: str = "a view across the borders of axes") -> View:
    """The tensor's elements in the same order with other axes.

    Raises:
        UnsupportedOperationError: with the refusal, where pieces would have to be cut unevenly.
    """
    found = view.reshaped(sizes)
    if found is None:
        raise UnsupportedOperationError(refusal)
    return found


class Lowering(ABC):
    """The nodes made so far, and how the tensors of the trace lie in their maps.

    Args:
        traced: the network.
        placeholder: the picture in it.
        picture: the node that is it.
        like: an empty tensor of the picture's type, on its device.

    Attributes:
        nodes: of the graph.
        views: of what carries a gradient.
        from_input: what depends on the picture at all.
    """

    def __init__(self, traced: fx.GraphModule, placeholder: fx.Node, picture: Any, like: Tensor) -> None:
        self.like = like
        self.nodes: list[Any] = []
        self.views: dict[fx.Node, Lowered] = {}
        self.from_input = {placeholder}
        self.source: fx.Node | None = None
        self._traced = traced
        self._constants: dict[fx.Node, Any] = {}
        self.nodes.append(picture)
        self.views[placeholder] = View.of_map(0, picture.shape)

    # What there is

    def shape(self, value: int) -> Shape:
        """Channels, rows and columns of a map."""
        shape: Shape = self.nodes[value].shape
        return shape

    def carries(self, argument: Any) -> bool:
        """Whether an argument depends on the picture in a way that has a derivative."""
        return isinstance(argument, fx.Node) and argument in self.views

    def view(self, argument: Any) -> View:
        """How an argument that carries a gradient lies in maps.

        Raises:
            UnsupportedOperationError: if it is several values.
        """
        found = self.views.get(argument)
        if not isinstance(found, View):
            raise UnsupportedOperationError("a value that is used in an unknown way")
        return found

    def single(self, argument: Any) -> View:
        """The same, in one map."""
        return self.single_view(self.view(argument))

    @abstractmethod
    def single_view(self, view: View) -> View:
        """A view of stacked maps as one of a map that holds them all."""

    def first(self, operation: Any) -> int | None:
        """The map of the first result of an operation with several."""
        found = self.views.get(operation)
        view = found[0] if isinstance(found, tuple) else found
        return view.values[0] if isinstance(view, View) and len(view.values) == 1 else None

    def map(self, argument: Any) -> int:
        """See :meth:`map_of`."""
        return self.map_of(self.view(argument))

    @abstractmethod
    def map_of(self, view: View) -> int:
        """A tensor ``[1, c, h, w]`` (or ``[1, c, h]``) as one map.

        Raises:
            UnsupportedOperationError: if it has another form.
        """

    def map_shape(self, node: fx.Node) -> Shape:
        """Channels, rows and columns of an operation's (first) result ``[1, c, h, w]`` (or ``[1, c, h]``)."""
        _, *sizes = first_of(node.meta["val"]).shape
        return cast("Shape", tuple((*sizes, 1)[:3]))

    def is_fixed(self, argument: Any) -> bool:
        """Whether an argument is the same for every picture."""
        return not isinstance(argument, fx.Node) or argument not in self.from_input

    def constant(self, argument: Any) -> Any:
        """The value of an argument that does not depend on the picture.

        Raises:
            UnsupportedOperationError: if it does.
        """
        return map_arg(argument, self._constant)

    def _constant(self, node: fx.Node) -> Any:
        if node in self.from_input:
            raise UnsupportedOperationError("a weight that depends on the picture")
        if node not in self._constants:
            if node.op == "get_attr":
                found: Any = self._traced
                for name in str(node.target).split("."):
                    found = getattr(found, name)
                self._constants[node] = found
            else:
                args, kwargs = self.constant((node.args, node.kwargs))
                self._constants[node] = run_operation(node.target, args, kwargs)
        return self._constants[node]

    def refuse_weights(self, *arguments: Any) -> None:
        """Raise if an argument that operations take for a weight carries a gradient.

        Raises:
            UnsupportedOperationError: then.
        """
        if any(self.carries(argument) for argument in arguments):
            raise UnsupportedOperationError("a weight that depends on the picture")

    def eye(self, size: int) -> Tensor:
        """An identity matrix of the picture's type.

        Raises:
            UnsupportedOperationError: if it would take more memory than all maps of a picture.
        """
        if size > LONGEST:
            raise UnsupportedOperationError(f"a map between {size} positions that are one axis")
        return torch.eye(size, dtype=self.like.dtype, device=self.like.device)

    # What is made

    def append(self, node: Any) -> int:
        """Append a node, which stands for the operation that is being lowered, and return its index."""
        node.source = self.source
        self.nodes.append(node)
        return len(self.nodes) - 1

    def put(self, source: fx.Node, view: View) -> None:
        """Note how an operation's result lies in maps."""
        assert view.sizes == tuple(source.meta["val"].shape), (source, view.sizes)
        self.views[source] = view

    def put_first(self, source: fx.Node, view: View) -> None:
        """The same, of the first result where there are several; the others carry no gradient."""
        if isinstance(source.meta["val"], (tuple, list)):
            self.views[source] = (view, *[None] * (len(source.meta["val"]) - 1))
        else:
            self.put(source, view)

    def put_all(self, source: fx.Node, views: Sequence[View]) -> None:
        """The same, of several results."""
        self.views[source] = tuple(views)

    def put_map(self, source: fx.Node, node: Any) -> None:
        """Append a node that is an operation's (first) result ``[1, c, h, w]`` (or ``[1, c, h]``)."""
        rank = len(first_of(source.meta["val"]).shape)
        view = View.of_map(self.append(node), node.shape)
        self.put_first(source, View(view.values, view.axes[:rank]))

    def put_like(self, source: fx.Node, like: View, node: Any) -> None:
        """Append a node whose map is laid out like another one."""
        self.put(source, View((self.append(node),), like.axes))

    @abstractmethod
    def total(self, views: Sequence[View]) -> View:
        """The sum of tensors of one size."""

    @abstractmethod
    def put_sum(self, source: fx.Node, like: View, values: Sequence[int]) -> None:
        """Note a sum of maps that are laid out alike."""

    # Other layouts

    @abstractmethod
    def arranged(self, view: View, groups: Sequence[Sequence[Atom]]) -> View:
        """The same tensor as a view of a map whose channels, rows and columns run over ``groups``: all its pieces."""

    def with_channels(self, argument: Any, dims: Sequence[int]) -> View:
        """An argument as a view of a map whose channels are some axes of the tensor, in their order."""
        view = self.single(argument)
        dims = [d % len(view.axes) for d in dims]
        channels = [atom for d in dims for atom in view.axes[d]]
        (value,) = view.values
        if is_run(channels, CHANNELS, self.shape(value)[0]):
            return view
        others = [atom for k, axis in enumerate(view.axes) if k not in dims for atom in axis]
        rows = sorted((a for a in others if a.axis != COLUMNS), key=lambda a: (a.axis, -a.stride))
        columns = sorted((a for a in others if a.axis == COLUMNS), key=lambda a: -a.stride)
        return self.arranged(view, (channels, rows, columns))

    def channels_replaced(self, view: View, value: int, dim: int, size: int) -> View:
        """The same tensor but for one axis, which is now all channels of another map."""
        return view.replaced(dim, value, CHANNELS, size)

    def with_axis(self, view: View, dim: int) -> View:
        """The same tensor as a view of a map one axis of which is one of the tensor's."""
        if self._axis_of(view, dim) is not None:
            return view
        others = [atom for k, axis in enumerate(view.axes) if k != dim for atom in axis]
        channels = [atom for atom in others if atom.axis == CHANNELS]
        return self.arranged(view, (channels, view.axes[dim], [a for a in others if a.axis != CHANNELS]))

    def _axis_of(self, view: View, dim: int) -> int | None:
        """The axis of the map that is one of the tensor's; None if there is none. Of length 1: one of length 1."""
        (value,) = view.values
        shape = self.shape(value)
        usual = dim - 1 if len(view.axes) == 4 and dim else CHANNELS  # of several axes of length 1 any would do
        for axis in sorted((CHANNELS, ROWS, COLUMNS), key=lambda axis: axis != usual):
            if is_run(view.axes[dim], axis, shape[axis]) and (shape[axis] > 1 or view.sizes[dim] == 1):
                if shape[axis] == 1 and any(atom.axis == axis for other in view.axes for atom in other):
                    continue
                return axis
        return None

    @abstractmethod
    def sliced(self, view: View, dim: int, start: int, length: int, step: int = 1) -> View:
        """Every ``step``-th index of one axis of a tensor from ``start`` on, zeros where it ends."""

    @abstractmethod
    def mapped(self, view: View, dim: int, matrix: Tensor) -> View:
        """A fixed linear map ``[new, old]`` along one axis of a tensor."""

    def reordered(self, view: View, dim: int, order: Tensor) -> View:
        """The indices ``order`` of one axis of a tensor, in this order."""
        return self.mapped(view, dim, self.eye(view.sizes[dim])[order])

    @abstractmethod
    def in_step(self, arguments: Sequence[Any], node: fx.Node) -> tuple[list[View], View]:
        """Arguments as maps of one layout and of the size of an operation's result; and that layout."""

    def enlarged(self, argument: Any, node: fx.Node) -> View:
        """An argument at the size of an operation's result, where PyTorch repeats it along axes of length 1."""
        (view,), _ = self.in_step([argument], node)
        return view

    @abstractmethod
    def put_stacked(self, source: fx.Node, tensors: Sequence[Any], dim: int) -> None:
        """Note a stack; of maps of one layout nothing is computed."""

    @abstractmethod
    def put_joined(self, source: fx.Node, parts: Sequence[tuple[View, int]], dim: int) -> None:
        """Note tensors that stand along an axis, each from an index on; nothing between them carries a gradient."""
