"""Backward passes at live units only, in native loops on the CPU."""

from collections.abc import Callable
from functools import partial
from threading import Lock
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, UInt16
from numpy import ndarray
from torch import Tensor

from segdepth.core.giving_way import give_way

from ..boxes import Boxes, Reach
from ..graph import Box, Graph, State, UnsupportedOperationError
from ..graph.operations.node import Kernel, Node
from ..graph.operations.node import Rows as AskedRows
from ..graph.operations.rows import nothing
from ..graph.route import Route
from . import kernels
from .kernels import Rows
from .live import first_rows, live_units
from .point import point_function
from .processor import Processor, this_processor
from .routes import lay_out
from .threads import in_parallel

__all__ = ["SparsePass"]

#: As many channels as the lists of live ones can tell apart.
CHANNELS = 1 << 16
#: Columns that are treated before the next row is, so that the rows above stay in the caches.
STRIP = 16
#: Bytes of a gradient that goes through PyTorch at a time, which needs some of that size meanwhile.
PLAIN_BYTES = 16 << 20
#: That a tile's rows may take for each pixel of the picture, and at least: fewer targets at once are slower, and many need more
#: memory than the network itself. Counted, not by what is free: the same targets go together on every machine.
PIXEL_BYTES, LEAST_BYTES = 3584, 64 << 20


class SparsePass:
    """Backward passes at one picture, on the CPU.

    Args:
        graph: the network.
        state: the forward pass's masks and winners at the picture.
        last: the value from which gradients start.
        reach: the graph's connectivity.
        processor: what the inner loop is made for; this one by default.

    Attributes:
        width: targets in a vector.
        lanes: targets at once.
        multiply_adds: done so far in convolutions that mix channels, of all targets.

    Raises:
        UnsupportedOperationError: at more channels than can be counted.
    """

    def __init__(self, graph: Graph, state: State, last: int, reach: Reach, processor: Processor | None = None) -> None:
        self.graph = graph
        self.dtype = np.dtype(str(graph.like.dtype).removeprefix("torch."))
        self.processor = processor or this_processor()
        self.width = self.processor.vector_bytes // self.dtype.itemsize
        self.multiply_adds = 0
        if any(node.shape[0] > CHANNELS for node in graph.nodes):
            raise UnsupportedOperationError(f"a map of more than {CHANNELS} channels")
        self.layout = lay_out(graph, last)
        self.units = live_units(graph, state, last, self.layout.owners, reach.cone)
        self.lanes = self._vectors(reach) * self.width
        self.kernels: dict[int, Kernel] = {}
        self.plain: dict[int, Any] = {}
        for index, node in enumerate(graph.nodes[: last + 1]):
            give_way()
            if node.inputs:
                self._make_ready(index, node, state)
        self.moves = {index for index in self.kernels if graph.nodes[index].moves(index in self.layout.loose)}
        self.buffers = _Buffers(self.dtype)
        self._all: dict[tuple[int, int, int], tuple[ndarray, ndarray]] = {}

    def _vectors(self, reach: Reach) -> int:
        """As many as the processor likes, and as few as keep a tile's rows within the memory that they may take."""
        _, rows, columns = self.graph.nodes[0].shape
        allowed = max(LEAST_BYTES, PIXEL_BYTES * rows * columns)
        vectors = self.processor.blocking.vectors
        while vectors > 1 and self._row_bytes(reach, vectors) > allowed:
            vectors -= 1
        return vectors

    def _row_bytes(self, reach: Reach, vectors: int) -> int:
        """Of a tile with so many vectors of targets, at most at once."""
        boxes = reach.tile(vectors * self.width).values
        rows_of = {
            value: int(first_rows(units.start, units.size[1], boxes[value])[-1]) for value, units in self.units.items()
        }
        return self.layout.most(rows_of) * vectors * self.processor.vector_bytes

    def _make_ready(self, index: int, node: Node, state: State) -> None:
        """The kernel of a node, or what it needs for a step in plain PyTorch."""
        kept = state.get(node.keeper(index))
        asked = AskedRows(
            self.dtype,
            index in self.layout.loose,
            self.processor.blocking.weight_bytes,
            partial(self.graph.prepared, index),
        )
        kernel = node.kernel(kept, asked)
        if kernel is not None:
            self.kernels[index] = kernel
        elif node.keeps:
            self.plain[index] = node.prepare(kept, self.graph.nodes[node.inputs[0]].shape[1:])
        else:
            self.plain[index] = node.lay_out()

    def all_units(self, shape: tuple[int, int, int]) -> tuple[Int[ndarray, " p"], UInt16[ndarray, " u"]]:
        """Where the channels of every position begin, and which they are, if all are live."""
        if shape not in self._all:
            channels, height, width = shape
            start = np.arange(height * width + 1, dtype=np.int64) * channels
            self._all[shape] = start, np.tile(np.arange(channels, dtype=np.uint16), height * width)
        return self._all[shape]

    def gradients(self, seeds: Float[Tensor, "n c h w"], boxes: Boxes) -> Float[Tensor, "n _ _h _w"]:
        """See :class:`BackwardPass`."""
        layout = self.layout
        if layout.last == 0:
            return seeds
        vectors = -(-len(seeds) // self.width)
        walk = _Walk(self, boxes, vectors)
        try:
            walk.begin(seeds)
            for value in range(layout.last - 1, -1, -1):
                if value in layout.contributions:
                    walk.fill(value)
            return walk.end(len(seeds))
        except BaseException:  # Ctrl-C, too: what is out does not come back
            self.buffers = _Buffers(self.dtype)
            raise


class _Walk:
    """One tile's way from the output to the picture."""

    def __init__(self, owner: SparsePass, boxes: Boxes, vectors: int) -> None:
        self._p = owner
        self._boxes = boxes
        self._vectors = vectors
        self._lanes = vectors * owner.width
        self._rows: dict[int, Rows] = {}
        self._point = point_function(owner.processor, owner.dtype.itemsize, vectors)
        self._zeros = np.zeros(self._lanes, owner.dtype)
        self._plain: dict[int, list[list[Tensor | None]]] = {}
        self._count = 0

    def begin(self, seeds: Float[Tensor, "n c h w"]) -> None:
        """Write the rows of the value from which gradients start."""
        rows = self._new_rows(self._p.layout.last)
        count, channels, height, width = seeds.shape
        self._count = count
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
        convolutions = [user for user in users if self._is_convolution(user[0])]
        others = [user for user in users if user not in convolutions]
        moves = [user for user in others if user[0] in self._p.moves]
        added = moves[0] if convolutions and moves else None
        fresh = True
        for index, place in [*convolutions, *(user for user in others if user != added)]:
            if self._is_convolution(index):
                self._convolution(index, rows, fresh, added if fresh else None)
            elif index in self._p.kernels:
                self._other(index, place, rows, fresh)
            else:
                self._in_plain_pytorch(index, place, rows, fresh)
            fresh = False

    def _is_convolution(self, index: int) -> bool:
        return index in self._p.kernels and self._p.kernels[index].function == "back_convolution"

    def _new_rows(self, value: int) -> Rows:
        (top, bottom), (left, right) = self._boxes.values[value]
        units = self._p.units[value]
        channels, _, columns = self._p.graph.nodes[value].shape
        box = (top, bottom, left, right, columns, channels)
        first = first_rows(units.start, columns, self._boxes.values[value])
        make = self._p.buffers.fresh if value == 0 else self._p.buffers.take
        rows = self._rows[value] = Rows(make(int(first[-1]), self._lanes), units.start, units.channels, first, box)
        return rows

    def _release(self, value: int) -> None:
        """Rows that nobody below reads any more can be used again."""
        for owner in [one for one in self._rows if self._p.layout.is_done_with(one, value)]:
            self._p.buffers.give(self._rows.pop(owner).buffer)

    def _source(self, index: int, place: int | None = None) -> tuple[Rows, Route]:
        """The rows in which a node's gradient stands, and the route to it, or to its part for one input."""
        route = self._p.layout.routes[index]
        if place is not None:
            node = self._p.graph.nodes[index]
            route = node.through(route, place, self._p.graph.nodes[node.inputs[place]].shape[1:])
        return self._rows[route.value], route

    def _convolution(self, index: int, rows: Rows, fresh: bool, added: tuple[int, int] | None) -> None:
        above, route = self._source(index)
        weight, numbers = self._p.kernels[index].constants
        other, other_route = self._source(*added) if added else (above, route)
        convolve: Callable[..., int] = kernels.back_convolution
        units, box = self._p.processor.blocking.units, _flat(self._boxes.values[index])
        begin_with = (kernels.WITH_ADDED if added else kernels.FRESH) if fresh else kernels.MORE
        done = in_parallel(
            lambda span: convolve(
                span, rows, above, route.numbers(), self._point, units, STRIP, begin_with, box, weight, numbers, other,
                other_route.numbers(), self._zeros.ctypes.data, kernels.scratch(numbers, units),
            ),
            _span(rows) if fresh else self._boxes.parts[index][0][0],
        )  # fmt: skip
        self._p.multiply_adds += sum(done) * self._count

    def _other(self, index: int, place: int, rows: Rows, fresh: bool) -> None:
        above, route = self._source(index, place if index in self._p.moves else None)
        name, constants = self._p.kernels[index]
        kernel: Callable[..., Any] = getattr(kernels, name)
        arguments = (fresh, rows, above, route.numbers(), _flat(self._boxes.values[index]), *constants)
        in_parallel(
            lambda span: kernel(span, *arguments),
            _span(rows) if fresh else self._boxes.parts[index][place][0],
        )

    def _in_plain_pytorch(self, index: int, place: int, rows: Rows, fresh: bool) -> None:
        """The way of a node without a kernel: its rows as a box of numbers, and the box of the input as rows."""
        if index not in self._plain:
            self._plain[index] = self._gradients_in_pieces(index)
        node, part = self._p.graph.nodes[index], self._boxes.parts[index][place]
        shape = self._p.graph.nodes[node.inputs[place]].shape
        whole = self._whole_rows(shape, part)
        numbers = _as_maps(whole, shape[0], part)
        start = 0
        for piece in self._plain[index]:
            found, piece[place] = piece[place], None
            assert found is not None
            numbers[start : start + len(found)] = found
            start += len(found)
        numbers[start:] = 0
        self._move(rows, whole, Route(0, (1, 0, 1), (1, 0, 1), (0, shape[0]), 0), fresh=fresh)

    def _gradients_in_pieces(self, index: int) -> list[list[Tensor | None]]:
        """Of all inputs of a node without a kernel, some targets at a time."""
        node, box, parts = self._p.graph.nodes[index], self._boxes.values[index], self._boxes.parts[index]
        above, route = self._source(index)
        whole = self._whole_rows(node.shape, box)
        self._move(whole, above, route, fresh=True)
        g = _as_maps(whole, node.shape[0], box)[: self._count]
        some = max(1, PLAIN_BYTES // max(1, g[0].nbytes))
        return [node.gradients(piece, box, parts, self._p.plain[index]) for piece in g.split(some)]

    def _whole_rows(self, shape: tuple[int, int, int], box: Box) -> Rows:
        """Rows of all units in a box."""
        start, channels = self._p.all_units(shape)
        numbers = (*box[0], *box[1], shape[2], shape[0])
        first = first_rows(start, shape[2], box)
        return Rows(self._p.buffers.fresh(int(first[-1]), self._lanes), start, channels, first, numbers)

    def _move(self, rows: Rows, above: Rows, route: Route, *, fresh: bool) -> None:
        empty = nothing(self._p.dtype)
        numbers = route.numbers()
        in_parallel(
            lambda span: kernels.add_routed(span, fresh, rows, above, numbers, _flat(((0, 0), (0, 0))), *empty),
            _span(rows),
        )


def _as_maps(rows: Rows, channels: int, box: Box) -> Float[Tensor, "lanes c _h _w"]:
    """Rows of all units in a box, as numbers of maps, in the same memory."""
    (top, bottom), (left, right) = box
    return torch.from_numpy(rows.buffer).view(bottom - top, right - left, channels, -1).permute(3, 2, 0, 1)


class _Buffers:
    """Memory for rows, used again and again: fresh memory costs the system's time to clear it.

    Tiles and layers need other sizes, so not everything that was ever given back is kept: what is out and what waits are
    together no more than the most that was out at once.

    Args:
        dtype: of the numbers.
    """

    def __init__(self, dtype: np.dtype) -> None:
        self.dtype = dtype
        self._free: list[ndarray] = []
        self._out = 0
        self._most = 0
        self._lock = Lock()

    def take(self, rows: int, lanes: int) -> Float[ndarray, "rows lanes"]:
        """Rows with anything in them."""
        needed = rows * lanes
        with self._lock:
            fitting = [k for k, flat in enumerate(self._free) if needed <= flat.size <= 2 * needed + 4096]
            best = min(fitting, key=lambda k: self._free[k].size, default=None)
            waiting = None if best is None else self._free.pop(best)
            self._out += needed * self.dtype.itemsize if waiting is None else waiting.nbytes
            self._most = max(self._most, self._out)
            while self._out + sum(flat.nbytes for flat in self._free) > self._most:
                self._free.pop(0)  # the one that has waited longest
        return self.fresh(rows, lanes) if waiting is None else waiting[:needed].reshape(rows, lanes)

    def fresh(self, rows: int, lanes: int) -> Float[ndarray, "rows lanes"]:
        """Rows that will be handed out."""
        return _aligned(rows * lanes, self.dtype).reshape(rows, lanes)

    def give(self, buffer: Float[ndarray, "rows lanes"]) -> None:
        """Back for the next to take."""
        flat = buffer.base
        assert isinstance(flat, ndarray)
        with self._lock:
            self._free.append(flat)
            self._out -= flat.nbytes


def _aligned(numbers: int, dtype: np.dtype) -> ndarray:
    """An own array whose rows begin at cache lines."""
    raw = np.empty(numbers * dtype.itemsize + 64, np.uint8)
    offset = -raw.ctypes.data % 64
    return np.frombuffer(raw.data, dtype, numbers, offset)


def _flat(box: Box) -> tuple[int, ...]:
    return *box[0], *box[1]


def _span(rows: Rows) -> tuple[int, int]:
    """All rows of positions."""
    return int(rows.box[0]), int(rows.box[1])


def _some(box: Box) -> bool:
    return box[0][0] < box[0][1]
