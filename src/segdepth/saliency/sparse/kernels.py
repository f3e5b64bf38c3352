"""The sparse engine's loops.

Gradients are rows of ``lanes`` numbers, one per target. A value's rows stand in the order of its positions, and at
each position in the order of its live channels. Where a value's gradient is a part of another's (a crop, one input of a
concatenation), it is read through a *route*: position ``(r, c)`` of the value is position ``((r m + o) / d, ...)`` of the
other, and its channels are a range of the other's.

Every kernel does some rows of positions, so that threads can share the work. Where a kernel is the first to write, it
clears what it does not write; otherwise it adds.

``no_type_check`` keeps the tests' shape checker, which wraps every function, away from code that Numba compiles.
"""

from typing import Any, NamedTuple, no_type_check

import numpy as np
from jaxtyping import Float, Int, UInt16
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic
from numpy import ndarray

from .compiled import kept
from .point import (
    ARGUMENTS,
    BEGIN,
    COUNT,
    FRESH,
    LISTED,
    MORE,
    NAMED,
    OUT,
    ROWS,
    UNITS,
    WEIGHTS,
    WITH_ADDED,
)

__all__ = [
    "FRESH",
    "MORE",
    "WITH_ADDED",
    "Rows",
    "add_by_taps",
    "add_routed",
    "add_separable",
    "add_unpooled",
    "back_convolution",
    "scratch",
]


# Numbers of a box.
TOP, BOTTOM, LEFT, RIGHT, COLUMNS, CHANNELS = range(6)
# Numbers of a route: multiplier, offset and divisor of rows and of columns; first channel, the one after the last,
# and what is added to a channel.
ROW_MUL, ROW_OFF, ROW_DIV, COL_MUL, COL_OFF, COL_DIV, CHANNEL_FROM, CHANNEL_TO, SHIFT = range(9)
# Numbers of a convolution: kernel, stride, padding, dilation; whether transposed; channels of a group going in and
# coming out; inputs in a block of weights.
KH, KW, SH, SW, PH, PW, DH, DW, TRANSPOSED, INPUTS, OUTPUTS, BLOCK = range(12)

# Numbers of a tap: which; its first row above, the place of its first live unit in the list, how many there are.
TAP, ROW, FIRST, LIVE = range(4)


def scratch(conv: tuple[int, ...], turn: int) -> tuple[Int[ndarray, "..."], ...]:
    """What one call of :func:`back_convolution` writes into; made here because Numba would compile that for long.

    Args:
        conv: numbers of the convolution.
        turn: units above that are added in one turn.

    Returns:
        The inner loop's arguments; taps; addresses of rows to begin with; addresses of rows above, and of their weights.
    """
    sizes = ARGUMENTS, (conv[KH] * conv[KW], 4), conv[BLOCK], turn, turn
    arguments, taps, table, rows, weights = (np.zeros(size, np.int64) for size in sizes)
    arguments[[ROWS, WEIGHTS, NAMED]] = rows.ctypes.data, weights.ctypes.data, table.ctypes.data
    return arguments, taps, table, rows, weights


@no_type_check
class Rows(NamedTuple):
    """The gradient rows of one value over its box.

    Attributes:
        buffer: the rows.
        start: per position of the whole map, where its live channels begin; one more at the end.
        channels: live channels, ascending at each position.
        first: per position of the box, the number of its first row; one more at the end.
        box: rows from, to, columns from, to; then the whole map's columns and channels.
    """

    buffer: Float[ndarray, "rows lanes"]
    start: Int[ndarray, " positions_and_one"]
    channels: UInt16[ndarray, " live"]
    first: Int[ndarray, " box_and_one"]
    box: tuple[int, ...]


@intrinsic
@no_type_check
def _call_address(typing_context: Any, address: Any, argument: Any) -> Any:
    """Call the machine code at an address with one pointer."""
    del typing_context

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        del context, signature
        function = ir.FunctionType(ir.VoidType(), [ir.IntType(64)])
        builder.call(builder.inttoptr(args[0], function.as_pointer()), [args[1]])
        return ir.Constant(ir.IntType(64), 0)

    return types.int64(address, argument), codegen


# What Numba need not compile: functions for callers in C, and the counting of references, as nothing is made in here. Parts
# are inlined by LLVM, not by Numba, which would infer types anew for every copy.
_compile: Any = njit  # whose stubs do not know these options
_kernel = kept(nogil=True, no_cfunc_wrapper=True, _nrt=False)
_part = _compile(nogil=True, forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False)

_call: Any = _call_address  # whose first parameter Numba fills in


@_part
@no_type_check
def _lower_bound(channels: Any, low: int, high: int, value: int) -> Any:
    """Where in ``channels[low:high]`` the first channel not below ``value`` stands."""
    while low < high:
        middle = (low + high) // 2
        if channels[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@_part
@no_type_check
def _row_offset(rows: Any, r: int, c: int) -> Any:
    """What to add to a live unit's number, counted over the whole map, to have its row's number."""
    box = rows.box
    return rows.first[(r - box[TOP]) * (box[RIGHT] - box[LEFT]) + c - box[LEFT]] - rows.start[r * box[COLUMNS] + c]


@_part
@no_type_check
def _affine(position: int, multiplier: int, offset: int, divisor: int, start: int, stop: int) -> Any:
    """The routed index, -1 where there is none."""
    scaled = position * multiplier + offset
    if divisor != 1:
        if scaled % divisor != 0:
            return -1
        scaled //= divisor
    return scaled if scaled >= start and scaled < stop else -1


@_part
@no_type_check
def _routed_row(above: Any, route: Any, r: int) -> Any:
    """The row of the routed position, -1 where it is outside of the rows' box."""
    return _affine(r, route[ROW_MUL], route[ROW_OFF], route[ROW_DIV], above.box[TOP], above.box[BOTTOM])


@_part
@no_type_check
def _routed_column(above: Any, route: Any, c: int) -> Any:
    """The column of the routed position, -1 where it is outside of the rows' box."""
    return _affine(c, route[COL_MUL], route[COL_OFF], route[COL_DIV], above.box[LEFT], above.box[RIGHT])


@_part
@no_type_check
def _reader(position: int, tap: int, stride: int, padding: int, dilation: int, transposed: int) -> Any:
    """The index of the output that reads input ``position`` with this tap; -1 where there is none."""
    if transposed:
        return position * stride - padding + tap * dilation
    reached = position + padding - tap * dilation
    if reached < 0 or reached % stride != 0:
        return -1
    return reached // stride


@_part
@no_type_check
def _find_taps(taps: Any, r: int, c: int, above: Any, route: Any, box: Any, conv: Any, low: int) -> Any:
    """List the outputs that read input ``(r, c)``.

    Args:
        taps: the table to fill.
        r: row of the input.
        c: column of the input.
        above: rows of the convolution's value.
        route: to them.
        box: of that value.
        conv: numbers of the convolution.
        low: first channel, in ``above``, of the group.

    Returns:
        Number of taps, and of the live units that they reach.
    """
    count, units = 0, 0
    high = low + conv[OUTPUTS]
    for i in range(conv[KH]):
        zr = _reader(r, i, conv[SH], conv[PH], conv[DH], conv[TRANSPOSED])
        if not box[0] <= zr < box[1]:
            continue
        gr = _routed_row(above, route, zr)
        if gr < 0:
            continue
        for j in range(conv[KW]):
            zc = _reader(c, j, conv[SW], conv[PW], conv[DW], conv[TRANSPOSED])
            if not box[2] <= zc < box[3]:
                continue
            gc = _routed_column(above, route, zc)
            if gc < 0:
                continue
            q = gr * above.box[COLUMNS] + gc
            first, last = above.start[q], above.start[q + 1]
            if low > 0 or high < above.box[CHANNELS]:
                first = _lower_bound(above.channels, first, last, low)
                last = _lower_bound(above.channels, first, last, high)
            if first == last:
                continue
            taps[count, TAP] = i * conv[KW] + j
            taps[count, ROW] = first + _row_offset(above, gr, gc)
            taps[count, FIRST] = first
            taps[count, LIVE] = last - first
            count += 1
            units += last - first
    return count, units


@_part
@no_type_check
def _find_added(table: Any, out: Any, begin: int, end: int, r: int, c: int, added: Any, route: Any, zeros: int) -> None:
    """Write the addresses of the rows to begin with, one per live unit ``begin`` to ``end`` of a position."""
    for k in range(end - begin):
        table[k] = zeros
    ar, ac = _routed_row(added, route, r), _routed_column(added, route, c)
    if ar < 0 or ac < 0:
        return
    q = ar * added.box[COLUMNS] + ac
    row_bytes = added.buffer.shape[1] * added.buffer.itemsize
    origin = added.buffer.ctypes.data + _row_offset(added, ar, ac) * row_bytes
    lowest = max(out.channels[begin] + route[SHIFT], route[CHANNEL_FROM])
    j, stop = _lower_bound(added.channels, added.start[q], added.start[q + 1], lowest), added.start[q + 1]
    for k in range(begin, end):
        channel = out.channels[k] + route[SHIFT]
        while j < stop and added.channels[j] < channel:
            j += 1
        if j == stop or added.channels[j] >= route[CHANNEL_TO]:
            return
        if added.channels[j] == channel:
            table[k - begin] = origin + j * row_bytes


@_kernel
@no_type_check
def back_convolution(
    span: Any, out: Any, above: Any, route: Any, point: int, turn: int, strip: int, begin_with: int, box: Any, weight: Any,
    conv: Any, added: Any, added_route: Any, zeros: int, scratch: Any,
) -> int:  # fmt: skip
    """The gradient of a convolution's input.

    Args:
        span: rows of positions to do, from and to.
        out: rows to write.
        above: rows of the convolution's value.
        route: to them.
        point: address of the inner loop.
        turn: units above that are added in one turn.
        strip: columns that are treated before the next row is.
        begin_with: ``FRESH``, ``MORE`` or ``WITH_ADDED``.
        box: of the convolution's value.
        weight: blocks ``[block of inputs, tap, output of the group, input in the block]``.
        conv: numbers of the convolution.
        added: rows to begin with.
        added_route: to them.
        zeros: address of one row of zeros.
        scratch: from :func:`scratch`, of this call alone.

    Returns:
        Multiply-adds done, per target.
    """
    arguments, taps, table, rows, weights = scratch
    item = weight.itemsize
    stride = conv[BLOCK] * item
    row_bytes, above_bytes = out.buffer.shape[1] * item, above.buffer.shape[1] * item
    blocks_per_group = (conv[INPUTS] + conv[BLOCK] - 1) // conv[BLOCK]
    work = 0
    for block in range(len(weight)):
        group = block // blocks_per_group
        low = group * conv[INPUTS] + block % blocks_per_group * conv[BLOCK]
        high = min(low + conv[BLOCK], (group + 1) * conv[INPUTS])
        above_low = route[CHANNEL_FROM] + group * conv[OUTPUTS]
        # the inner loop adds channel numbers as they are: the blocks' and groups' beginnings are taken off here
        origin = weight.ctypes.data + block * weight.shape[1] * item - low * item - above_low * stride
        for left in range(out.box[LEFT], out.box[RIGHT], strip):
            for r in range(span[0], span[1]):
                for c in range(left, min(left + strip, out.box[RIGHT])):
                    p = r * out.box[COLUMNS] + c
                    begin = _lower_bound(out.channels, out.start[p], out.start[p + 1], low)
                    end = _lower_bound(out.channels, begin, out.start[p + 1], high)
                    if begin == end:
                        continue
                    count, units = _find_taps(taps, r, c, above, route, box, conv, above_low)
                    if begin_with == MORE and count == 0:
                        continue
                    if begin_with == WITH_ADDED:
                        _find_added(table, out, begin, end, r, c, added, added_route, zeros)
                    arguments[LISTED] = out.channels.ctypes.data + begin * 2
                    arguments[COUNT] = end - begin
                    arguments[OUT] = out.buffer.ctypes.data + (begin + _row_offset(out, r, c)) * row_bytes
                    arguments[BEGIN] = begin_with
                    filled = 0
                    for t in range(count):
                        row = above.buffer.ctypes.data + taps[t, ROW] * above_bytes
                        tap = origin + taps[t, TAP] * conv[OUTPUTS] * stride
                        done = 0
                        while done < taps[t, LIVE]:
                            if filled == turn:
                                arguments[UNITS] = filled
                                _call(point, arguments.ctypes.data)
                                arguments[BEGIN], filled = MORE, 0
                            some = min(taps[t, LIVE] - done, turn - filled)
                            for k in range(some):
                                rows[filled + k] = row + (done + k) * above_bytes
                                weights[filled + k] = tap + above.channels[taps[t, FIRST] + done + k] * stride
                            filled += some
                            done += some
                    arguments[UNITS] = filled
                    _call(point, arguments.ctypes.data)
                    work += units * (end - begin)
    return work


@_part
@no_type_check
def _clear(out: Any, r: int, c: int) -> None:
    """Write zeros at a position."""
    p, offset = r * out.box[COLUMNS] + c, _row_offset(out, r, c)
    out.buffer[out.start[p] + offset : out.start[p + 1] + offset] = 0


@_part
@no_type_check
def _add_position(
    out: Any, r: int, c: int, above: Any, gr: int, gc: int, route: Any, factor: float, factors: Any, row: int,
    winners: Any, window: int,
) -> None:  # fmt: skip
    """Add the rows of one position to another's, channel by channel.

    Args:
        out: rows to write.
        r: row.
        c: column.
        above: rows to read.
        gr: row there.
        gc: column there.
        route: for the channels.
        factor: of all rows.
        factors: ``[_, channels]``; empty for 1.
        row: of ``factors``.
        winners: ``[windows, channels]``, who may read; empty for all.
        window: row of ``winners``.
    """
    p, q = r * out.box[COLUMNS] + c, gr * above.box[COLUMNS] + gc
    offset, above_offset = _row_offset(out, r, c), _row_offset(above, gr, gc)
    stop = above.start[q + 1]
    j = _lower_bound(above.channels, above.start[q], stop, route[CHANNEL_FROM])
    for k in range(out.start[p], out.start[p + 1]):
        channel = out.channels[k] + route[SHIFT]
        while j < stop and above.channels[j] < channel:
            j += 1
        if j == stop or above.channels[j] >= route[CHANNEL_TO]:
            break
        if above.channels[j] != channel or (len(winners) > 0 and winners[window, out.channels[k]] != p):
            continue
        times = factor
        if len(factors) > 0:
            times *= factors[row, out.channels[k]]
        for lane in range(out.buffer.shape[1]):
            out.buffer[k + offset, lane] += above.buffer[j + above_offset, lane] * times


@_kernel
@no_type_check
def add_routed(span: Any, fresh: bool, out: Any, above: Any, route: Any, _box: Any, factors: Any, nobody: Any) -> None:
    """Add the rows at matching positions and channels.

    Args:
        span: rows of positions to do, from and to.
        fresh: whether nothing has been written yet.
        out: rows to write.
        above: rows of the value.
        route: to them.
        _box: of the value; not needed here.
        factors: per unit ``[positions, channels]``, or per channel ``[1, channels]``; empty for 1.
        nobody: an empty table of winners.
    """
    one, none = above.buffer.dtype.type(1), np.int64(0)
    for r in range(span[0], span[1]):
        gr = _routed_row(above, route, r)
        for c in range(out.box[LEFT], out.box[RIGHT]):
            if fresh:
                _clear(out, r, c)
            gc = _routed_column(above, route, c)
            if gr >= 0 and gc >= 0:
                row = r * out.box[COLUMNS] + c if len(factors) > 1 else none
                _add_position(out, r, c, above, gr, gc, route, one, factors, row, nobody, none)


@_kernel
@no_type_check
def add_by_taps(
    span: Any, fresh: bool, out: Any, above: Any, route: Any, box: Any, factors: Any, winners: Any, form: Any, columns: int
) -> None:  # fmt: skip
    """Back through a max pooling, or through a convolution that keeps channels apart.

    Args:
        span: rows of positions to do, from and to.
        fresh: whether nothing has been written yet.
        out: rows to write.
        above: rows of the value.
        route: to them.
        box: of the value.
        factors: ``[taps, channels]``; empty for 1.
        winners: ``[windows, channels]``, the position that each window took; empty for all.
        form: numbers of the pooling or convolution, as far as ``TRANSPOSED``.
        columns: windows in a row.
    """
    one = above.buffer.dtype.type(1)
    for r in range(span[0], span[1]):
        for c in range(out.box[LEFT], out.box[RIGHT]):
            if fresh:
                _clear(out, r, c)
            for i in range(form[KH]):
                zr = _reader(r, i, form[SH], form[PH], form[DH], form[TRANSPOSED])
                gr = _routed_row(above, route, zr) if box[0] <= zr < box[1] else -1
                for j in range(form[KW]):
                    zc = _reader(c, j, form[SW], form[PW], form[DW], form[TRANSPOSED])
                    gc = _routed_column(above, route, zc) if box[2] <= zc < box[3] else -1
                    if gr >= 0 and gc >= 0:
                        tap, window = i * form[KW] + j, zr * columns + zc
                        _add_position(out, r, c, above, gr, gc, route, one, factors, tap, winners, window)


@_kernel
@no_type_check
def add_unpooled(
    span: Any, fresh: bool, out: Any, above: Any, route: Any, _box: Any, winners: Any, columns: int
) -> None:
    """Back through a max unpooling: each unit takes the row of the place where its value was put.

    Args:
        span: rows of positions to do, from and to.
        fresh: whether nothing has been written yet.
        out: rows to write.
        above: rows of the unpooled value.
        route: to them.
        _box: of the value; not needed here.
        winners: ``[positions, channels]``, the place where each value was put.
        columns: of the unpooled value.
    """
    for r in range(span[0], span[1]):
        for c in range(out.box[LEFT], out.box[RIGHT]):
            if fresh:
                _clear(out, r, c)
            p, offset = r * out.box[COLUMNS] + c, _row_offset(out, r, c)
            for k in range(out.start[p], out.start[p + 1]):
                place = winners[p, out.channels[k]]
                gr, gc = _routed_row(above, route, place // columns), _routed_column(above, route, place % columns)
                if gr < 0 or gc < 0:
                    continue
                q, channel = gr * above.box[COLUMNS] + gc, out.channels[k] + route[SHIFT]
                j = _lower_bound(above.channels, above.start[q], above.start[q + 1], channel)
                if j < above.start[q + 1] and above.channels[j] == channel:
                    source = j + _row_offset(above, gr, gc)
                    for lane in range(out.buffer.shape[1]):
                        out.buffer[k + offset, lane] += above.buffer[source, lane]


@_kernel
@no_type_check
def add_separable(
    span: Any, fresh: bool, out: Any, above: Any, route: Any, box: Any, nothing: Any, nobody: Any,
    row_weights: Any, row_spans: Any, column_weights: Any, column_spans: Any,
) -> None:  # fmt: skip
    """Back through a linear map along rows and another along columns.

    Args:
        span: rows of positions to do, from and to.
        fresh: whether nothing has been written yet.
        out: rows to write.
        above: rows of the map's value.
        route: to them.
        box: of the value.
        nothing: no factors.
        nobody: no winners.
        row_weights: ``[output rows, input rows]``.
        row_spans: per input row, the first output row that reads it and the one after the last.
        column_weights: as for rows.
        column_spans: as for rows.
    """
    none = np.int64(0)
    for r in range(span[0], span[1]):
        for c in range(out.box[LEFT], out.box[RIGHT]):
            if fresh:
                _clear(out, r, c)
            for zr in range(max(row_spans[r, 0], box[0]), min(row_spans[r, 1], box[1])):
                gr = _routed_row(above, route, zr)
                for zc in range(max(column_spans[c, 0], box[2]), min(column_spans[c, 1], box[3])):
                    gc = _routed_column(above, route, zc)
                    factor = row_weights[zr, r] * column_weights[zc, c]
                    if gr >= 0 and gc >= 0 and factor != 0:
                        _add_position(out, r, c, above, gr, gc, route, factor, nothing, none, nobody, none)
