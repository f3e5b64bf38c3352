"""Gradients of convolutions, faster where PyTorch's own are slow: channels-last memory on processors with AVX2.

There oneDNN's kernel for the weights' gradient strides through channels-last memory at a fifth to a half of the processor's peak,
while forward pass and gradient of the input run at its peak in this layout, and at two thirds of it in PyTorch's default layout
(where a convolution has many more weights than values, as FCN's 7x7 one, the gradient of the input is slow as well).
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor
from torch.overrides import TorchFunctionMode

__all__ = ["FasterGradients", "weight_gradient"]

#: Pixels of one strip: its two maps stay in the last level of cache, and what a call costs is nothing beside it.
_STRIP = 32_000
_EXPANDED = 4_000
#: Columns of an expanded map up to which the matrix product wins at any size.
_FEW_COLUMNS = 256
#: Weights for each value of the input from which on oneDNN spends its time on turning them.
_MANY_WEIGHTS = 64
#: Maps of fewer channels, pictures, are left to oneDNN.
_FEW_CHANNELS = 8


class FasterGradients(TorchFunctionMode):
    """Within it, a convolution is PyTorch's own but for the gradient of its weights, which is :func:`weight_gradient`, and of its
    input where the weights are very many.

    Convolutions that it does not gain for are left alone: kernels of one pixel, groups, pictures, other memory layouts, devices
    and types, autocast, and all of them on a processor whose instruction sets oneDNN has a good kernel for.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Called for every function of PyTorch."""
        if func is torch.conv2d and not kwargs and len(args) == 7:
            x, weight, bias, stride, padding, dilation, groups = args
            if _gains(x, weight, padding, groups):
                return _apply(x, weight, bias, stride, padding, dilation, None)
        if func is torch.conv_transpose2d and not kwargs and len(args) == 8:
            x, weight, bias, stride, padding, output_padding, groups, dilation = args
            if _gains(x, weight, padding, groups):
                return _apply(x, weight, bias, stride, padding, dilation, output_padding)
        if func is torch.cat and kwargs == {"dim": 1} and args[0][0].is_contiguous(memory_format=torch.channels_last):
            # a map of one channel is of both layouts, and would give the result the default one
            return torch.cat([part.movedim(1, -1) for part in args[0]], -1).movedim(-1, 1)
        return func(*args, **(kwargs or {}))


def _gains(x: Tensor, weight: Tensor, padding: Any, groups: int) -> bool:
    return (
        torch.backends.cpu.get_cpu_capability() == "AVX2"
        and torch.is_grad_enabled()
        and weight.requires_grad
        and x.device.type == "cpu"
        and x.dtype == weight.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and groups == 1
        and not isinstance(padding, str)
        and weight.shape[2:].numel() > 1
        and weight.shape[1] >= _FEW_CHANNELS
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
        ctx.places = stride, padding, dilation
        ctx.kind = output_padding is not None, output_padding or [0, 0], 1
        return torch.convolution(x, weight, bias, stride, padding, dilation, *ctx.kind)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Float[Tensor, "b o h w"]) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        of_input, _, of_bias = ctx.needs_input_grad[:3]
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        stride, padding, dilation = ctx.places
        x_gradient = None
        if of_input and not ctx.kind[0] and weight.numel() > _MANY_WEIGHTS * x.numel():
            x_gradient = _input_gradient(x, gradient, weight, stride, padding, dilation)
        elif of_input:
            x_gradient = torch.ops.aten.convolution_backward(
                gradient, x, weight, None, *ctx.places, *ctx.kind, [True, False, False]
            )[0]
        bias_gradient = gradient.sum((0, 2, 3)) if of_bias else None
        seen, answer = (
            (gradient, x) if ctx.kind[0] else (x, gradient)
        )  # a transposed one is a convolution read backwards
        of_weight = weight_gradient(seen, answer, weight.shape, stride, padding, dilation)
        return x_gradient, of_weight, bias_gradient, None, None, None, None


_apply: Callable[..., Tensor] = _Convolution.apply


def weight_gradient(
    x: Float[Tensor, "b i _h _w"],
    gradient: Float[Tensor, "b o h w"],
    shape: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
) -> Float[Tensor, "o i k l"]:
    """The gradient by a convolution's weights, from its input and the gradient by its output.

    Sums over pixels in another order than PyTorch's, and so differs from it by rounding. Where one of the maps has few channels
    or the weights outnumber the pixels' values it is one matrix product with that map (or the input) expanded, else oneDNN's
    kernel for the default layout is fed strip by strip.

    Args:
        x: input, in channels-last memory.
        gradient: by the output, in channels-last memory.
        shape: of the weights.
        stride: rows, columns.
        padding: rows, columns.
        dilation: rows, columns.
    """
    outputs, inputs, *kernel = shape
    taps = kernel[0] * kernel[1]
    if list(stride) == [1, 1] and outputs < inputs and taps * outputs <= _FEW_COLUMNS:
        # read the other way round, the input is what is slid over the gradient
        around = [d * (k - 1) - p for d, k, p in zip(dilation, kernel, padding, strict=True)]
        return _product(gradient, x, kernel, stride, around, dilation).flip(2, 3).transpose(0, 1)
    if taps * inputs <= _FEW_COLUMNS or taps * inputs * outputs > x.numel() / 2:
        return _product(x, gradient, kernel, stride, padding, dilation)
    return _by_strips(x, gradient, shape, stride, padding, dilation)


def _input_gradient(
    x: Float[Tensor, "b i _h _w"],
    gradient: Float[Tensor, "b o h w"],
    weight: Float[Tensor, "o i k l"],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
) -> Float[Tensor, "b i _h _w"]:
    """The gradient by a convolution's input as one matrix product with the weights as they lie in memory."""
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
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
) -> Float[Tensor, "o i k l"]:
    """One matrix product: of the gradient with ``x``, expanded to one column for each weight of an output."""
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


def _by_strips(
    x: Float[Tensor, "b i _h _w"],
    gradient: Float[Tensor, "b o h w"],
    shape: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
) -> Float[Tensor, "o i k l"]:
    """Strip by strip in PyTorch's default layout, which oneDNN's kernel is faster in; whole maps take long to turn."""
    weight = x.new_empty(()).expand(*shape)  # only its shape counts
    reach = dilation[0] * (shape[2] - 1) + 1
    total: Tensor | None = None
    for picture, part in zip(x, gradient, strict=True):
        for rows in _strips(part.shape[1], part.shape[2], _STRIP):
            first = stride[0] * rows.start - padding[0]
            last = first + stride[0] * (len(rows) - 1) + reach
            seen = _turned(picture, max(first, 0), min(last, picture.shape[1]))
            if first < 0 or last > picture.shape[1]:
                seen = F.pad(seen, (0, 0, max(-first, 0), max(last - picture.shape[1], 0)))
            change: Tensor = torch.ops.aten.convolution_backward(
                _turned(part, rows.start, rows.stop), seen, weight, None, stride, [0, padding[1]], dilation,
                False, [0, 0], 1, [False, True, False],
            )[1]  # fmt: skip
            total = change if total is None else total.add_(change)
    assert total is not None
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
