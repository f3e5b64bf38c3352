"""From ATen operations to the graph's few kinds of nodes. One function an operation; the table is at the end."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, fx
from torch.fx.node import map_arg

from .nodes import (
    Add,
    Concat,
    Convolution,
    Input,
    Interleave,
    MaxPool,
    Node,
    Permute,
    Pointwise,
    Scale,
    Separable,
    Shuffle,
    Unpool,
    Window,
)
from .trace import DETACH
from .unsupported import UnsupportedOperationError

__all__ = ["lower"]

aten = torch.ops.aten

#: One value, or those of an operation with several results (None where a result carries no gradient).
Lowered = int | tuple[int | None, ...]


def lower(traced: fx.GraphModule) -> list[Node]:
    """The nodes between the picture and the output, in order.

    Raises:
        UnsupportedOperationError: at an operation that is not in the table, used in an unknown way, or without 4 axes.
    """
    (placeholder,) = traced.graph.find_nodes(op="placeholder")
    (end,) = traced.graph.find_nodes(op="output")
    output = end.args[0][0] if isinstance(end.args[0], (tuple, list)) else end.args[0]
    lowering = _Lowering(traced, placeholder)
    needed = _ancestors(output)
    for node in traced.graph.nodes:
        if node in needed and node.op == "call_function" and lowering.carries_gradient(node):
            lowering.add(node)
    if output not in lowering.values:
        raise UnsupportedOperationError("an output that does not depend on the input")
    return _up_to(lowering.nodes, lowering.value(output))


def _up_to(nodes: list[Node], last: int) -> list[Node]:
    """The output comes last; pieces of a split that nobody uses may stand after it."""
    return nodes[: last + 1]


def _ancestors(output: fx.Node) -> set[fx.Node]:
    """Whatever the output's gradient passes through: a detached value's history does not matter."""
    seen: set[fx.Node] = set()
    waiting = [output]
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            waiting += [] if node.target in DETACH else node.all_input_nodes
    return seen


class _Lowering:
    """The nodes made so far, and which operation of the trace each belongs to."""

    def __init__(self, traced: fx.GraphModule, placeholder: fx.Node) -> None:
        self.traced = traced
        self.nodes: list[Node] = [Input((), _shape(placeholder))]
        self.values: dict[fx.Node, Lowered] = {placeholder: 0}
        self.stacks: dict[fx.Node, list[int]] = {}
        self.rearranged: set[fx.Node] = set()
        self.from_input = {placeholder}
        self.constants: dict[fx.Node, Any] = {}

    def carries_gradient(self, node: fx.Node) -> bool:
        """Whether the result depends on the picture in a way that has a derivative."""
        if not self.from_input.isdisjoint(node.all_input_nodes):
            self.from_input.add(node)
        return node.target not in WITHOUT_GRADIENT and any(
            n in self.values or n in self.stacks or n in self.rearranged for n in node.all_input_nodes
        )

    def add(self, node: fx.Node) -> None:
        """Lower one operation."""
        if str(node.target) == "<built-in function getitem>":
            results = self.values[node.args[0]]  # type: ignore[index]
            one = results[node.args[1]] if isinstance(results, tuple) else None  # type: ignore[index]
            if one is not None:
                self.values[node] = one
            return
        value = node.meta.get("val")
        if isinstance(value, Tensor) and not value.is_floating_point():
            return  # a comparison, an index: no gradient goes through it
        handler = TABLE.get(node.target)
        if handler is None:
            raise UnsupportedOperationError(str(node.target))
        handler(self, node)

    def value(self, node: Any) -> int:
        """The graph's index of an argument that carries a gradient."""
        found = self.values.get(node)
        if not isinstance(found, int):
            raise UnsupportedOperationError(f"{node.target} used in an unknown way")
        return found

    def constant(self, argument: Any) -> Any:
        """The value of an argument that does not depend on the picture."""
        return map_arg(argument, self._constant)

    def _constant(self, node: fx.Node) -> Any:
        if node in self.from_input:
            raise UnsupportedOperationError(f"{node.target}, whose result is used as a weight")
        if node not in self.constants:
            if node.op == "get_attr":
                self.constants[node] = _attribute(self.traced, str(node.target))
            else:
                self.constants[node] = node.target(*self.constant(node.args), **self.constant(node.kwargs))  # type: ignore[operator]
        return self.constants[node]

    def put(self, source: fx.Node, node: Node) -> int:
        """Append a node and note which operation it stands for."""
        self.values[source] = self.append(node)
        return len(self.nodes) - 1

    def append(self, node: Node) -> int:
        """Append a node and return its index."""
        self.nodes.append(node)
        return len(self.nodes) - 1


def _attribute(root: torch.nn.Module, path: str) -> Any:
    found: Any = root
    for name in path.split("."):
        found = getattr(found, name)
    return found


def _shape(node: fx.Node) -> tuple[int, int, int]:
    """Channels, rows and columns of a result."""
    sizes = tuple(node.meta["val"].shape)
    if len(sizes) != 4 or sizes[0] != 1:
        raise UnsupportedOperationError(f"{node.target} with a result of {len(sizes)} axes")
    return sizes[1:]


def _pair(value: Any, default: Any = None) -> tuple[int, int]:
    value = list(value) if isinstance(value, Sequence) else [value]
    if not value:
        value = list(default)
    return (int(value[0]), int(value[-1]))


def _arguments(node: fx.Node) -> dict[str, Any]:
    """All arguments by name, defaults included."""
    schema = node.target._schema.arguments  # type: ignore[union-attr]
    given = dict(zip((a.name for a in schema), node.args, strict=False)) | dict(node.kwargs)
    return {a.name: given.get(a.name, a.default_value) for a in schema}


def _rearrange(self: _Lowering, node: fx.Node) -> None:
    """A step on the way of maps through other layouts, until they come out as one map of larger size.

    What a chain of permutations, views and stacks does is found by sending the numbers of the elements through it.
    """
    self.rearranged.add(node)
    if node.meta["val"].dim() != 4:
        return
    sources: list[fx.Node] = []
    numbers = _renumber(self, node, sources)
    factor = math.isqrt(len(sources))
    if factor < 2 or factor**2 != len(sources) or numbers.shape[1:] != _shape(node):
        return
    for place, source in enumerate(sources):
        row, column = divmod(place, factor)
        part = numbers[..., row::factor, column::factor]
        if part.shape != source.meta["val"].shape or not torch.equal(part, _numbers(place, source)):
            return
    self.rearranged.remove(node)
    self.put(node, Interleave(tuple(self.value(source) for source in sources), _shape(node), factor))


def _renumber(self: _Lowering, node: fx.Node, sources: list[fx.Node]) -> Tensor:
    """The elements' numbers after a chain of rearrangements; ``sources`` collects the maps that it starts from."""
    if node not in self.rearranged:
        if node not in sources:
            sources.append(node)
        return _numbers(sources.index(node), node)
    return node.target(*map_arg(node.args, lambda n: _renumber(self, n, sources)), **node.kwargs)  # type: ignore[no-any-return, operator]


def _numbers(place: int, source: fx.Node) -> Tensor:
    """A number for every element of a map, another one in every map."""
    value = source.meta["val"]
    return torch.arange(place * value.numel(), (place + 1) * value.numel(), dtype=torch.int64).view(value.shape)


def _identity(self: _Lowering, node: fx.Node) -> None:
    source: Any = node.args[0]
    if source in self.rearranged:
        _rearrange(self, node)
        return
    before, after = source.meta["val"], node.meta["val"]
    if (before.shape, before.dtype) != (after.shape, after.dtype):
        raise UnsupportedOperationError(f"{node.target} to another shape or type")
    if source in self.stacks:
        self.stacks[node] = self.stacks[source]
    else:
        self.values[node] = self.values[source]


def _view(self: _Lowering, node: fx.Node) -> None:
    """The same shape, or a stack of maps ``[1, c, n, h, w]`` whose channels and maps become one axis."""
    source = node.args[0]
    if source not in self.stacks:
        _identity(self, node)  # which knows what is on its way through other layouts
        return
    parts = self.stacks[source]  # type: ignore[index]
    count, channels = len(parts), self.nodes[parts[0]].shape[0]
    shape = (channels * count, *self.nodes[parts[0]].shape[1:])
    if _shape(node) != shape:
        raise UnsupportedOperationError(f"{node.target} of a stack to another shape")
    joined = self.append(Concat(tuple(parts), shape, channels=(channels,) * count))
    order = torch.arange(channels * count).view(count, channels).T.flatten()
    self.put(node, Permute((joined,), shape, order))


def _stack(self: _Lowering, node: fx.Node) -> None:
    if not self.rearranged.isdisjoint(node.all_input_nodes):
        _rearrange(self, node)
        return
    if node.args[1:] not in ((2,), (-3,)):
        raise UnsupportedOperationError(f"{node.target} along another axis than 2")
    self.stacks[node] = [self.value(part) for part in node.args[0]]  # type: ignore[union-attr]


def _convolution(self: _Lowering, node: fx.Node) -> None:
    a = _arguments(node)
    if len(a["stride"]) != 2 and len(a["weight"].meta["val"].shape) != 4:
        raise UnsupportedOperationError(f"{node.target} in other than 2 dimensions")
    self.put(
        node,
        Convolution(
            (self.value(a["input"]),),
            _shape(node),
            weight=self.constant(a["weight"]).detach(),
            stride=_pair(a["stride"]),
            padding=_pair(a["padding"]),
            dilation=_pair(a["dilation"]),
            groups=a["groups"],
            transposed=a["transposed"],
        ),
    )


def _batch_norm(self: _Lowering, node: fx.Node) -> None:
    a = _arguments(node)
    if a.get("training"):
        raise UnsupportedOperationError("batch norm by the batch's own statistics")
    value, mean, variance = (a[k] for k in ("input", "running_mean", "running_var"))
    epsilon = a.get("eps", a.get("epsilon"))
    factors = (self.constant(variance) + epsilon).rsqrt()
    if a["weight"] is not None:
        factors = factors * self.constant(a["weight"])
    del mean
    shape = self.nodes[self.value(value)].shape
    self.values[node] = (self.append(Scale((self.value(value),), shape, factors.detach())), None, None, None, None)


def _mask(_arguments: tuple[Any, ...], result: Tensor) -> Tensor:
    return result > 0


def _relu(self: _Lowering, node: fx.Node) -> None:
    self.put(node, Pointwise((self.value(node.args[0]),), _shape(node), derivative=_mask, source=node, is_mask=True))


def _pointwise(self: _Lowering, node: fx.Node) -> None:
    """Any function of numbers at the same place: per argument that depends on the picture, a partial derivative."""
    shape = _shape(node)
    parts = [
        self.append(Pointwise((_enlarged(self, argument, node),), shape, _derivative(node, k), node))
        for k, argument in enumerate(node.args)
        if isinstance(argument, fx.Node) and argument in self.values
    ]
    self.values[node] = parts[0] if len(parts) == 1 else self.append(Add(tuple(parts), shape))


def _enlarged(self: _Lowering, argument: Any, node: fx.Node) -> int:
    """An argument at the size of the result, where PyTorch repeats it along axes of length 1."""
    value, shape, like = self.value(argument), _shape(node), node.meta["val"]
    channels, height, width = self.nodes[value].shape
    if channels != shape[0]:
        weight = torch.ones(shape[0], 1, 1, 1, dtype=like.dtype, device=like.device)
        one = (1, 1)
        value = self.append(
            Convolution((value,), (shape[0], height, width), weight=weight, stride=one, padding=(0, 0), dilation=one, groups=1,
                        transposed=False)
        )  # fmt: skip
    return value if (height, width) == shape[1:] else self.append(_repeated(self, value, shape, like))


def _derivative(node: fx.Node, place: int) -> Callable[[tuple[Any, ...], Tensor], Tensor]:
    """The operation's derivative with respect to one argument, by autograd, which knows all of them."""

    def derivative(arguments: tuple[Any, ...], result: Tensor) -> Tensor:
        with torch.enable_grad():
            x = arguments[place].detach().expand(result.shape).requires_grad_()
            y = node.target(*arguments[:place], x, *arguments[place + 1 :], **node.kwargs)  # type: ignore[operator]
            (found,) = torch.autograd.grad(y.sum(), x)
        return found  # type: ignore[no-any-return]

    return derivative


def _add(self: _Lowering, node: fx.Node) -> None:
    """A sum; what does not depend on the picture adds no gradient. ``alpha`` other than 1 goes the general way."""
    a, b = node.args
    carriers = [n for n in (a, b) if isinstance(n, fx.Node) and n in self.values]
    if node.kwargs.get("alpha", 1) != 1:
        _pointwise(self, node)
    elif len(carriers) == 1:
        self.values[node] = _enlarged(self, carriers[0], node)
    else:
        self.put(node, Add((_enlarged(self, a, node), _enlarged(self, b, node)), _shape(node)))


def _max_pool(self: _Lowering, node: fx.Node) -> None:
    a = _arguments(node)
    kernel = _pair(a["kernel_size"])
    index = self.append(
        MaxPool(
            (self.value(a["self"]),),
            tuple(node.meta["val"][0].shape[1:]),
            kernel=kernel,
            stride=_pair(a["stride"] or (), kernel),
            padding=_pair(a["padding"]),
            dilation=_pair(a["dilation"]),
            source=node,
        )
    )
    self.values[node] = (index, None)


def _max_unpool(self: _Lowering, node: fx.Node) -> None:
    value, indices = node.args[0], node.args[1]
    pool = self.values.get(indices.args[0]) if isinstance(indices, fx.Node) and indices.args else None  # type: ignore[arg-type]
    windows = self.nodes[pool[0]] if isinstance(pool, tuple) and pool[0] is not None else None
    if not isinstance(windows, MaxPool) or self.nodes[windows.inputs[0]].shape[1:] != _shape(node)[1:]:
        raise UnsupportedOperationError(f"{node.target} with indices that are not those of a max pooling of its size")
    assert isinstance(pool, tuple)
    assert pool[0] is not None
    self.put(node, Unpool((self.value(value),), _shape(node), pool=pool[0], windows=windows))


def _concatenate(self: _Lowering, node: fx.Node) -> None:
    a = _arguments(node)
    axis = a["dim"] % 4
    parts = list(a["tensors"])
    if axis == 1 and all(part in self.values for part in parts):
        values = tuple(self.value(part) for part in parts)
        self.put(node, Concat(values, _shape(node), channels=tuple(self.nodes[v].shape[0] for v in values)))
        return
    if axis == 0:
        raise UnsupportedOperationError(f"{node.target} along the batch")
    placed, start = [], 0
    for part in parts:
        if part in self.values:
            offset = [0, 0, 0]
            offset[axis - 1] = -start
            placed.append(_window(self, self.value(part), _shape(node), offset))
        start += part.meta["val"].shape[axis]
    self.values[node] = placed[0] if len(placed) == 1 else self.append(Add(tuple(placed), _shape(node)))


def _window(
    self: _Lowering, value: int, shape: Sequence[int], start: Sequence[int], step: Sequence[int] = (1, 1, 1)
) -> int:
    channels, rows, columns = shape
    window = Window(
        (value,),
        (channels, rows, columns),
        channels=self.nodes[value].shape[0],
        start=(start[0], start[1], start[2]),
        step=(step[0], step[1], step[2]),
    )
    return self.append(window)


def _cut(self: _Lowering, value: int, axis: int, start: int, length: int, step: int = 1) -> int:
    """A part of a value along one axis; the value itself where that is all of it."""
    shape = list(self.nodes[value].shape)
    if (start, length, step) == (0, shape[axis - 1], 1):
        return value
    starts, steps = [0, 0, 0], [1, 1, 1]
    starts[axis - 1], steps[axis - 1], shape[axis - 1] = start, step, length
    return _window(self, value, shape, starts, steps)


def _slice(self: _Lowering, node: fx.Node) -> None:
    a = _arguments(node)
    size, axis = self.nodes[self.value(a["self"])].shape, a["dim"] % 4
    if axis == 0:
        _identity(self, node)
        return
    start, _, step = slice(a["start"], a["end"], a["step"]).indices(size[axis - 1])
    self.values[node] = _cut(self, self.value(a["self"]), axis, start, _shape(node)[axis - 1], step)


def _split(self: _Lowering, node: fx.Node) -> None:
    a = _arguments(node)
    axis, start, cuts = a["dim"] % 4, 0, []
    if axis == 0:
        raise UnsupportedOperationError(f"{node.target} along the batch")
    for part in node.meta["val"]:
        cuts.append(_cut(self, self.value(a["self"]), axis, start, part.shape[axis]))
        start += part.shape[axis]
    self.values[node] = tuple(cuts)


def _pad(self: _Lowering, node: fx.Node) -> None:
    padding = [*_arguments(node)["pad"], 0, 0, 0, 0, 0, 0][:6]  # columns, rows, channels
    start = (-padding[4], -padding[2], -padding[0])
    self.values[node] = _window(self, self.value(node.args[0]), _shape(node), start)


def _pixel_shuffle(self: _Lowering, node: fx.Node) -> None:
    """Of a stack of as many maps as there are positions, it interleaves them."""
    source, factor = node.args[0], int(node.args[1])  # type: ignore[arg-type]
    stack = source.args[0] if isinstance(source, fx.Node) and source.target in VIEWS else None
    parts = self.stacks.get(stack, [])  # type: ignore[arg-type]
    if len(parts) == factor**2:
        self.put(node, Interleave(tuple(parts), _shape(node), factor))
        return
    self.put(node, Shuffle((self.value(node.args[0]),), _shape(node), factor=int(node.args[1])))  # type: ignore[arg-type]


def _separable(arguments_along: Callable[[dict[str, Any], int, Sequence[int]], dict[str, Any]]) -> "Handler":
    """Resizing and the like: apply the operation to the columns of an identity matrix, one axis after the other.

    Args:
        arguments_along: the operation's arguments, the axis (0 rows, 1 columns) and the output's rows and columns -> the
            arguments that treat the axis as rows and leave an only column alone.
    """

    def handler(self: _Lowering, node: fx.Node) -> None:
        a = _arguments(node)
        value, shape = self.value(a.pop(next(iter(a)))), _shape(node)
        like = node.meta["val"]
        matrices = []
        for axis in (0, 1):
            size = self.nodes[value].shape[1 + axis]
            eye = torch.eye(size, dtype=like.dtype, device=like.device)[None, :, :, None]
            arguments = arguments_along(a, axis, shape[1:])
            matrices.append(node.target(eye, **arguments)[0, :, :, 0].T.contiguous())  # type: ignore[operator]
        self.put(node, Separable((value,), shape, rows=matrices[0], columns=matrices[1]))

    return handler


def _resize_along(a: dict[str, Any], axis: int, sizes: Sequence[int]) -> dict[str, Any]:
    scales = [a.get("scales_h"), a.get("scales_w")]
    return a | {"output_size": [sizes[axis], 1], "scales_h": scales[axis], "scales_w": None}


def _average_along(a: dict[str, Any], axis: int, sizes: Sequence[int]) -> dict[str, Any]:
    del sizes
    if a["divisor_override"] is not None:
        raise UnsupportedOperationError("avg_pool2d with divisor_override")
    kernel = _pair(a["kernel_size"])
    stride, padding = _pair(a["stride"] or (), kernel), _pair(a["padding"])
    return a | {"kernel_size": [kernel[axis], 1], "stride": [stride[axis], 1], "padding": [padding[axis], 0]}


def _adaptive_along(a: dict[str, Any], axis: int, sizes: Sequence[int]) -> dict[str, Any]:
    return a | {"output_size": [sizes[axis], 1]}


def _border_along(a: dict[str, Any], axis: int, sizes: Sequence[int]) -> dict[str, Any]:
    del sizes
    left, right, top, bottom = a["padding"]
    return {"padding": [0, 0, *((top, bottom), (left, right))[axis]]}


def _roll_along(a: dict[str, Any], axis: int, sizes: Sequence[int]) -> dict[str, Any]:
    del sizes
    moves = [(shift, d % 4) for shift, d in zip(a["shifts"], a["dims"], strict=False)]
    if not moves or any(d < 2 for _, d in moves):
        raise UnsupportedOperationError("roll along other axes than rows and columns")
    return {"shifts": [sum(shift for shift, d in moves if d == 2 + axis)], "dims": [2]}


def _flip_along(a: dict[str, Any], axis: int, sizes: Sequence[int]) -> dict[str, Any]:
    del sizes
    dims = [d % 4 for d in a["dims"]]
    if any(d < 2 for d in dims):
        raise UnsupportedOperationError("flip along other axes than rows and columns")
    return {"dims": [2] if 2 + axis in dims else []}


def _mean(self: _Lowering, node: fx.Node) -> None:
    a = _arguments(node)
    value = self.value(a["self"])
    if sorted(d % 4 for d in a["dim"] or ()) != [2, 3] or not a["keepdim"]:
        raise UnsupportedOperationError("mean other than over rows and columns, kept as axes")
    like, (_, height, width) = node.meta["val"], self.nodes[value].shape
    rows, columns = (torch.full((1, n), 1 / n, dtype=like.dtype, device=like.device) for n in (height, width))
    self.put(node, Separable((value,), _shape(node), rows=rows, columns=columns))


def _expand(self: _Lowering, node: fx.Node) -> None:
    """One number per channel over all positions of a map."""
    value, shape, like = self.value(node.args[0]), _shape(node), node.meta["val"]
    if self.nodes[value].shape[0] != shape[0]:
        raise UnsupportedOperationError(f"{node.target} of channels")
    self.put(node, _repeated(self, value, shape, like))


def _repeated(self: _Lowering, value: int, shape: tuple[int, int, int], like: Tensor) -> Separable:
    """A map repeated along its axes of length 1."""
    rows, columns = (
        torch.ones(new, old, dtype=like.dtype, device=like.device)
        if old == 1
        else torch.eye(new, dtype=like.dtype, device=like.device)
        for new, old in zip(shape[1:], self.nodes[value].shape[1:], strict=True)
    )
    return Separable((value,), shape, rows=rows, columns=columns)


Handler = Callable[[_Lowering, fx.Node], None]

#: What depends on the picture not at all, or in a way that autograd does not follow.
WITHOUT_GRADIENT = (
    *DETACH, aten.empty_like.default, aten.full_like.default, aten.ones_like.default, aten.zeros_like.default,
)  # fmt: skip

VIEWS = (aten.view.default, aten._unsafe_view.default)

#: Functions of each number by itself; derivatives come from autograd.
POINTWISE = (
    aten._prelu_kernel.default, aten.abs.default, aten.atan.default, aten.clamp.default, aten.clamp_max.default,
    aten.clamp_min.default, aten.cos.default, aten.div.Scalar, aten.div.Tensor, aten.elu.default, aten.erf.default,
    aten.exp.default, aten.expm1.default, aten.gelu.default, aten.hardsigmoid.default, aten.hardswish.default,
    aten.hardtanh.default, aten.leaky_relu.default, aten.log.default, aten.log1p.default, aten.maximum.default,
    aten.minimum.default, aten.mish.default, aten.mul.Scalar, aten.mul.Tensor, aten.neg.default,
    aten.pow.Tensor_Scalar, aten.reciprocal.default, aten.rsqrt.default, aten.rsub.Scalar, aten.sigmoid.default,
    aten.silu.default, aten.sin.default, aten.softplus.default, aten.sqrt.default, aten.square.default,
    aten.sub.Tensor, aten.tanh.default, aten.threshold.default, aten.where.self,
)  # fmt: skip

TABLE: dict[Any, Handler] = {
    aten._adaptive_avg_pool2d.default: _separable(_adaptive_along),
    aten._native_batch_norm_legit_no_training.default: _batch_norm,
    aten.add.Scalar: _add,
    aten.add.Tensor: _add,
    aten.alias.default: _identity,
    aten.avg_pool2d.default: _separable(_average_along),
    aten.cat.default: _concatenate,
    aten.clone.default: _identity,
    aten.constant_pad_nd.default: _pad,
    aten.convolution.default: _convolution,
    aten.cudnn_batch_norm.default: _batch_norm,
    aten.expand.default: _expand,
    aten.flip.default: _separable(_flip_along),
    aten.lift_fresh.default: _identity,
    aten.max_pool2d_with_indices.default: _max_pool,
    aten.max_unpool2d.default: _max_unpool,
    aten.mean.dim: _mean,
    aten.native_batch_norm.default: _batch_norm,
    aten.permute.default: _rearrange,
    aten.pixel_shuffle.default: _pixel_shuffle,
    aten.reflection_pad2d.default: _separable(_border_along),
    aten.relu.default: _relu,
    aten.replication_pad2d.default: _separable(_border_along),
    aten.roll.default: _separable(_roll_along),
    aten.slice.Tensor: _slice,
    aten.split.Tensor: _split,
    aten.split_with_sizes.default: _split,
    aten.stack.default: _stack,
    aten.sub.Scalar: _add,
    aten.transpose.int: _rearrange,
    aten.upsample_bicubic2d.default: _separable(_resize_along),
    aten.upsample_bilinear2d.default: _separable(_resize_along),
    aten.upsample_nearest2d.default: _separable(_resize_along),
    **dict.fromkeys(VIEWS, _view),
    **dict.fromkeys(POINTWISE, _pointwise),
}
