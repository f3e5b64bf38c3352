"""Gradients of convolutions, faster where PyTorch's own are slow: channels-last memory on processors with AVX2.

There oneDNN's kernel for the weights' gradient strides through channels-last memory at a fifth to a half of the processor's peak,
while forward pass and gradient of the input run at its peak in this layout, and at two thirds of it in PyTorch's default layout
(where a convolution has many more weights than values, as FCN's 7x7 one, the gradient of the input is slow as well).
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor
from torch.overrides import TorchFunctionMode

__all__ = ["FasterGradients", "weight_gradient"]

#: Pixels of one strip: its two maps stay in the last level of cache, and what a call costs is nothing beside it.
_STRIP = 32_000
#: Pixels that are expanded at once, and whose tiles are.
_EXPANDED = 4_000
_TILED = 2_000
#: Columns of an expanded map up to which the matrix product wins at any size.
_FEW_COLUMNS = 256
#: Weights for each value of the input from which on oneDNN spends its time on turning them.
_MANY_WEIGHTS = 64
#: Maps of fewer channels, pictures, are left to oneDNN.
_FEW_CHANNELS = 8


class Places(NamedTuple):
    """Where a kernel is laid, in rows and columns."""

    stride: Sequence[int]
    padding: Sequence[int]
    dilation: Sequence[int]


class FasterGradients(TorchFunctionMode):
    """Within it, convolutions are PyTorch's own but for their gradients.

    That of the weights is :func:`weight_gradient`; that of the input is a matrix product where the weights are very many.
    Convolutions that it does not gain for are left alone: kernels of one pixel, groups, pictures, other memory layouts, devices
    and types, autocast, and all of them on a processor whose instruction sets oneDNN has a good kernel for.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Called for every function of PyTorch."""
        if func is torch.conv2d and not kwargs and len(args) == 7:
            x, weight, bias, stride, padding, dilation, groups = args
            if _gains(x, weight, groups, stride, padding, dilation):
                return _apply(x, weight, bias, stride, padding, dilation, None)
        if func is torch.conv_transpose2d and not kwargs and len(args) == 8:
            x, weight, bias, stride, padding, output_padding, groups, dilation = args
            gains = _gains(x, weight, groups, stride, padding, dilation, output_padding)
            if gains and all(more < step for more, step in zip(output_padding, stride, strict=True)):
                return _apply(x, weight, bias, stride, padding, dilation, output_padding)
        if func is torch.cat and kwargs == {"dim": 1} and _is_channels_last(args[0]):
            # a map of one channel is of both layouts, and would give the result the default one
            return torch.cat([part.movedim(1, -1) for part in args[0]], -1).movedim(-1, 1)
        return func(*args, **(kwargs or {}))


def _is_channels_last(parts: Sequence[Tensor]) -> bool:
    """Whether all are, and one of them is nothing else."""
    return all(part.ndim == 4 and part.is_contiguous(memory_format=torch.channels_last) for part in parts) and any(
        not part.is_contiguous() for part in parts
    )


def _gains(x: Tensor, weight: Tensor, groups: int, *pairs: Any) -> bool:
    """Whether gradients are computed apart; layers give pairs of numbers, calls by hand may give others."""
    return (
        torch.backends.cpu.get_cpu_capability() == "AVX2"
        and torch.is_grad_enabled()
        and weight.requires_grad
        and x.device.type == "cpu"
        and x.dtype == weight.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and groups == 1
        and all(isinstance(pair, (tuple, list)) and len(pair) == 2 for pair in pairs)
        and weight.shape[2:].numel() > 1
        and weight.shape[1] >= _FEW_CHANNELS
        and x.ndim == 4
        and weight.is_contiguous(memory_format=torch.channels_last)
    )


class _Convolution(torch.autograd.Function):
    """A convolution, transposed where ``output_padding`` is given, whose gradient by the weights is computed apart."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Float[Tensor, "b i _h _w"],
        weight: Float[Tensor, "_ _ k l"],
        bias: Float[Tensor, " o"] | None,
        stride: Sequence[int],
        padding: Sequence[int],
        dilation: Sequence[int],
        output_padding: Sequence[int] | None,
    ) -> Float[Tensor, "b o h w"]:
        x = x.contiguous(memory_format=torch.channels_last)
        ctx.save_for_backward(x, weight)
        ctx.places = Places(stride, padding, dilation)
        ctx.transposition = output_padding is not None, output_padding or [0, 0], 1
        return torch.convolution(x, weight, bias, stride, padding, dilation, *ctx.transposition)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Float[Tensor, "b o h w"]) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        x = x.contiguous(memory_format=torch.channels_last)  # hooks on what is saved may give it back otherwise
        of_input, _, of_bias = ctx.needs_input_grad[:3]
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        x_gradient = None
        if of_input and not ctx.transposition[0] and weight.numel() > _MANY_WEIGHTS * x.numel():
            x_gradient = _input_gradient(x, gradient, weight, ctx.places)
        elif of_input:
            x_gradient = torch.ops.aten.convolution_backward(
                gradient, x, weight, None, *ctx.places, *ctx.transposition, [True, False, False]
            )[0]
        bias_gradient = gradient.sum((0, 2, 3)) if of_bias else None
        # a transposed convolution is a convolution read backwards
        seen, answer = (gradient, x) if ctx.transposition[0] else (x, gradient)
        of_weight = weight_gradient(seen, answer, weight.shape, ctx.places)
        return x_gradient, of_weight, bias_gradient, None, None, None, None


_apply: Callable[..., Tensor] = _Convolution.apply


def weight_gradient(
    x: Float[Tensor, "b i _h _w"],
    gradient: Float[Tensor, "b o h w"],
    shape: Sequence[int],
    places: Places,
) -> Float[Tensor, "o i k l"]:
    """The gradient by a convolution's weights, from its input and the gradient by its output.

    Sums over pixels in another order than PyTorch's, and so differs from it by rounding.
    Where one of the maps has few channels or the weights outnumber the pixels' values it is one matrix product with that map
    (or the input) expanded. Else, kernels of 2 or 3 rows and columns are computed by Winograd's tiles, which take four
    multiplications of nine (3x3), and for others oneDNN's kernel for the default layout is fed strip by strip.

    Args:
        x: input, in channels-last memory.
        gradient: by the output, in channels-last memory.
        shape: of the weights.
        places: of the kernel.
    """
    if not (x.numel() and gradient.numel()):
        return x.new_zeros(*shape)
    outputs, inputs, *kernel = shape
    stride, padding, dilation = places
    taps = kernel[0] * kernel[1]
    if list(stride) == [1, 1] and outputs < inputs and taps * outputs <= _FEW_COLUMNS:
        # read the other way round, the input is what is slid over the gradient
        around = [d * (k - 1) - p for d, k, p in zip(dilation, kernel, padding, strict=True)]
        return _product(gradient, x, kernel, places._replace(padding=around)).flip(2, 3).transpose(0, 1)
    if {*kernel} <= _TO_KERNEL.keys() and {*stride, *dilation} == {1} and taps * inputs > _FEW_COLUMNS:
        return _by_tiles(x, gradient, kernel, padding)
    if taps * inputs <= _FEW_COLUMNS or taps * inputs * outputs > x.numel() / 2:
        return _product(x, gradient, kernel, places)
    return _by_strips(x, gradient, shape, places)


def _input_gradient(
    x: Float[Tensor, "b i _h _w"],
    gradient: Float[Tensor, "b o h w"],
    weight: Float[Tensor, "o i k l"],
    places: Places,
) -> Float[Tensor, "b i _h _w"]:
    """The gradient by a convolution's input as one matrix product with the weights as they lie in memory."""
    stride, padding, dilation = places
    (batch, channels, height, width), (rows, columns) = x.shape, gradient.shape[2:]
    by_pixel = gradient.permute(0, 2, 3, 1).reshape(-1, len(weight))
    windows = (by_pixel @ weight.permute(0, 2, 3, 1).reshape(len(weight), -1)).view(
        batch, rows, columns, *weight.shape[2:], channels
    )
    padded = x.new_zeros(batch, height + 2 * padding[0], width + 2 * padding[1], channels)
    for row, column in itertools.product(*map(range, weight.shape[2:])):
        top, left = row * dilation[0], column * dilation[1]
        part = padded[:, top :: stride[0], left :: stride[1]][:, :rows, :columns]
        part += windows[:, :, :, row, column]
    return padded[:, padding[0] : padding[0] + height, padding[1] : padding[1] + width].permute(0, 3, 1, 2)


def _product(
    x: Float[Tensor, "b i _h _w"],
    gradient: Float[Tensor, "b o h w"],
    kernel: Sequence[int],
    places: Places,
) -> Float[Tensor, "o i k l"]:
    """One matrix product: of the gradient with ``x``, expanded to one column for each weight of an output."""
    stride, padding, dilation = places
    channels, (height, width) = x.shape[1], gradient.shape[2:]
    padded = F.pad(x.permute(0, 2, 3, 1), (0, 0, padding[1], padding[1], padding[0], padding[0]))
    row, column = padded.stride()[1:3]
    strides = stride[0] * row, stride[1] * column, dilation[0] * row, dilation[1] * column, 1
    total = x.new_zeros(gradient.shape[1], kernel[0] * kernel[1] * channels)
    for picture, part in zip(padded, gradient.permute(0, 2, 3, 1), strict=True):
        for rows in _strips(height, width, _EXPANDED):
            windows = picture[stride[0] * rows.start :].as_strided((len(rows), width, *kernel, channels), strides)
            by_pixel = part[rows.start : rows.stop].reshape(-1, gradient.shape[1])
            total.addmm_(by_pixel.t(), windows.reshape(len(by_pixel), -1))
    return total.view(-1, *kernel, channels).permute(0, 3, 1, 2)


#: Number of taps on an axis: from the products to the kernel.
_TO_KERNEL = {
    2: torch.tensor([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]]),
    3: torch.tensor([[1.0, 0.5, 0.5, 0.0], [0.0, 0.5, -0.5, 0.0], [0.0, 0.5, 0.5, 1.0]]),
}


def _by_tiles(
    x: Float[Tensor, "b i _h _w"], gradient: Float[Tensor, "b o h w"], kernel: Sequence[int], padding: Sequence[int]
) -> Float[Tensor, "o i k l"]:
    """For 2x2 outputs of a 3x3 kernel 16 products instead of 36, of sums and differences of neighbours.

    The adjoint of F(2x2, 3x3) of Lavin and Gray 2016, arXiv:1509.09308, by the kernel. On one axis of it, the three ``g_0 d_j +
    g_1 d_(j+1)`` are ``m_0 + (m_1 + m_2) / 2``, ``(m_1 - m_2) / 2`` and ``(m_1 + m_2) / 2 + m_3`` of the four products
    ``g_0 (d_0 - d_2)``, ``(g_0 + g_1) (d_1 + d_2)``, ``(g_0 - g_1) (d_2 - d_1)`` and ``g_1 (d_3 - d_1)``. Where there are two,
    they are ``m_0 + m_1`` and ``m_1 + m_2`` of ``g_0 (d_0 - d_1)``, ``(g_0 + g_1) d_1`` and ``g_1 (d_2 - d_1)``. No factor is
    larger than a few of the maps' values, so nothing is lost in differences of large numbers (near the type's largest, they
    overflow earlier than the sum itself).
    """
    channels, (outputs, rows, columns) = x.shape[1], gradient.shape[1:]
    wide = -(-columns // 2)
    high = min(max(1, _TILED // (4 * wide)), -(-rows // 2))
    of_row, of_column = (taps + 1 for taps in kernel)  # products
    seen = x.new_zeros(2 * high + kernel[0] - 1, 2 * wide + kernel[1] - 1, channels)
    answered = x.new_zeros(2 * high, 2 * wide, outputs)
    by_row = x.new_empty(of_row, high, *seen.shape[1:])
    answered_by_row = x.new_empty(of_row, high, *answered.shape[1:])
    inputs, factors = (x.new_empty(of_row, of_column, high, wide, count) for count in (channels, outputs))
    total = x.new_zeros(of_row * of_column, outputs, channels)
    for picture, part in zip(x.permute(0, 2, 3, 1), gradient.permute(0, 2, 3, 1), strict=True):
        for start in range(0, rows, 2 * high):
            first = start - padding[0]
            _fill(seen, picture[max(first, 0) : max(first + len(seen), 0)], max(-first, 0), padding[1])
            _fill(answered, part[start : start + len(answered)], 0, 0)
            _of_inputs([seen[k : k + 2 * high : 2] for k in range(of_row)], by_row.unbind(0))
            _of_inputs([by_row[:, :, k : k + 2 * wide : 2] for k in range(of_column)], inputs.unbind(1))
            _of_gradients(answered[::2], answered[1::2], answered_by_row.unbind(0))
            _of_gradients(answered_by_row[:, :, ::2], answered_by_row[:, :, 1::2], factors.unbind(1))
            total.baddbmm_(factors.view(len(total), -1, outputs).transpose(1, 2), inputs.view(len(total), -1, channels))
    to_kernel = torch.kron(_TO_KERNEL[kernel[0]], _TO_KERNEL[kernel[1]]).to(total)
    return (to_kernel @ total.flatten(1)).view(*kernel, outputs, channels).permute(2, 3, 0, 1)


def _fill(strip: Float[Tensor, "_h _w c"], rows: Float[Tensor, "h w c"], top: int, left: int) -> None:
    """Put rows into a strip whose columns beside them are zero, and zeros above and below them."""
    strip[:top] = 0
    strip[top : top + len(rows), left : left + rows.shape[1]] = rows
    strip[top + len(rows) :] = 0


def _of_inputs(d: Sequence[Tensor], out: Sequence[Tensor]) -> None:
    """The factors of three or four neighbours of the input."""
    if len(d) == 3:
        torch.sub(d[0], d[1], out=out[0])
        out[1].copy_(d[1])
    else:
        torch.sub(d[0], d[2], out=out[0])
        torch.add(d[1], d[2], out=out[1])
        torch.sub(d[2], d[1], out=out[2])
    torch.sub(d[-1], d[1], out=out[-1])


def _of_gradients(g0: Tensor, g1: Tensor, out: Sequence[Tensor]) -> None:
    """The factors of two neighbours of the gradient."""
    out[0].copy_(g0)
    torch.add(g0, g1, out=out[1])
    if len(out) == 4:
        torch.sub(g0, g1, out=out[2])
    out[-1].copy_(g1)


def _by_strips(
    x: Float[Tensor, "b i _h _w"],
    gradient: Float[Tensor, "b o h w"],
    shape: Sequence[int],
    places: Places,
) -> Float[Tensor, "o i k l"]:
    """Strip by strip in PyTorch's default layout, which oneDNN's kernel is faster in; whole maps take long to turn."""
    stride, padding, dilation = places
    weight = x.new_empty(()).expand(*shape)  # only its shape counts
    reach = dilation[0] * (shape[2] - 1) + 1
    total = x.new_zeros(*shape)
    for picture, part in zip(x, gradient, strict=True):
        for rows in _strips(part.shape[1], part.shape[2], _STRIP):
            first = stride[0] * rows.start - padding[0]
            last = first + stride[0] * (len(rows) - 1) + reach
            if last <= 0 or first >= picture.shape[1]:
                continue  # nothing but the border
            seen = _turned(picture, max(first, 0), min(last, picture.shape[1]))
            if first < 0 or last > picture.shape[1]:
                seen = F.pad(seen, (0, 0, max(-first, 0), max(last - picture.shape[1], 0)))
            change: Tensor = torch.ops.aten.convolution_backward(
                _turned(part, rows.start, rows.stop), seen, weight, None, stride, [0, padding[1]], dilation,
                False, [0, 0], 1, [False, True, False],
            )[1]  # fmt: skip
            total += change
    return total


def _turned(x: Float[Tensor, "c _h w"], first: int, last: int) -> Float[Tensor, "1 c h w"]:
    """Some rows of channels-last memory in the default layout; a transposed matrix is what PyTorch copies fast."""
    channels, _, width = x.shape
    rows = x.new_empty(1, channels, last - first, width)
    rows.view(channels, -1).copy_(x.permute(1, 2, 0)[first:last].reshape(-1, channels).t())
    return rows


def _strips(height: int, width: int, pixels: int) -> Iterator[range]:
    """Rows, so many at a time that they have about so many pixels."""
    step = max(1, pixels // width)
    for start in range(0, height, step):
        yield range(start, min(start + step, height))
