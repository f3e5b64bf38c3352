"""Backward passes at live units only, in native loops on the CPU."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from ..boxes import Boxes, Reach
from ..graph import Box, Graph, State
from ..graph.nodes import Convolution, MaxPool, Node, Pointwise, Scale, Separable, Unpool
from . import kernels
from .kernels import Rows
from .live import live_units
from .point import lane_width, point_function
from .routes import Route, lay_out
from .threads import in_parallel

__all__ = ["SparsePass"]

#: Registers that the rows of all targets take in the inner loop.
VECTORS = 4
#: Bytes of a convolution's weights that are in use at a time: half of a second-level cache.
WEIGHT_BYTES = 512 << 10
#: Columns that are treated before the next row is, so that the rows above stay in the caches.
STRIP = 16


class SparsePass:
    """Backward passes at one picture, on the CPU.

    Args:
        graph: the network.
        state: the forward pass's masks and winners at the picture.
        last: the value from which gradients start.
        reach: the graph's connectivity.

    Attributes:
        lanes: targets at once.
        multiply_adds: done so far in convolutions, per target.

    Raises:
        UnsupportedOperationError: at a kind of node for which there is no kernel.
    """

    def __init__(self, graph: Graph, state: State, last: int, reach: Reach) -> None:
        self.graph = graph
        self.dtype = np.dtype(str(graph.like.dtype).removeprefix("torch."))
        self.lanes = VECTORS * lane_width(self.dtype)
        self.multiply_adds = 0
        self.layout = lay_out(graph, last)
        self.units = live_units(graph, state, last, self.layout.owners, reach.cone)
        self.moves = {index for index, node in enumerate(graph.nodes) if _is_move(node, index in self.layout.loose)}
        self.constants = {
            index: _constants(graph, index, state, index in self.moves)
            for index, node in enumerate(graph.nodes[: last + 1])
            if node.inputs
        }
        self.buffers = _Buffers(self.dtype)

    def gradients(self, seeds: Float[Tensor, "n c h w"], boxes: Boxes) -> Float[Tensor, "n _ _h _w"]:
        """See :class:`BackwardPass`."""
        layout = self.layout
        if layout.last == 0:
            return seeds
        vectors = -(-len(seeds) // lane_width(self.dtype))
        walk = _Walk(self, boxes, vectors)
        walk.begin(seeds)
        for value in range(layout.last - 1, -1, -1):
            if value in layout.contributions:
                walk.fill(value)
        return walk.end(len(seeds))


class _Walk:
    """One tile's way from the output to the picture."""

    def __init__(self, owner: SparsePass, boxes: Boxes, vectors: int) -> None:
        self._p = owner
        self._boxes = boxes
        self._vectors = vectors
        self._lanes = vectors * lane_width(owner.dtype)
        self._rows: dict[int, Rows] = {}
        self._point = point_function(owner.dtype == np.float32, vectors)
        self._zeros = np.zeros(self._lanes, owner.dtype)

    def begin(self, seeds: Float[Tensor, "n c h w"]) -> None:
        """Write the rows of the value from which gradients start."""
        rows = self._new_rows(self._p.layout.last)
        count, channels, height, width = seeds.shape
        rows.buffer[:] = 0
        rows.buffer.reshape(height, width, channels, -1)[..., :count] = seeds.permute(2, 3, 1, 0).numpy()

    def end(self, count: int) -> Float[Tensor, "n c h w"]:
        """The picture's gradient."""
        channels = self._p.graph.nodes[0].shape[0]
        (top, bottom), (left, right) = self._boxes.values[0]
        if 0 not in self._rows:
            return self._p.graph.like.new_zeros((count, channels, bottom - top, right - left))
        rows = torch.from_numpy(self._rows.pop(0).buffer)
        self._release(-1)
        return rows.view(bottom - top, right - left, channels, -1).permute(3, 2, 0, 1)[:count]

    def fill(self, value: int) -> None:
        """Write the rows of one value from those above it."""
        (top, bottom), _ = self._boxes.values[value]
        users = [
            (index, place)
            for index, place in self._p.layout.contributions[value]
            if self._p.layout.routes[index].value in self._rows and _some(self._boxes.parts[index][place])
        ]
        if top < bottom and users:
            rows = self._rows[value] = self._new_rows(value)
            self._contribute(rows, users)
        self._release(value)

    def _contribute(self, rows: Rows, users: list[tuple[int, int]]) -> None:
        nodes = self._p.graph.nodes
        convolutions = [user for user in users if isinstance(nodes[user[0]], Convolution)]
        others = [user for user in users if user not in convolutions]
        moves = [user for user in others if user[0] in self._p.moves]
        added = moves[0] if convolutions and moves else None
        fresh = True
        for index, place in [*convolutions, *(user for user in others if user != added)]:
            if isinstance(nodes[index], Convolution):
                self._convolution(index, rows, fresh, added if fresh else None)
            else:
                self._other(index, place, rows, fresh)
            fresh = False

    def _new_rows(self, value: int) -> Rows:
        (top, bottom), (left, right) = self._boxes.values[value]
        units = self._p.units[value]
        channels, _, columns = self._p.graph.nodes[value].shape
        box = np.array([top, bottom, left, right, columns, channels], np.int64)
        first = kernels.first_rows(units.start, box)
        make = self._p.buffers.fresh if value == 0 else self._p.buffers.take
        rows = self._rows[value] = Rows(make(int(first[-1]), self._lanes), units.start, units.channels, first, box)
        return rows

    def _release(self, value: int) -> None:
        """Rows that nobody below reads any more can be used again."""
        until = self._p.layout.until
        for owner in [o for o in self._rows if o != value and until.get(o, -1) >= value]:
            self._p.buffers.give(self._rows.pop(owner).buffer)

    def _source(self, index: int, place: int | None = None) -> tuple[Rows, Route]:
        """The rows in which a node's gradient stands, and the route to it, or to its part for one input."""
        route = self._p.layout.routes[index]
        if place is not None:
            node = self._p.graph.nodes[index]
            route = route.through(node, place, self._p.graph.nodes[node.inputs[place]].shape[1:])
        return self._rows[route.value], route

    def _convolution(self, index: int, rows: Rows, fresh: bool, added: tuple[int, int] | None) -> None:
        above, route = self._source(index)
        weight, numbers = self._p.constants[index]
        other, other_route = self._source(*added) if added else (above, route)
        convolve: Callable[..., int] = kernels.back_convolution
        begin_with = (kernels.WITH_ADDED if added else kernels.FRESH) if fresh else kernels.MORE
        done = in_parallel(
            lambda span: convolve(
                span, rows, above, route.numbers(), self._point, STRIP, begin_with, _flat(self._boxes.values[index]),
                weight, numbers, other, other_route.numbers(), self._zeros,
            ),
            _span(rows) if fresh else self._boxes.parts[index][0][0],
        )  # fmt: skip
        self._p.multiply_adds += sum(done)

    def _other(self, index: int, place: int, rows: Rows, fresh: bool) -> None:
        node = self._p.graph.nodes[index]
        above, route = self._source(index, place if index in self._p.moves else None)
        kernel = KERNELS[type(node)] if type(node) in KERNELS else KERNELS[Node]
        arguments = (fresh, rows, above, route.numbers(), _flat(self._boxes.values[index]), *self._p.constants[index])
        in_parallel(
            lambda span: kernel(span, *arguments),
            _span(rows) if fresh else self._boxes.parts[index][place][0],
        )


#: What takes a gradient back through a node that is no convolution; any other moves rows.
KERNELS: dict[type[Node], Callable[..., Any]] = {
    Node: kernels.add_routed,
    MaxPool: kernels.add_pooled,
    Separable: kernels.add_separable,
    Unpool: kernels.add_unpooled,
}


class _Buffers:
    """Memory for rows, used again and again: fresh memory costs the system's time to clear it.

    Tiles at other places need other sizes, so not everything that was ever given back is kept.

    Args:
        dtype: of the numbers.
        largest: bytes that wait to be taken.
    """

    def __init__(self, dtype: np.dtype, largest: int = 1 << 30) -> None:
        self.dtype = dtype
        self._largest = largest
        self._free: list[ndarray] = []
        self._bytes = 0

    def take(self, rows: int, lanes: int) -> Float[ndarray, "rows lanes"]:
        """Rows with anything in them."""
        needed = rows * lanes
        fitting = [k for k, flat in enumerate(self._free) if needed <= flat.size <= 4 * needed + 4096]
        best = min(fitting, key=lambda k: self._free[k].size, default=None)
        if best is None:
            return self.fresh(rows, lanes)
        flat = self._free.pop(best)
        self._bytes -= flat.nbytes
        return flat[:needed].reshape(rows, lanes)

    def fresh(self, rows: int, lanes: int) -> Float[ndarray, "rows lanes"]:
        """Rows that will be handed out."""
        return _aligned(rows * lanes, self.dtype).reshape(rows, lanes)

    def give(self, buffer: Float[ndarray, "rows lanes"]) -> None:
        """Back for the next to take."""
        flat = buffer.base
        assert isinstance(flat, ndarray)
        self._free.append(flat)
        self._bytes += flat.nbytes
        while self._bytes > self._largest:
            self._bytes -= self._free.pop(0).nbytes  # the one that has waited longest


def _aligned(numbers: int, dtype: np.dtype) -> ndarray:
    """An own array whose rows begin at cache lines."""
    raw = np.empty(numbers * dtype.itemsize + 64, np.uint8)
    offset = -raw.ctypes.data % 64
    return np.frombuffer(raw.data, dtype, numbers, offset)


def _is_move(node: Node, loose: bool) -> bool:
    """Whether the gradient of an input is the value's own, at other places.

    A mask's is, if the value stands in rows without its dead units.
    """
    if isinstance(node, Pointwise):
        return node.is_mask and not loose
    return not isinstance(node, (Convolution, MaxPool, Unpool, Separable, Scale))


def _constants(graph: Graph, index: int, state: State, is_move: bool) -> tuple[Any, ...]:
    """What a node's kernel needs to know beside the rows."""
    node = graph.nodes[index]
    no_factors, nobody = np.empty((0, 0), graph.like.numpy().dtype), np.empty((0, 0), np.int32)
    match node:
        case Convolution():
            return graph.prepared(index, _convolution_constants)
        case MaxPool():
            numbers = [node.shape[2], *node.kernel, *node.stride, *node.padding, *node.dilation]
            return no_factors, _winners(state[index]), np.array(numbers, np.int64)
        case Unpool():
            return _winners(state[node.pool]), node.shape[2]
        case Separable():
            return no_factors, nobody, *_spans(node.rows), *_spans(node.columns)
        case Scale():
            return np.ascontiguousarray(node.factors.numpy()[None]), nobody
        case Pointwise() if not is_move:
            factors = state[index].to(graph.like.dtype).expand(node.shape).permute(1, 2, 0).flatten(0, 1)
            return factors.contiguous().numpy(), nobody
        case _:
            return no_factors, nobody


def _winners(winners: Int[Tensor, "c h w"]) -> Int[ndarray, "hw c"]:
    return winners.permute(1, 2, 0).flatten(0, 1).to(torch.int32).contiguous().numpy()


def _spans(matrix: Float[Tensor, "o i"]) -> tuple[Float[ndarray, "o i"], Int[ndarray, "i 2"]]:
    """A matrix, and per column the first row that is not 0 and the one after the last."""
    touched = (matrix != 0).numpy()
    first = touched.argmax(0)
    last = len(touched) - touched[::-1].argmax(0)
    spans = np.stack([first, np.where(touched.any(0), last, first)], axis=1)
    return np.ascontiguousarray(matrix.numpy()), spans.astype(np.int64)


def _convolution_constants(node: Convolution) -> tuple[Float[ndarray, "blocks _"], Int[ndarray, "12"]]:
    """The weights in blocks ``[group and block of inputs, tap, output, input in the block]``, and the numbers."""
    weight, groups = node.weight.numpy(), node.groups
    taps = weight.shape[2] * weight.shape[3]
    if node.transposed:
        arranged = weight.reshape(groups, weight.shape[0] // groups, weight.shape[1], taps).transpose(0, 1, 3, 2)
    else:
        arranged = weight.reshape(groups, weight.shape[0] // groups, weight.shape[1], taps).transpose(0, 2, 3, 1)
    _, inputs, _, outputs = arranged.shape
    per_input = taps * outputs * weight.itemsize
    block = min(-(-inputs // 16) * 16, max(16, WEIGHT_BYTES // per_input // 16 * 16))
    count = -(-inputs // block)
    padded = np.zeros((groups, count * block, taps, outputs), weight.dtype)
    padded[:, :inputs] = arranged
    blocks = padded.reshape(groups, count, block, taps, outputs).transpose(0, 1, 3, 4, 2)
    numbers = [
        *node.kernel, *node.stride, *node.padding, *node.dilation, int(node.transposed), inputs, outputs, block,
    ]  # fmt: skip
    flat = np.ascontiguousarray(blocks).reshape(groups * count, -1)
    return flat, np.array(numbers, np.int64)


def _flat(box: Box) -> Int[ndarray, "4"]:
    return np.array([*box[0], *box[1]], np.int64)


def _span(rows: Rows) -> tuple[int, int]:
    """All rows of positions."""
    return int(rows.box[0]), int(rows.box[1])


def _some(box: Box) -> bool:
    return box[0][0] < box[0][1]
