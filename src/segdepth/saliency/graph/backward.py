"""The gradient of each kind of node inside a box, in plain PyTorch: any device, float32 or float64.

A function here takes the gradient of the node's value, ``[targets, channels, rows, columns]`` over the value's box,
and gives the gradient of one input over that input's box. Boxes hold everything that is not zero, so the result is
exact.
"""

from functools import singledispatch

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from .axes import Box, Span
from .nodes import (
    Add,
    Concat,
    Convolution,
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

__all__ = ["input_gradient", "prepare_state", "prepare_weight"]

Gradient = Float[Tensor, "n _c _h _w"]


@singledispatch
def input_gradient(node: Node, g: Gradient, box: Box, place: int, part: Box, state: Tensor | None) -> Gradient:
    """The gradient of the node's input number ``place`` over the box ``part``.

    Args:
        node: the operation.
        g: the gradient of its value.
        box: rows and columns of ``g``.
        place: which of the inputs.
        part: rows and columns of the result.
        state: what :func:`prepare_state` or :func:`prepare_weight` made for this node, if anything.
    """
    raise NotImplementedError(type(node).__name__)


#: From this many taps on a matrix product is the fastest, this many positions at a time: it reads the weights once.
MANY_TAPS, FEW_POSITIONS = 25, 256


def _is_product(node: Convolution) -> bool:
    """Whether the gradient is one matrix product of positions and channels."""
    return node.kernel == node.stride == (1, 1) and node.padding == (0, 0) and node.groups == 1


def _is_folded(node: Convolution) -> bool:
    """Whether the kernel is so large, as of a fully connected layer made a convolution, that weights are the cost."""
    return (
        not node.transposed and node.groups == 1 and node.kernel[0] * node.kernel[1] >= MANY_TAPS and node.shape[0] > 64
    )


def prepare_weight(node: Convolution) -> Tensor:
    """The weight as the gradient needs it: swapped and turned around where a plain convolution does the work."""
    weight = node.weight
    if _is_product(node):
        matrix = weight[:, :, 0, 0]
        return (matrix if node.transposed else matrix.T).contiguous()
    if _is_folded(node):
        return weight.flatten(1).contiguous()
    if not node.transposed and node.stride == (1, 1):
        groups, (outputs, inputs, *kernel) = node.groups, weight.shape
        weight = weight.view(groups, outputs // groups, inputs, *kernel).transpose(1, 2)
        weight = weight.reshape(groups * inputs, outputs // groups, *kernel).flip(2, 3)
    return weight.contiguous(memory_format=torch.channels_last)


def prepare_state(node: Node, state: Tensor, sizes: tuple[int, int]) -> Tensor:
    """Masks and derivatives with channels last; of a pooling, per tap, whether that tap won.

    Args:
        node: a pointwise node or a pooling.
        state: as :meth:`Graph.forward` left it.
        sizes: rows and columns of the node's input.
    """
    if isinstance(node, MaxPool):
        state = _tap_masks(node, state, sizes)
    if state.dtype == torch.bool:
        state = state.to(torch.uint8)  # what PyTorch multiplies numbers by twice as fast
    return state.movedim(-3, -1).contiguous().movedim(-1, -3)


def _tap_masks(node: MaxPool, winners: Int[Tensor, "c h w"], sizes: tuple[int, int]) -> Bool[Tensor, "taps c h w"]:
    """Which tap of its window each output took."""
    height, width = sizes
    _, rows, columns = winners.shape
    tops = torch.arange(rows, device=winners.device)[:, None] * node.stride[0] - node.padding[0]
    lefts = torch.arange(columns, device=winners.device) * node.stride[1] - node.padding[1]
    masks = []
    for i in range(node.kernel[0]):
        for j in range(node.kernel[1]):
            row, column = tops + i * node.dilation[0], lefts + j * node.dilation[1]
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            masks.append((winners == row * width + column) & inside)
    return torch.stack(masks)


def _cut(g: Tensor, box: Box, part: Box) -> Tensor:
    """The part of a map over ``box`` that lies over ``part``, which is inside it."""
    (top, _), (left, _) = box
    return g[..., part[0][0] - top : part[0][1] - top, part[1][0] - left : part[1][1] - left]


def _fit(g: Gradient, box: Box, rows: Span, columns: Span) -> Gradient:
    """A map over ``box`` cut, and filled up with zeros, to ``rows`` and ``columns``, which may reach beyond the map."""
    before = (box[0][0] - rows[0], box[1][0] - columns[0])
    after = (rows[1] - box[0][1], columns[1] - box[1][1])
    return F.pad(g, (before[1], after[1], before[0], after[0]))


@input_gradient.register
def _(node: Convolution, g: Gradient, box: Box, place: int, part: Box, state: Tensor) -> Gradient:
    del place
    if _is_product(node):
        return F.linear(_cut(g, box, part).permute(0, 2, 3, 1), state).permute(0, 3, 1, 2)
    if _is_folded(node):
        return _folded(node, g, box, part, state)
    if node.transposed:
        return _transposed(node, g, box, part, state)
    if node.stride != (1, 1):
        return _strided(node, g, box, part, state)
    spans = [
        (part[k][0] + node.padding[k] - (node.kernel[k] - 1) * node.dilation[k], part[k][1] + node.padding[k])
        for k in (0, 1)
    ]
    g = _fit(g, box, *spans)
    return F.conv2d(g, state, dilation=node.dilation, groups=node.groups)


def _folded(node: Convolution, g: Gradient, box: Box, part: Box, weight: Float[Tensor, "_o _taps"]) -> Gradient:
    """All taps of every position in one matrix product, then summed where they overlap; a part of positions at a time."""
    rows = max(1, FEW_POSITIONS // (len(g) * g.shape[3]))
    result = _zeros(g, node.weight.shape[1], part)
    for top in range(0, g.shape[2], rows):
        some = g[:, :, top : top + rows]
        strip: Box = ((box[0][0] + top, box[0][0] + top + some.shape[2]), box[1])
        taps = (some.flatten(2).transpose(1, 2).contiguous() @ weight).transpose(1, 2)
        reached = _reached(node, strip)
        size = (reached[0][1] - reached[0][0], reached[1][1] - reached[1][0])
        full = F.fold(taps, size, node.kernel, dilation=node.dilation, stride=node.stride)
        result += _fit(full, reached, *part)
    return result


def _reached(node: Convolution, box: Box) -> Box:
    """The inputs that a box of outputs reads, those in the padding included."""
    rows, columns = (
        (
            box[k][0] * node.stride[k] - node.padding[k],
            (box[k][1] - 1) * node.stride[k] - node.padding[k] + (node.kernel[k] - 1) * node.dilation[k] + 1,
        )
        for k in (0, 1)
    )
    return rows, columns


def _strided(node: Convolution, g: Gradient, box: Box, part: Box, weight: Tensor) -> Gradient:
    full = F.conv_transpose2d(g, weight, stride=node.stride, dilation=node.dilation, groups=node.groups)
    return _fit(full, _reached(node, box), *part)


def _transposed(node: Convolution, g: Gradient, box: Box, part: Box, weight: Tensor) -> Gradient:
    g = _fit(g, box, *_reached(node, part))
    return F.conv2d(g, weight, stride=node.stride, dilation=node.dilation, groups=node.groups)


@input_gradient.register
def _(node: Pointwise, g: Gradient, box: Box, place: int, part: Box, state: Tensor) -> Gradient:
    del node, place
    return _cut(g, box, part) * state[..., slice(*part[0]), slice(*part[1])]


@input_gradient.register
def _(node: Scale, g: Gradient, box: Box, place: int, part: Box, state: None) -> Gradient:
    del place, state
    return _cut(g, box, part) * node.factors[:, None, None].to(g.dtype)


@input_gradient.register
def _(node: Add, g: Gradient, box: Box, place: int, part: Box, state: None) -> Gradient:
    del node, place, state
    return _cut(g, box, part)


@input_gradient.register
def _(node: Permute, g: Gradient, box: Box, place: int, part: Box, state: None) -> Gradient:
    del place, state
    return _cut(g, box, part)[:, node.order.argsort()]


@input_gradient.register
def _(node: Shuffle, g: Gradient, box: Box, place: int, part: Box, state: None) -> Gradient:
    del place, state
    rows, columns = ((span[0] * node.factor, span[1] * node.factor) for span in part)
    return F.pixel_unshuffle(_fit(g, box, rows, columns), node.factor)


@input_gradient.register
def _(node: Interleave, g: Gradient, box: Box, place: int, part: Box, state: None) -> Gradient:
    del state
    factor, offsets = node.factor, divmod(place, node.factor)
    rows, columns = (
        (span[0] * factor + o, (span[1] - 1) * factor + o + 1) for span, o in zip(part, offsets, strict=True)
    )
    return _fit(g, box, rows, columns)[..., ::factor, ::factor]


@input_gradient.register
def _(node: Separable, g: Gradient, box: Box, place: int, part: Box, state: None) -> Gradient:
    del place, state
    rows = node.rows[slice(*box[0]), slice(*part[0])].to(g.dtype)
    columns = node.columns[slice(*box[1]), slice(*part[1])].to(g.dtype)
    return torch.matmul(rows.T, torch.matmul(g, columns))


def _strip(start: int, step: int, outer: Span, inner: Span) -> tuple[Span, slice]:
    """The indices ``o`` in ``outer`` for which ``o step + start`` is in ``inner``, and these as a slice of ``inner``."""
    first = max(outer[0], -((start - inner[0]) // step))
    last = min(outer[1] - 1, (inner[1] - 1 - start) // step)
    if first > last:
        return (0, 0), slice(0, 0)
    begin = first * step + start - inner[0]
    return (first, last + 1), slice(begin, begin + (last - first) * step + 1, step)


def _taps(node: MaxPool, coarse: Box, fine: Box) -> "list[tuple[int, Box, slice, slice]]":
    """Per tap: its number, the windows in ``coarse`` for which it lies in ``fine``, and its places there."""
    found = []
    for i in range(node.kernel[0]):
        rows, fine_rows = _strip(i * node.dilation[0] - node.padding[0], node.stride[0], coarse[0], fine[0])
        for j in range(node.kernel[1]):
            columns, fine_columns = _strip(j * node.dilation[1] - node.padding[1], node.stride[1], coarse[1], fine[1])
            if rows[1] > rows[0] and columns[1] > columns[0]:
                found.append((i * node.kernel[1] + j, (rows, columns), fine_rows, fine_columns))
    return found


@input_gradient.register
def _(node: MaxPool, g: Gradient, box: Box, place: int, part: Box, state: UInt8[Tensor, "taps c _h _w"]) -> Gradient:
    del place
    result = _zeros(g, g.shape[1], part)
    for tap, windows, rows, columns in _taps(node, box, part):
        result[..., rows, columns] += _cut(g, box, windows) * state[tap][:, slice(*windows[0]), slice(*windows[1])]
    return result


@input_gradient.register
def _(node: Unpool, g: Gradient, box: Box, place: int, part: Box, state: UInt8[Tensor, "taps c _h _w"]) -> Gradient:
    del place
    result = _zeros(g, g.shape[1], part)
    for tap, windows, rows, columns in _taps(node.windows, part, box):
        _cut(result, part, windows).add_(g[..., rows, columns] * state[tap][:, slice(*windows[0]), slice(*windows[1])])
    return result


@input_gradient.register
def _(node: Window, g: Gradient, box: Box, place: int, part: Box, state: None) -> Gradient:
    del place, state
    rows, part_rows = _strip(node.start[1], node.step[1], box[0], part[0])
    columns, part_columns = _strip(node.start[2], node.step[2], box[1], part[1])
    cut = _cut(g, box, (rows, columns))
    if node.step[1:] == (1, 1) and node.all_channels:
        return cut
    result = _zeros(g, node.channels, part)
    channels, own = _strip(node.start[0], node.step[0], (0, node.shape[0]), (0, node.channels))
    result[:, own, part_rows, part_columns] = cut[:, slice(*channels)]
    return result


@input_gradient.register
def _(node: Concat, g: Gradient, box: Box, place: int, part: Box, state: None) -> Gradient:
    del state
    start = sum(node.channels[:place])
    return _cut(g[:, start : start + node.channels[place]], box, part)


def _zeros(g: Gradient, channels: int, part: Box) -> Gradient:
    shape = (len(g), channels, part[0][1] - part[0][0], part[1][1] - part[1][0])
    return g.new_zeros(shape).contiguous(memory_format=torch.channels_last)
